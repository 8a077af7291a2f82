// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Outbound connections with their outcome and first bytes; repeats of a cgroup are folded. */
#include "lib/base/program.bpf.h"
#include "lib/filter/egress.bpf.h"

#define KW_TCP_ESTABLISHED 1
#define KW_TCP_SYN_SENT 2
#define KW_TCP_SYN_RECV 3
#define KW_ECONNRESET 104
#define KW_ECONNREFUSED 111

/* Of a connection that left SYN_SENT; unreachable and given up by the process count as timed out. */
static __always_inline u32 outcome_of(struct sock *sk, int newstate)
{
	int error = BPF_CORE_READ(sk, sk_err);

	if (newstate == KW_TCP_ESTABLISHED)
		return KW_ESTABLISHED;
	return error == KW_ECONNREFUSED || error == KW_ECONNRESET ? KW_REFUSED : KW_TIMED_OUT;
}

/* SYN_SENT is set in the connecting process's context; later changes come from anywhere. */
SEC("tp_btf/inet_sock_set_state")
int KW_PROG(tcp_state, struct sock *sk, int oldstate, int newstate)
{
	struct kw_egress_state state = {}, *known;
	struct kw_egress_outcome *e;
	struct kw_address to;
	u64 key = (u64)sk;
	int opening;

	/* An MPTCP or SCTP socket comes here too; the TCP one inside the former has the address. */
	if (BPF_CORE_READ(sk, sk_protocol) != KW_IPPROTO_TCP)
		return 0;
	if (newstate == KW_TCP_SYN_SENT) {
		read_remote(sk, &to);
		state.id = unique_id();
		if (emit_first(&to, KW_IPPROTO_TCP, KW_PENDING, state.id) &&
		    bpf_map_update_elem(&egress, &key, &state, BPF_ANY))
			count_drop(KW_DROP_EGRESS_MAP);
		return 0;
	}
	/* A peer that opens at the same time makes it SYN_RECV first (RFC 9293 section 3.5). */
	opening = oldstate == KW_TCP_SYN_SENT || oldstate == KW_TCP_SYN_RECV;
	if (newstate == KW_TCP_SYN_RECV || (!opening && newstate != KW_TCP_CLOSE))
		return 0;
	known = bpf_map_lookup_elem(&egress, &key);
	if (!known)
		return 0;
	if (opening) {
		e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
		if (e) {
			fill_header(&e->h, KW_EGRESS_OUTCOME, sizeof(*e));
			e->egress = known->id;
			e->pad = 0;
			e->outcome = outcome_of(sk, newstate);
			bpf_ringbuf_submit(e, 0);
		} else {
			count_drop(KW_DROP_RING);
		}
	}
	if (newstate == KW_TCP_CLOSE)
		bpf_map_delete_elem(&egress, &key);
	return 0;
}

SEC("fentry/inet_sendmsg")
int KW_PROG(inet_first_send, struct socket *sock, struct msghdr *msg, size_t size)
{
	return first_payload(sock, msg);
}

SEC("fentry/inet6_sendmsg")
int KW_PROG(inet6_first_send, struct socket *sock, struct msghdr *msg, size_t size)
{
	return first_payload(sock, msg);
}

SEC("fentry/udp_sendmsg")
int KW_PROG(udp4_send, struct sock *sk, struct msghdr *msg, size_t size)
{
	return udp_send(sk, msg);
}

SEC("fentry/udpv6_sendmsg")
int KW_PROG(udp6_send, struct sock *sk, struct msghdr *msg, size_t size)
{
	return udp_send(sk, msg);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Outbound connections: the first of a cgroup to a destination, its outcome and its first bytes. */
#ifndef KILNWATCH_EGRESS_BPF_H
#define KILNWATCH_EGRESS_BPF_H

#include "lib/read/sock.bpf.h"
#include "lib/read/task.bpf.h"

#define KW_IPPROTO_TCP 6
#define KW_IPPROTO_UDP 17

#define KW_TCP_ESTABLISHED 1
#define KW_TCP_SYN_SENT 2
#define KW_TCP_SYN_RECV 3
#define KW_ECONNRESET 104
#define KW_ECONNREFUSED 111

/* Steps of builders without a daemon may share a cgroup: there the process that the builder forked counts. */
static __always_inline void fold_key(struct kw_fold_key *key, struct kw_address *to, u16 protocol)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct kw_lineage *line = bpf_map_lookup_elem(&lineage, &tgid);

	key->kin = line ? line->kin : 0;
	key->cgroup_id = bpf_get_current_cgroup_id();
	__builtin_memcpy(key->ip, to->ip, sizeof(key->ip));
	key->port = to->port;
	key->protocol = protocol;
}

/*
 * The first time that this cgroup meets the destination: one record. Returns 0 when there is nothing
 * to follow; a record that the ring refused is tried again with the next connection.
 */
static __always_inline int emit_first(struct sock *sk, struct kw_address *to, u16 protocol, u32 outcome, u64 id)
{
	struct kw_fold_key key = {};
	struct kw_egress *e;
	u32 one = 1, *count;

	fold_key(&key, to, protocol);
	count = bpf_map_lookup_elem(&folds, &key);
	if (count) {
		__sync_fetch_and_add(count, 1);
		return 0;
	}
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		count_drop(KW_DROP_RING);
		return 0;
	}
	fill_header(&e->h, KW_EGRESS, sizeof(*e));
	e->egress = id;
	e->protocol = protocol;
	e->outcome = outcome;
	e->destination = *to;
	e->net = read_net(sk);
	e->pad = 0;
	read_task((struct task_struct *)bpf_get_current_task(), &e->task);
	bpf_ringbuf_submit(e, 0);
	bpf_map_update_elem(&folds, &key, &one, BPF_ANY);
	return 1;
}

/* Of a connection that left SYN_SENT; unreachable and given up by the process count as timed out. */
static __always_inline u32 outcome_of(struct sock *sk, int newstate)
{
	int error = BPF_CORE_READ(sk, sk_err);

	if (newstate == KW_TCP_ESTABLISHED)
		return KW_ESTABLISHED;
	return error == KW_ECONNREFUSED || error == KW_ECONNRESET ? KW_REFUSED : KW_TIMED_OUT;
}

/* SYN_SENT is set in the connecting process's context; later changes come from anywhere. */
static __always_inline int tcp_changed(struct sock *sk, int oldstate, int newstate)
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
		if (emit_first(sk, &to, KW_IPPROTO_TCP, KW_PENDING, state.id) &&
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

static __always_inline int first_payload(struct socket *sock, struct msghdr *msg)
{
	struct kw_egress_state *known;
	struct kw_egress_data *e;
	u64 key = (u64)BPF_CORE_READ(sock, sk), length = 0;
	void *from;

	known = bpf_map_lookup_elem(&egress, &key);
	if (!known || known->payload_sent)
		return 0;
	from = iter_user_buffer(&msg->msg_iter, &length);
	if (!from || !length)
		return 0;
	known->payload_sent = 1;
	if (length > KW_DATA_SMALL)
		length = KW_DATA_SMALL;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		count_drop(KW_DROP_RING);
		return 0;
	}
	if (bpf_probe_read_user(e->payload, (u32)length & (2 * KW_DATA_SMALL - 1), from)) {
		bpf_ringbuf_discard(e, 0);
		count_drop(KW_DROP_COPY);
		return 0;
	}
	fill_header(&e->h, KW_EGRESS_DATA, sizeof(*e));
	e->egress = known->id;
	e->captured = length;
	e->pad = 0;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

struct kw_sockaddr { /* sockaddr_in and sockaddr_in6 (uapi) */
	u16 family;
	u16 port;
	u32 v4; /* flow label in sockaddr_in6 */
	u8 v6[16];
};

/* msg_name is the kernel's copy (move_addr_to_kernel), so the caller can not change it any more. */
static __always_inline int udp_send(struct sock *sk, struct msghdr *msg)
{
	struct kw_sockaddr name = {};
	struct kw_address to = {};
	void *from = BPF_CORE_READ(msg, msg_name);

	if (!from) {
		read_remote(sk, &to);
	} else {
		bpf_probe_read_kernel(&name, 8, from);
		to.port = bpf_ntohs(name.port);
		if (name.family == KW_AF_INET6) {
			bpf_probe_read_kernel(&name, sizeof(name), from);
			__builtin_memcpy(to.ip, name.v6, sizeof(to.ip));
		} else {
			map_v4(to.ip, name.v4);
		}
	}
	if (to.port)
		emit_first(sk, &to, KW_IPPROTO_UDP, KW_SENT, unique_id());
	return 0;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Outbound connections: the first of a cgroup to a destination, its outcome and the sends of its head. */
#ifndef KILNWATCH_EGRESS_BPF_H
#define KILNWATCH_EGRESS_BPF_H

#include "lib/read/sock.bpf.h"
#include "lib/read/task.bpf.h"

#define KW_QUIC_LEAST 1200 /* bytes of a client's first datagrams (RFC 9000, 14.1) */
#define KW_HEAD_SENDS 4    /* a head of HTTP or a TLS hello may be sent in pieces */
#define KW_HELLO_SENDS 4   /* a TLS hello takes one to three datagrams, and may be sent again */
#define KW_HELLO_NS 1000000000ull /* by then the destination is told (tracker: kEgressWait) */

#define KW_TLS_HANDSHAKE 0x16 /* type of a record (RFC 8446, 5.1) */
#define KW_AF_UNSPEC 0
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

/*
 * What a process sent, in the smallest class that has room for it. `size` is what lies at `from` in the low
 * half, all that was sent in the high half. A global function, like emit_piece.
 */
__noinline int emit_sent(u64 id, u32 kind, u64 from, u64 size)
{
	struct kw_egress_data *e;
	u64 captured = size & 0xffffffff;
	u32 room;

	/* One register for the bound and the copy, as in emit_piece. */
	asm volatile("" : "+r"(captured));
	if (captured > KW_DATA_LARGE)
		captured = KW_DATA_LARGE;
	asm volatile("" : "+r"(captured));
	if (captured <= KW_DATA_SMALL) {
		e = bpf_ringbuf_reserve(&events, sizeof(*e) + KW_DATA_SMALL, 0);
		if (!e)
			goto full;
		if (bpf_probe_read_user(e->payload, captured, (void *)from))
			goto unreadable;
		room = KW_DATA_SMALL;
	} else if (captured <= KW_DATA_MIDDLE) {
		e = bpf_ringbuf_reserve(&events, sizeof(*e) + KW_DATA_MIDDLE, 0);
		if (!e)
			goto full;
		if (bpf_probe_read_user(e->payload, captured, (void *)from))
			goto unreadable;
		room = KW_DATA_MIDDLE;
	} else {
		e = bpf_ringbuf_reserve(&events, sizeof(*e) + KW_DATA_LARGE, 0);
		if (!e)
			goto full;
		if (bpf_probe_read_user(e->payload, captured, (void *)from))
			goto unreadable;
		room = KW_DATA_LARGE;
	}
	fill_header(&e->h, kind, sizeof(*e) + room);
	e->egress = id;
	e->captured = captured;
	e->length = size >> 32;
	bpf_ringbuf_submit(e, 0);
	return 1;
unreadable:
	bpf_ringbuf_discard(e, 0);
	count_drop(kind == KW_EGRESS_DATA ? KW_DROP_COPY : KW_DROP_NAMES);
	return 0;
full:
	count_drop(KW_DROP_RING);
	return 0;
}

/*
 * Whether what was sent so far may be part of a head alone: a TLS hello shorter than it says it is (RFC 8446, 4
 * and 5.1: type and length of the record, then of the message), or letters that begin a request, without an empty
 * line at their end. userspace (tracker/heads.h) reads it and knows better; this only bounds what it is given.
 */
static __always_inline int may_go_on(struct kw_egress_state *known, u64 from, u32 length)
{
	u8 head[9] = {}, end[4] = {};
	u32 wanted = known->wanted;

	if (known->sends == 1) {
		if (bpf_probe_read_user(head, length < sizeof(head) ? 1 : sizeof(head), (void *)from))
			return 0;
		if (head[0] == KW_TLS_HANDSHAKE) {
			u32 record = 5 + ((u32)head[3] << 8 | head[4]);

			wanted = 9 + ((u32)head[6] << 16 | (u32)head[7] << 8 | head[8]);
			/* Cut before its lengths, or spread over several records. */
			if (length < sizeof(head) || record < wanted)
				wanted = KW_DATA_LARGE;
		} else if (head[0] < 'A' || head[0] > 'Z')
			return 0;
	}
	if (wanted) {
		known->wanted = wanted > length ? wanted - length : 0;
		return known->wanted != 0;
	}
	if (length < sizeof(end) || bpf_probe_read_user(end, sizeof(end), (void *)(from + length - sizeof(end))))
		return 1;
	return !(end[0] == '\r' && end[1] == '\n' && end[2] == '\r' && end[3] == '\n');
}

/* `size`: of the whole send, of which the first buffer is read. */
static __always_inline int head_payload(struct socket *sock, struct msghdr *msg, u64 size)
{
	struct kw_egress_state *known;
	u64 key = (u64)BPF_CORE_READ(sock, sk), length = 0;
	u32 kind;
	void *from;

	known = bpf_map_lookup_elem(&egress, &key);
	if (!known || known->sends >= KW_HEAD_SENDS)
		return 0;
	from = iter_user_buffer(&msg->msg_iter, &length);
	if (!from || !length)
		return 0;
	kind = known->sends++ ? KW_EGRESS_MORE : KW_EGRESS_DATA;
	if (!may_go_on(known, (u64)from, length))
		known->sends = KW_HEAD_SENDS;
	if (length > size)
		length = size;
	emit_sent(known->id, kind, (u64)from, size << 32 | (u32)length);
	return 0;
}

struct kw_sockaddr { /* sockaddr_in and sockaddr_in6 (uapi) */
	u16 family;
	u16 port;
	u32 v4; /* flow label in sockaddr_in6 */
	u8 v6[16];
};

static __always_inline void await_hello(struct sock *sk, struct kw_address *to, u64 id)
{
	struct kw_hello_key key = {(u64)sk, *to};
	struct kw_hello state = {};

	state.id = id;
	state.cgroup_id = bpf_get_current_cgroup_id();
	state.until = bpf_ktime_get_boot_ns() + KW_HELLO_NS;
	state.left = KW_HELLO_SENDS;
	if (bpf_map_update_elem(&hellos, &key, &state, BPF_ANY))
		count_drop(KW_DROP_NAMES);
}

/* An Initial packet of version 1 or 2 (RFC 9000, 17.2.2; RFC 9369, 3.2), whatever the port is. */
static __always_inline int is_initial(u8 *head)
{
	u32 version = (u32)head[1] << 24 | (u32)head[2] << 16 | (u32)head[3] << 8 | head[4];

	return (version == 1 && (head[0] & 0xf0) == 0xc0) ||
	       (version == 0x6b3343cf && (head[0] & 0xf0) == 0xd0);
}

/*
 * A send by a socket that reached a new destination a moment ago. Clients send from one buffer; of several
 * the first one is read, and the others are counted as a name that may be missing.
 */
static __always_inline void first_datagrams(struct sock *sk, struct msghdr *msg, struct kw_address *to, u64 size)
{
	struct kw_hello_key key = {(u64)sk, *to};
	struct kw_hello *known = bpf_map_lookup_elem(&hellos, &key);
	u64 length = 0;
	u8 head[5] = {};
	void *from;

	if (!known)
		return;
	if (!known->left || known->cgroup_id != bpf_get_current_cgroup_id() ||
	    known->until < bpf_ktime_get_boot_ns()) {
		bpf_map_delete_elem(&hellos, &key);
		return;
	}
	from = iter_user_buffer(&msg->msg_iter, &length);
	if (!from || bpf_probe_read_user(head, sizeof(head), from)) {
		count_drop(KW_DROP_NAMES);
		return;
	}
	if (!is_initial(head))
		return;
	known->left--;
	if (length < size)
		count_drop(KW_DROP_NAMES);
	else
		length = size;
	emit_sent(known->id, KW_EGRESS_DATAGRAM, (u64)from, size << 32 | (u32)length);
}

/* msg_name is the kernel's copy (move_addr_to_kernel), so the caller can not change it any more. */
static __always_inline int udp_send(struct sock *sk, struct msghdr *msg, u64 size, u16 family)
{
	struct kw_sockaddr name = {};
	struct kw_address to = {};
	void *from = BPF_CORE_READ(msg, msg_name);
	u64 id = unique_id();

	if (from)
		bpf_probe_read_kernel(&name, 8, from);
	/* Of a name without a family IPv6 takes nothing: it goes to where the socket is connected (udpv6_sendmsg). */
	if (!from || (family == KW_AF_INET6 && name.family == KW_AF_UNSPEC)) {
		read_remote(sk, &to);
	} else {
		to.port = bpf_ntohs(name.port);
		if (name.family == KW_AF_INET6) {
			bpf_probe_read_kernel(&name, sizeof(name), from);
			__builtin_memcpy(to.ip, name.v6, sizeof(to.ip));
		} else {
			map_v4(to.ip, name.v4);
		}
	}
	if (!to.port)
		return 0;
	if (emit_first(sk, &to, KW_IPPROTO_UDP, KW_SENT, id))
		await_hello(sk, &to, id);
	/* A socket of IPv6 that sends to a mapped address comes by both functions. */
	if (size >= KW_QUIC_LEAST && BPF_CORE_READ(sk, __sk_common.skc_family) == family)
		first_datagrams(sk, msg, &to, size);
	return 0;
}

#endif

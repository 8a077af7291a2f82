/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Datagrams from port 53, as packets: who sent one, whether the host heard it of its own resolver, how many
 * cross the ring. All of it is read from the packet: the process could change its own copy before
 * anybody has read that.
 */
#ifndef KILNWATCH_DATAGRAM_BPF_H
#define KILNWATCH_DATAGRAM_BPF_H

#include "lib/read/sock.bpf.h"
#include "lib/read/task.bpf.h"

#define KW_DNS_PORT 53
#define KW_DNS_BURST 64	/* answers of one cgroup that cross in one span of time: a resolver has many */
#define KW_DNS_HOST_BURST 512 /* of one that hears for others: an engine that asks for all its containers */
#define KW_DNS_PASS_BURST 1024 /* of all that are handed on */
#define KW_DNS_SPAN 30	/* bits of it: 2^30 ns, about a second */
#define KW_UDP_HEAD 8
#define KW_LOOPBACK 1	/* the interface's number in every namespace (include/net/flow.h: LOOPBACK_IFINDEX) */
#define KW_PACKET_HOST 0 /* include/uapi/linux/if_packet.h */
#define KW_MAX_ANSWERED 4096
#define KW_MAX_RESOLVERS 64 /* capture/live/resolvers.h: kMaxNameservers */

struct kw_answered {
	u64 span;
	u64 count;
};

struct { /* who hears → answers seen */
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, KW_MAX_ANSWERED);
	__type(key, u64);
	__type(value, struct kw_answered);
} answered SEC(".maps");

struct { /* address of a name server of the host → number of the interface that leads to it */
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KW_MAX_RESOLVERS);
	__type(key, u8[16]);
	__type(value, u32);
} host_resolvers SEC(".maps");

/* Set before load: the number of the host's own network namespace. 0: not known, nothing is heard. */
const volatile __u32 host_net = 0;

/* `who`: a cgroup, or whom the host forwards to. */
static __always_inline int may_cross(u64 who, u64 burst)
{
	struct kw_answered first = {bpf_ktime_get_boot_ns() >> KW_DNS_SPAN, 1}, *known;

	known = bpf_map_lookup_elem(&answered, &who);
	if (!known || known->span != first.span) {
		bpf_map_update_elem(&answered, &who, &first, BPF_ANY);
		return 1;
	}
	__sync_fetch_and_add(&known->count, 1);
	return known->count <= burst;
}

static __always_inline void read_sender(u8 *ip, u16 port, struct kw_address *out)
{
	u8 version = 0;
	u32 v4 = 0;

	__builtin_memset(out, 0, sizeof(*out));
	out->port = port;
	bpf_probe_read_kernel(&version, sizeof(version), ip);
	if (version >> 4 == 4) {
		bpf_probe_read_kernel(&v4, sizeof(v4), ip + 12);
		map_v4(out->ip, v4);
	} else {
		bpf_probe_read_kernel(out->ip, sizeof(out->ip), ip + 8);
	}
}

/*
 * Whether it was sent from within the network namespace, or may have been: what goes to a group or to
 * all comes back to its sender by the interface that it left by (dev_loopback_xmit), under any address.
 */
static __always_inline int came_from_within(struct sk_buff *skb)
{
	return BPF_CORE_READ(skb, skb_iif) == KW_LOOPBACK ||
	       BPF_CORE_READ_BITFIELD_PROBED(skb, pkt_type) != KW_PACKET_HOST;
}

/*
 * Whether the host heard it of its own resolver: in its own network namespace, by the interface that leads
 * there. Containers send by others, under whatever address.
 */
static __always_inline int is_heard(struct sk_buff *skb, u32 net, struct kw_address *sender)
{
	u32 *leads_there;

	if (!host_net || net != host_net || came_from_within(skb))
		return 0;
	leads_there = bpf_map_lookup_elem(&host_resolvers, sender->ip);
	return leads_there && *leads_there == (u32)BPF_CORE_READ(skb, skb_iif);
}

/* A datagram from port 53, and what is to be told of it. */
struct kw_datagram {
	u8 *head;      /* of IP */
	u8 *udp;
	u64 readable;  /* bytes behind UDP's head that do not lie in pages */
	u32 length;    /* behind UDP's head, in all */
	u32 net;
	u32 flags;
	u32 of_process;
	struct kw_address sender;
};

static __always_inline int emit_answer(struct kw_datagram *from)
{
	u64 length = from->readable;
	struct kw_dns *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		count_drop(KW_DROP_RING);
		return 0;
	}
	/* One register for the bound and the copy, as in emit_piece. */
	asm volatile("" : "+r"(length));
	if (length > KW_DNS_LEN)
		length = KW_DNS_LEN;
	asm volatile("" : "+r"(length));
	if (bpf_probe_read_kernel(e->payload, length, from->udp + KW_UDP_HEAD)) {
		bpf_ringbuf_discard(e, 0);
		count_drop(KW_DROP_NAMES);
		return 0;
	}
	fill_header(&e->h, KW_DNS, sizeof(*e));
	e->net = from->net;
	e->flags = from->flags;
	e->captured = length;
	e->length = from->length;
	e->resolver = from->sender;
	if (from->of_process)
		read_task((struct task_struct *)bpf_get_current_task(), &e->task);
	else
		__builtin_memset(&e->task, 0, sizeof(e->task));
	bpf_ringbuf_submit(e, 0);
	return 0;
}

static __always_inline u16 sender_port(u8 *udp)
{
	u16 port = 0;

	bpf_probe_read_kernel(&port, sizeof(port), udp);
	return bpf_ntohs(port);
}

#endif

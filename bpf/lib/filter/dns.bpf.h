/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What resolvers answer to processes under engines: UDP datagrams from port 53. All of it is read from
 * the packet: the process could change its own copy before anybody has read that.
 */
#ifndef KILNWATCH_DNS_BPF_H
#define KILNWATCH_DNS_BPF_H

#include "lib/read/sock.bpf.h"
#include "lib/read/task.bpf.h"

#define KW_DNS_PORT 53
#define KW_DNS_BURST 64	/* answers of one cgroup that cross in one span of time: a resolver has many */
#define KW_DNS_SPAN 30	/* bits of it: 2^30 ns, about a second */
#define KW_UDP_HEAD 8
#define KW_LOOPBACK 1	/* the interface's number in every namespace (include/net/flow.h: LOOPBACK_IFINDEX) */
#define KW_PACKET_HOST 0 /* include/uapi/linux/if_packet.h */
#define KW_MAX_ANSWERED 4096
#define KW_MAX_RAW 4096
#define KW_AF_PACKET 17
#define KW_AF_XDP 44

struct kw_answered {
	u64 span;
	u64 count;
};

struct { /* cgroup → answers it was seen with */
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, KW_MAX_ANSWERED);
	__type(key, u64);
	__type(value, struct kw_answered);
} answered SEC(".maps");

struct { /* cgroups that made a socket to which each sender's address is as good as its own */
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, KW_MAX_RAW);
	__type(key, u64);
	__type(value, u8);
} raw_cgroups SEC(".maps");

/* "RAW" and "RAWv6" (net/ipv4/raw.c, net/ipv6/raw.c): by IP_HDRINCL these write the head themselves. */
static __always_inline int is_raw(int family, struct proto *proto)
{
	char name[4] = {};

	if (family == KW_AF_PACKET || family == KW_AF_XDP)
		return 1;
	if (family != KW_AF_INET && family != KW_AF_INET6)
		return 0;
	bpf_probe_read_kernel(name, 3, __builtin_preserve_access_index(&proto->name));
	return name[0] == 'R' && name[1] == 'A' && name[2] == 'W';
}

/*
 * A socket is made (kernel: sk_alloc). Who may write whole packets can have the host hand one back to
 * him: it forwards between containers, and looks at the sender's address only by rp_filter=1. A new
 * network namespace comes with raw ones that are the kernel's own (ndisc_net_init).
 */
static __always_inline int socket_made(int family, struct proto *proto, int kern)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	u64 cgroup;
	u8 one = 1;

	if (kern || !is_raw(family, proto) || !bpf_map_lookup_elem(&lineage, &tgid))
		return 0;
	cgroup = bpf_get_current_cgroup_id();
	bpf_map_update_elem(&raw_cgroups, &cgroup, &one, BPF_ANY);
	return 0;
}

static __always_inline int may_cross(void)
{
	u64 cgroup = bpf_get_current_cgroup_id();
	struct kw_answered first = {bpf_ktime_get_boot_ns() >> KW_DNS_SPAN, 1}, *known;

	known = bpf_map_lookup_elem(&answered, &cgroup);
	if (!known || known->span != first.span) {
		bpf_map_update_elem(&answered, &cgroup, &first, BPF_ANY);
		return 1;
	}
	__sync_fetch_and_add(&known->count, 1);
	return known->count <= KW_DNS_BURST;
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
 * The packet of a datagram that was copied to the process, right before it goes (kernel:
 * skb_consume_udp, for IPv6 too). `len` is negative of a peek, which the datagram outlives. Of one that
 * lies in pages, as some drivers have it, the part before them is read.
 */
static __always_inline int udp_received(struct sock *sk, struct sk_buff *skb, int len)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	u64 cgroup = bpf_get_current_cgroup_id();
	struct kw_dns *e;
	u8 *head, *udp;
	u16 port = 0;
	u64 length;

	if (len < 0 || !bpf_map_lookup_elem(&lineage, &tgid))
		return 0;
	head = BPF_CORE_READ(skb, head);
	udp = head + BPF_CORE_READ(skb, transport_header);
	bpf_probe_read_kernel(&port, sizeof(port), udp);
	port = bpf_ntohs(port);
	if (port != KW_DNS_PORT)
		return 0;
	if (!may_cross()) {
		count_drop(KW_DROP_NAMES);
		return 0;
	}
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		count_drop(KW_DROP_RING);
		return 0;
	}
	/* The heads are off by then: both lengths are the payload's. */
	e->length = BPF_CORE_READ(skb, len);
	length = (u32)(e->length - BPF_CORE_READ(skb, data_len));
	/* One register for the bound and the copy, as in emit_piece. */
	asm volatile("" : "+r"(length));
	if (length > KW_DNS_LEN)
		length = KW_DNS_LEN;
	asm volatile("" : "+r"(length));
	if (bpf_probe_read_kernel(e->payload, length, udp + KW_UDP_HEAD)) {
		bpf_ringbuf_discard(e, 0);
		count_drop(KW_DROP_NAMES);
		return 0;
	}
	fill_header(&e->h, KW_DNS, sizeof(*e));
	e->net = read_net(sk);
	e->flags = came_from_within(skb) ? KW_F_LOOPBACK : 0;
	if (bpf_map_lookup_elem(&raw_cgroups, &cgroup))
		e->flags |= KW_F_RAW;
	e->captured = length;
	read_sender(head + BPF_CORE_READ(skb, network_header), port, &e->resolver);
	read_task((struct task_struct *)bpf_get_current_task(), &e->task);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

#endif

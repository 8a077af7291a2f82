/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What resolvers answer: to processes under engines, whoever they ask; of those that the host was given
 * to all of the host, and through it to containers.
 */
#ifndef KILNWATCH_DNS_BPF_H
#define KILNWATCH_DNS_BPF_H

#include "lib/filter/datagram.bpf.h"

#define KW_MAX_RAW 4096
#define KW_AF_PACKET 17
#define KW_AF_XDP 44
#define KW_IP_OFFSET 0x1fff /* of a part of a datagram (RFC 791, 3.1) */
#define KW_HANDED_ON (1ULL << 63) /* no cgroup's number: a receiver beyond the host; all of them */

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

/*
 * The packet of a datagram that was copied to the process, right before it goes (kernel:
 * skb_consume_udp, for IPv6 too). `len` is negative of a peek, which the datagram outlives. Of one that
 * lies in pages, as some drivers have it, the part before them is read.
 */
static __always_inline int udp_received(struct sock *sk, struct sk_buff *skb, int len)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	u64 cgroup = bpf_get_current_cgroup_id();
	struct kw_datagram from = {};

	if (len < 0)
		return 0;
	from.of_process = bpf_map_lookup_elem(&lineage, &tgid) != 0;
	if (!from.of_process && !host_net)
		return 0;
	from.head = BPF_CORE_READ(skb, head);
	from.udp = from.head + BPF_CORE_READ(skb, transport_header);
	if (sender_port(from.udp) != KW_DNS_PORT)
		return 0;
	from.net = read_net(sk);
	from.head += BPF_CORE_READ(skb, network_header);
	read_sender(from.head, KW_DNS_PORT, &from.sender);
	if (is_heard(skb, from.net, &from.sender))
		from.flags = KW_F_HEARD;
	else if (!from.of_process)
		return 0;
	if (!may_cross(cgroup, from.flags ? KW_DNS_HOST_BURST : KW_DNS_BURST)) {
		count_drop(KW_DROP_NAMES);
		return 0;
	}
	if (came_from_within(skb))
		from.flags |= KW_F_LOOPBACK;
	if (bpf_map_lookup_elem(&raw_cgroups, &cgroup))
		from.flags |= KW_F_RAW;
	/* The heads are off by then: both lengths are the payload's. */
	from.length = BPF_CORE_READ(skb, len);
	from.readable = (u32)(from.length - BPF_CORE_READ(skb, data_len));
	return emit_answer(&from);
}

/* Whom the host forwards a packet to, beside cgroups. */
static __always_inline u64 receiver_of(u8 *head, int v4)
{
	u32 low = 0;
	u64 half = 0;

	if (v4)
		bpf_probe_read_kernel(&low, sizeof(low), head + 16);
	else
		bpf_probe_read_kernel(&half, sizeof(half), head + 32);
	return (v4 ? low : half) | KW_HANDED_ON;
}

/*
 * A packet that the host hands on, to a container most likely (kernel: ip_forward, ip6_forward): what
 * changed its receiver's address has done so by then. docker's own resolver asks from within the
 * container's network, where an answer may be anybody's; here it passes from the host's resolver.
 */
static __always_inline int udp_forwarded(struct sk_buff *skb, int v4)
{
	struct kw_datagram from = {};
	u16 length = 0, part = 0;
	u8 protocol = 0, *begin;
	u32 linear;

	if (!host_net)
		return 0;
	begin = BPF_CORE_READ(skb, head);
	from.head = begin + BPF_CORE_READ(skb, network_header);
	bpf_probe_read_kernel(&protocol, sizeof(protocol), from.head + (v4 ? 9 : 6));
	if (protocol != KW_IPPROTO_UDP)
		return 0;
	from.udp = begin + BPF_CORE_READ(skb, transport_header);
	if (sender_port(from.udp) != KW_DNS_PORT)
		return 0;
	if (v4)
		bpf_probe_read_kernel(&part, sizeof(part), from.head + 6);
	if (bpf_ntohs(part) & KW_IP_OFFSET)
		return 0;
	from.net = number_of(BPF_CORE_READ(skb, dev, nd_net.net));
	read_sender(from.head, KW_DNS_PORT, &from.sender);
	if (!is_heard(skb, from.net, &from.sender))
		return 0;
	if (!may_cross(receiver_of(from.head, v4), KW_DNS_BURST) || !may_cross(KW_HANDED_ON, KW_DNS_PASS_BURST)) {
		count_drop(KW_DROP_NAMES);
		return 0;
	}
	bpf_probe_read_kernel(&length, sizeof(length), from.udp + 4);
	length = bpf_ntohs(length);
	linear = BPF_CORE_READ(skb, len) - BPF_CORE_READ(skb, data_len);
	linear -= (u32)(from.udp + KW_UDP_HEAD - BPF_CORE_READ(skb, data));
	if (length < KW_UDP_HEAD || (int)linear <= 0)
		return 0;
	from.length = length - KW_UDP_HEAD;
	from.readable = linear < from.length ? linear : from.length;
	from.flags = KW_F_HEARD;
	return emit_answer(&from);
}

#endif

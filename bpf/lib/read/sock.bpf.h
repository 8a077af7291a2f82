/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses out of a socket, always from kernel memory. */
#ifndef KILNWATCH_SOCK_BPF_H
#define KILNWATCH_SOCK_BPF_H

#include "lib/base/maps.bpf.h"
#include "lib/read/drift.bpf.h"
#include <bpf/bpf_endian.h>

#define KW_AF_UNIX 1
#define KW_AF_INET 2
#define KW_AF_INET6 10
#define KW_IPPROTO_TCP 6
#define KW_IPPROTO_UDP 17
#define KW_TCP_CLOSE 7
#define KW_MSG_PEEK 2 /* include/linux/socket.h */

static __always_inline void map_v4(u8 *ip, u32 v4)
{
	__builtin_memset(ip, 0, 10);
	ip[10] = 0xff;
	ip[11] = 0xff;
	__builtin_memcpy(ip + 12, &v4, 4);
}

static __always_inline void read_remote(struct sock *sk, struct kw_address *out)
{
	__builtin_memset(out, 0, sizeof(*out));
	out->port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == KW_AF_INET)
		map_v4(out->ip, BPF_CORE_READ(sk, __sk_common.skc_daddr));
	else
		BPF_CORE_READ_INTO(&out->ip, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
}

static __always_inline void read_local(struct sock *sk, struct kw_address *out)
{
	__builtin_memset(out, 0, sizeof(*out));
	out->port = BPF_CORE_READ(sk, __sk_common.skc_num);
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == KW_AF_INET)
		map_v4(out->ip, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
	else
		BPF_CORE_READ_INTO(&out->ip, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
}

/*
 * Number of the network namespace, as /proc/PID/ns/net has it. 0: not known, or one of a user namespace
 * below the host's, where whoever made it has each address.
 */
static __always_inline u32 number_of(struct net *net)
{
	if (!bpf_core_field_exists(net->ns.inum) || BPF_CORE_READ(net, user_ns, level))
		return 0;
	return BPF_CORE_READ(net, ns.inum);
}

static __always_inline u32 read_net(struct sock *sk)
{
	return number_of(BPF_CORE_READ(sk, __sk_common.skc_net.net));
}

/* Address a unix socket is bound to; an accepted socket has its listener's. Returns 0 if none. */
static __always_inline int read_unix_path(struct sock *sk, struct kw_path *out)
{
	struct unix_address *addr = BPF_CORE_READ((struct unix_sock *)sk, addr);
	int len;

	__builtin_memset(out, 0, sizeof(*out));
	if (!addr)
		return 0;
	len = BPF_CORE_READ(addr, len) - 2; /* sun_family */
	if (len <= 0 || len > 108)
		return 0;
	bpf_probe_read_kernel(out->name, (u32)len & 127, &addr->name[0].sun_path[0]);
	return len;
}

#endif

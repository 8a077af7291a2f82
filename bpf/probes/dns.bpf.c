// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What resolvers answer to the host and to processes under engines, and which of these could write it themselves. */
#include "lib/base/program.bpf.h"
#include "lib/filter/dns.bpf.h"
#include "lib/filter/dns_stream.bpf.h"

SEC("fentry/sk_alloc")
int KW_PROG(sock_alloc, struct net *net, int family, u32 priority, struct proto *proto, int kern)
{
	return socket_made(family, proto, kern);
}

SEC("fentry/skb_consume_udp")
int KW_PROG(udp_consume, struct sock *sk, struct sk_buff *skb, int len)
{
	return udp_received(sk, skb, len);
}

SEC("fentry/ip_forward")
int KW_PROG(v4_forward, struct sk_buff *skb)
{
	return udp_forwarded(skb, 1);
}

SEC("fentry/ip6_forward")
int KW_PROG(v6_forward, struct sk_buff *skb)
{
	return udp_forwarded(skb, 0);
}

SEC("fentry/inet_recvmsg")
int KW_PROG(names_read, struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	return names_begin(sock, msg, flags);
}

SEC("fexit/inet_recvmsg")
int KW_PROG(names_read_done, struct socket *sock, struct msghdr *msg, size_t size, int flags, int ret)
{
	return names_end(ret);
}

SEC("fentry/inet6_recvmsg")
int KW_PROG(names6_read, struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	return names_begin(sock, msg, flags);
}

SEC("fexit/inet6_recvmsg")
int KW_PROG(names6_read_done, struct socket *sock, struct msghdr *msg, size_t size, int flags, int ret)
{
	return names_end(ret);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* dns.bpf.c by kprobes, where fentry cannot be attached. */
#include "lib/base/kprobe.bpf.h"
#include "lib/filter/dns.bpf.h"
#include "lib/filter/dns_stream.bpf.h"

SEC("kprobe/sk_alloc")
int BPF_KPROBE(k_sock_alloc, struct net *net, int family, u32 priority, struct proto *proto, int kern)
{
	return socket_made(family, proto, kern);
}

SEC("kprobe/skb_consume_udp")
int BPF_KPROBE(k_udp_consume, struct sock *sk, struct sk_buff *skb, int len)
{
	return udp_received(sk, skb, len);
}

SEC("kprobe/ip_forward")
int BPF_KPROBE(k_v4_forward, struct sk_buff *skb)
{
	return udp_forwarded(skb, 1);
}

SEC("kprobe/ip6_forward")
int BPF_KPROBE(k_v6_forward, struct sk_buff *skb)
{
	return udp_forwarded(skb, 0);
}

SEC("kprobe/inet_recvmsg")
int BPF_KPROBE(k_names_read, struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	return names_begin(sock, msg, flags);
}

SEC("kretprobe/inet_recvmsg")
int BPF_KRETPROBE(k_names_read_done, int ret)
{
	return names_end(ret);
}

SEC("kprobe/inet6_recvmsg")
int BPF_KPROBE(k_names6_read, struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	return names_begin(sock, msg, flags);
}

SEC("kretprobe/inet6_recvmsg")
int BPF_KRETPROBE(k_names6_read_done, int ret)
{
	return names_end(ret);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The sending side of egress.bpf.c by kprobes, where fentry cannot be attached. */
#include "lib/base/kprobe.bpf.h"
#include "lib/filter/egress.bpf.h"

SEC("kprobe/inet_sendmsg")
int BPF_KPROBE(k_inet_first_send, struct socket *sock, struct msghdr *msg, size_t size)
{
	return head_payload(sock, msg, size);
}

SEC("kprobe/inet6_sendmsg")
int BPF_KPROBE(k_inet6_first_send, struct socket *sock, struct msghdr *msg, size_t size)
{
	return head_payload(sock, msg, size);
}

SEC("kprobe/udp_sendmsg")
int BPF_KPROBE(k_udp4_send, struct sock *sk, struct msghdr *msg, size_t size)
{
	return udp_send(sk, msg, size, KW_AF_INET);
}

SEC("kprobe/udpv6_sendmsg")
int BPF_KPROBE(k_udp6_send, struct sock *sk, struct msghdr *msg, size_t size)
{
	return udp_send(sk, msg, size, KW_AF_INET6);
}

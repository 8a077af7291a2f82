// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Outbound connections with their outcome and first bytes; repeats of a cgroup are folded. */
#include "lib/base/program.bpf.h"
#include "lib/filter/egress.bpf.h"

SEC("tp_btf/inet_sock_set_state")
int KW_PROG(tcp_state, struct sock *sk, int oldstate, int newstate)
{
	return tcp_changed(sk, oldstate, newstate);
}

SEC("fentry/inet_sendmsg")
int KW_PROG(inet_first_send, struct socket *sock, struct msghdr *msg, size_t size)
{
	return head_payload(sock, msg, size);
}

SEC("fentry/inet6_sendmsg")
int KW_PROG(inet6_first_send, struct socket *sock, struct msghdr *msg, size_t size)
{
	return head_payload(sock, msg, size);
}

SEC("fentry/udp_sendmsg")
int KW_PROG(udp4_send, struct sock *sk, struct msghdr *msg, size_t size)
{
	return udp_send(sk, msg, size, KW_AF_INET);
}

SEC("fentry/udpv6_sendmsg")
int KW_PROG(udp6_send, struct sock *sk, struct msghdr *msg, size_t size)
{
	return udp_send(sk, msg, size, KW_AF_INET6);
}

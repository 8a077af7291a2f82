// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Life of engine API connections: listen, connect (in the client's context), accept, release. */
#include "lib/base/program.bpf.h"
#include "lib/filter/life.bpf.h"

SEC("fentry/unix_listen")
int KW_PROG(unix_listening, struct socket *sock)
{
	return note_listener(sock);
}

SEC("fentry/inet_listen")
int KW_PROG(inet_listening, struct socket *sock)
{
	return note_listener(sock);
}

/* Go's listeners are MPTCP from 1.24 on, where the build does not say otherwise. */
SEC("fentry/mptcp_listen")
int KW_PROG(mptcp_listening, struct socket *sock)
{
	return note_listener(sock);
}

SEC("fexit/unix_accept")
int KW_PROG(unix_accepted, struct socket *sock, struct socket *newsock)
{
	return accepted(newsock);
}

SEC("fexit/inet_accept")
int KW_PROG(inet_accepted, struct socket *sock, struct socket *newsock)
{
	return accepted(newsock);
}

SEC("fexit/mptcp_stream_accept")
int KW_PROG(mptcp_accepted, struct socket *sock, struct socket *newsock)
{
	return accepted(newsock);
}

SEC("tp_btf/inet_sock_set_state")
int KW_PROG(fetch_closed, struct sock *sk, int oldstate, int newstate)
{
	return fetch_changed(sk, newstate);
}

SEC("fentry/unix_release")
int KW_PROG(unix_released, struct socket *sock)
{
	return released(sock);
}

SEC("fentry/inet_release")
int KW_PROG(inet_released, struct socket *sock)
{
	return released(sock);
}

SEC("fexit/unix_stream_connect")
int KW_PROG(unix_connected, struct socket *sock, void *uaddr, int addr_len, int flags, int ret)
{
	return unix_connecting(sock, ret);
}

SEC("fexit/tcp_v4_connect")
int KW_PROG(tcp4_connected, struct sock *sk, void *uaddr, int addr_len, int ret)
{
	return tcp_connecting(sk, ret);
}

SEC("fexit/tcp_v6_connect")
int KW_PROG(tcp6_connected, struct sock *sk, void *uaddr, int addr_len, int ret)
{
	return tcp_connecting(sk, ret);
}

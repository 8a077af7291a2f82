// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* api_conn.bpf.c by kprobes, where fentry cannot be attached. */
#include "lib/base/kprobe.bpf.h"
#include "lib/filter/life.bpf.h"

SEC("kprobe/unix_listen")
int BPF_KPROBE(k_unix_listening, struct socket *sock)
{
	return note_listener(sock);
}

SEC("kprobe/inet_listen")
int BPF_KPROBE(k_inet_listening, struct socket *sock)
{
	return note_listener(sock);
}

SEC("kprobe/mptcp_listen")
int BPF_KPROBE(k_mptcp_listening, struct socket *sock)
{
	return note_listener(sock);
}

static __always_inline int accepting(enum kw_function function, struct socket *newsock)
{
	keep(function, newsock, 0);
	return 0;
}

static __always_inline int accept_done(enum kw_function function)
{
	struct kw_kept kept;

	return take(function, &kept) ? accepted((struct socket *)kept.object) : 0;
}

SEC("kprobe/unix_accept")
int BPF_KPROBE(k_unix_accepting, struct socket *sock, struct socket *newsock)
{
	return accepting(KW_UNIX_ACCEPT, newsock);
}

SEC("kretprobe/unix_accept")
int BPF_KRETPROBE(k_unix_accepted)
{
	return accept_done(KW_UNIX_ACCEPT);
}

SEC("kprobe/inet_accept")
int BPF_KPROBE(k_inet_accepting, struct socket *sock, struct socket *newsock)
{
	return accepting(KW_INET_ACCEPT, newsock);
}

SEC("kretprobe/inet_accept")
int BPF_KRETPROBE(k_inet_accepted)
{
	return accept_done(KW_INET_ACCEPT);
}

SEC("kprobe/mptcp_stream_accept")
int BPF_KPROBE(k_mptcp_accepting, struct socket *sock, struct socket *newsock)
{
	return accepting(KW_MPTCP_ACCEPT, newsock);
}

SEC("kretprobe/mptcp_stream_accept")
int BPF_KRETPROBE(k_mptcp_accepted)
{
	return accept_done(KW_MPTCP_ACCEPT);
}

SEC("kprobe/unix_release")
int BPF_KPROBE(k_unix_released, struct socket *sock)
{
	return released(sock);
}

SEC("kprobe/inet_release")
int BPF_KPROBE(k_inet_released, struct socket *sock)
{
	return released(sock);
}

SEC("kprobe/unix_stream_connect")
int BPF_KPROBE(k_unix_connecting, struct socket *sock)
{
	keep(KW_UNIX_CONNECT, sock, 0);
	return 0;
}

SEC("kretprobe/unix_stream_connect")
int BPF_KRETPROBE(k_unix_connected, int ret)
{
	struct kw_kept kept;

	return take(KW_UNIX_CONNECT, &kept) ? unix_connecting((struct socket *)kept.object, ret) : 0;
}

static __always_inline int tcp_connect_done(enum kw_function function, int ret)
{
	struct kw_kept kept;

	return take(function, &kept) ? tcp_connecting((struct sock *)kept.object, ret) : 0;
}

SEC("kprobe/tcp_v4_connect")
int BPF_KPROBE(k_tcp4_connecting, struct sock *sk)
{
	keep(KW_TCP4_CONNECT, sk, 0);
	return 0;
}

SEC("kretprobe/tcp_v4_connect")
int BPF_KRETPROBE(k_tcp4_connected, int ret)
{
	return tcp_connect_done(KW_TCP4_CONNECT, ret);
}

SEC("kprobe/tcp_v6_connect")
int BPF_KPROBE(k_tcp6_connecting, struct sock *sk)
{
	keep(KW_TCP6_CONNECT, sk, 0);
	return 0;
}

SEC("kretprobe/tcp_v6_connect")
int BPF_KRETPROBE(k_tcp6_connected, int ret)
{
	return tcp_connect_done(KW_TCP6_CONNECT, ret);
}

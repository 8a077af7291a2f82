/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Life of engine API connections: listen, connect (in the client's context), accept, release. */
#ifndef KILNWATCH_LIFE_BPF_H
#define KILNWATCH_LIFE_BPF_H

#include "lib/filter/conn.bpf.h"
#include "lib/read/task.bpf.h"

static __always_inline int note_listener(struct socket *sock)
{
	struct sock *sk = BPF_CORE_READ(sock, sk);
	struct kw_path path;
	int length;

	if (!serving_engine(sk))
		return 0;
	if (BPF_CORE_READ(sk, __sk_common.skc_family) != KW_AF_UNIX)
		note_port(BPF_CORE_READ(sk, __sk_common.skc_num));
	else if ((length = read_unix_path(sk, &path)) && !is_ttrpc(sk, length))
		note_path(&path);
	return 0;
}

/* newsock has a sock only when the accept went well, whatever arguments this kernel's version has. */
static __always_inline int accepted(struct socket *newsock)
{
	struct sock *sk = BPF_CORE_READ(newsock, sk);
	u32 engine;

	if (!sk)
		return 0;
	engine = serving_engine(sk);
	if (engine && !find_conn(sk))
		follow(sk, engine, 0);
	return 0;
}

static __always_inline int released(struct socket *sock)
{
	forget((u64)BPF_CORE_READ(sock, sk));
	return 0;
}

/* The TCP part of an MPTCP socket that the engine connected has no release of its own. */
static __always_inline int fetch_changed(struct sock *sk, int newstate)
{
	struct kw_conn *conn;

	if (newstate != KW_TCP_CLOSE)
		return 0;
	conn = find_conn(sk);
	if (conn && conn->side[KW_REQUEST].mode == KW_FETCH)
		forget((u64)sk);
	return 0;
}

static __always_inline struct kw_client *begin_client(u32 transport)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct kw_client *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		count_drop(KW_DROP_RING);
		return 0;
	}
	fill_header(&e->h, KW_CLIENT, sizeof(*e));
	e->transport = transport;
	e->join = 0;
	__builtin_memset(&e->client, 0, sizeof(e->client));
	__builtin_memset(&e->server, 0, sizeof(e->server));
	read_task(task, &e->task);
	e->argv_len = read_argv(task, e->argv);
	return e;
}

static __always_inline int unix_connecting(struct socket *sock, int ret)
{
	struct sock *sk = BPF_CORE_READ(sock, sk);
	struct sock *peer = BPF_CORE_READ((struct unix_sock *)sk, peer);
	struct kw_client *e;
	struct kw_path path;

	if (ret || !peer || !read_unix_path(peer, &path) ||
	    (!bpf_map_lookup_elem(&engine_paths, &path) && !is_podman_socket(peer)))
		return 0;
	e = begin_client(KW_UNIX);
	if (!e)
		return 0;
	e->join = (u64)peer;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

static __always_inline int tcp_connecting(struct sock *sk, int ret)
{
	struct kw_address server;
	struct kw_client *e;

	u32 engine = current_engine();

	if (ret)
		return 0;
	/*
	 * containerd fetches images, never a context. A mapped address passes here twice: tcp_v6_connect
	 * calls tcp_v4_connect.
	 */
	if (engine && engine != KW_ENGINE_CONTAINERD && !find_conn(sk))
		follow(sk, engine, KW_F_FETCH);
	read_remote(sk, &server);
	if (!bpf_map_lookup_elem(&engine_ports, &server.port))
		return 0;
	e = begin_client(KW_TCP);
	if (!e)
		return 0;
	e->server = server;
	read_local(sk, &e->client);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

#endif

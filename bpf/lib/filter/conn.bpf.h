/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which sockets are followed, and taking up new ones. */
#ifndef KILNWATCH_CONN_BPF_H
#define KILNWATCH_CONN_BPF_H

#include "lib/filter/programs.bpf.h"
#include "lib/read/sock.bpf.h"

static __always_inline u32 current_engine(void)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	u32 *engine = bpf_map_lookup_elem(&engines, &tgid);

	return engine ? *engine : 0;
}

/*
 * The address of podman's API as its packages have it (podman contrib/systemd/podman.socket): systemd
 * listens there before podman runs, so that no process tells. A path's length counts its NUL
 * (unix_validate_addr, unix_mkname_bsd).
 */
static __always_inline int is_podman_socket(struct sock *sk)
{
	struct unix_address *addr = BPF_CORE_READ((struct unix_sock *)sk, addr);
	u64 tail[3] = {};
	int from;

	if (!addr)
		return 0;
	from = BPF_CORE_READ(addr, len) - 2 - 20; /* sun_family; "/podman/podman.sock" and NUL */
	return from >= 0 && from <= 88 && !bpf_probe_read_kernel(tail, 20, &addr->name[0].sun_path[from]) &&
	       tail[0] == word_of("/podman/") && tail[1] == word_of("podman.s") && tail[2] == word_of("ock");
}

/*
 * The engine that listens on this socket, or accepts it, now. podman becomes one by that: its
 * commands would fill the table otherwise.
 */
static __always_inline u32 serving_engine(struct sock *sk)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32, engine = current_engine();
	struct kw_name name = {};

	if (engine)
		return engine;
	bpf_get_current_comm(&name, sizeof(name));
	if (!is_podman(&name) && !(is_itself(&name) && is_podman_socket(sk)))
		return KW_ENGINE_NONE;
	engine = KW_ENGINE_PODMAN;
	if (bpf_map_update_elem(&engines, &tgid, &engine, BPF_ANY))
		count_drop(KW_DROP_ENGINE_MAP);
	return engine;
}

static __always_inline struct kw_conn *find_conn(struct sock *sk)
{
	u64 key = (u64)sk;

	return bpf_map_lookup_elem(&conns, &key);
}

/*
 * Beside its API containerd serves its shims' events, over ttrpc on "…/containerd.sock.ttrpc": nothing
 * of a build or a deployment. `length`: of the path, the NUL at its end counted.
 */
static __always_inline int is_ttrpc(struct sock *sk, int length)
{
	struct unix_address *addr = BPF_CORE_READ((struct unix_sock *)sk, addr);
	u64 end = 0;

	return length > 8 &&
	       !bpf_probe_read_kernel(&end, sizeof(end), &addr->name[0].sun_path[0] + length - 8) &&
	       end == word_of("k.ttrpc");
}

static __always_inline void note_path(struct kw_path *path)
{
	u8 one = 1;

	if (bpf_map_update_elem(&engine_paths, path, &one, BPF_ANY))
		count_drop(KW_DROP_ENGINE_MAP);
}

/* On the stack: 5.10 to 6.1 take keys from there, not from ring memory. */
static __always_inline void note_port(u16 port)
{
	u8 one = 1;

	if (bpf_map_update_elem(&engine_ports, &port, &one, BPF_ANY))
		count_drop(KW_DROP_ENGINE_MAP);
}

/* Follow a socket that the engine that runs now has accepted, or connected (KW_F_FETCH). */
static __noinline int follow(struct sock *sk, u32 engine, u32 flags)
{
	struct kw_conn conn = {};
	struct kw_conn_open *e;
	u64 key = (u64)sk;
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	struct pid *peer;
	struct kw_path path;
	int length;

	if (family == KW_AF_UNIX) {
		length = read_unix_path(sk, &path);
		if (!length || is_ttrpc(sk, length))
			return 0;
		note_path(&path);
	}
	start_conn(&conn, engine, flags);
	if (bpf_map_update_elem(&conns, &key, &conn, BPF_NOEXIST)) {
		count_drop(KW_DROP_CONN_MAP);
		return 0;
	}
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		count_drop(KW_DROP_RING);
		return 1;
	}
	__builtin_memset(e, 0, sizeof(*e));
	fill_header(&e->h, KW_CONN_OPEN, sizeof(*e));
	e->conn = conn.id;
	e->engine = engine;
	e->engine_pid = bpf_get_current_pid_tgid() >> 32;
	e->flags = flags;
	if (family == KW_AF_UNIX) {
		e->transport = KW_UNIX;
		e->join = key;
		__builtin_memcpy(e->path, path.name, sizeof(e->path));
		peer = BPF_CORE_READ(sk, sk_peer_pid);
		if (peer)
			e->client_pid = BPF_CORE_READ(peer, numbers[0].nr);
		e->client_uid = BPF_CORE_READ(sk, sk_peer_cred, uid.val);
	} else if (flags & KW_F_FETCH) {
		e->transport = KW_TCP;
		read_local(sk, &e->client);
		read_remote(sk, &e->server);
	} else {
		e->transport = KW_TCP;
		read_remote(sk, &e->client);
		read_local(sk, &e->server);
		note_port(e->server.port);
	}
	bpf_ringbuf_submit(e, 0);
	return 1;
}

static __always_inline void forget(u64 sk)
{
	struct kw_conn *conn = bpf_map_lookup_elem(&conns, &sk);
	struct kw_conn_close *e;

	if (!conn)
		return;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (e) {
		fill_header(&e->h, KW_CONN_CLOSE, sizeof(*e));
		e->conn = conn->id;
		bpf_ringbuf_submit(e, 0);
	} else {
		count_drop(KW_DROP_RING);
	}
	bpf_map_delete_elem(&conns, &sk);
}

/*
 * The followed connection behind a socket that an engine reads or writes. One that was open before
 * the sensor is taken up here: unix servers carry their listener's address, TCP ones its port.
 */
static __always_inline struct kw_conn *engine_conn(struct sock *sk, u32 engine)
{
	struct kw_conn *conn = find_conn(sk);
	u16 family, port;

	if (conn)
		return conn;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family == KW_AF_INET || family == KW_AF_INET6) {
		port = BPF_CORE_READ(sk, __sk_common.skc_num);
		if (!bpf_map_lookup_elem(&engine_ports, &port))
			return 0;
	} else if (family != KW_AF_UNIX) {
		return 0;
	} else {
		struct kw_path path;

		/* An engine's own bound client or datagram sockets are not its API. */
		if (!read_unix_path(sk, &path) || !bpf_map_lookup_elem(&engine_paths, &path))
			return 0;
	}
	if (!follow(sk, engine, KW_F_MIDWAY))
		return 0;
	return find_conn(sk);
}

#endif

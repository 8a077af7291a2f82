/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What engines read from and write to their API connections, one socket call at a time. */
#ifndef KILNWATCH_CALLS_BPF_H
#define KILNWATCH_CALLS_BPF_H

#include "lib/filter/conn.bpf.h"
#include "lib/filter/pass.bpf.h"

/*
 * The buffer must be noted before the call: the iterator moves on during it. Of a note that is still
 * there the call's end was not seen (a program is not run where it would interrupt itself): how far
 * that moved is not known, one byte stands for it.
 */
static __always_inline int io_begin(struct socket *sock, struct msghdr *msg, u32 direction, int flags)
{
	u64 key = bpf_get_current_pid_tgid();
	u32 engine = current_engine();
	struct kw_call call = {}, *old;
	struct kw_conn *conn;
	struct sock *sk;

	if (!engine || flags & KW_MSG_PEEK)
		return 0;
	old = bpf_map_lookup_elem(&calls, &key);
	if (old) {
		call = *old;
		bpf_map_delete_elem(&calls, &key);
		conn = bpf_map_lookup_elem(&conns, &call.sk);
		if (conn) {
			count_drop(KW_DROP_CALL_MAP);
			pass_unseen(conn, call.direction, 1);
		}
	}
	sk = BPF_CORE_READ(sock, sk);
	if (!engine_conn(sk, engine))
		return 0;
	call.sk = (u64)sk;
	call.direction = direction;
	call.buffer = (u64)iter_user_buffer(&msg->msg_iter, &call.length);
	/* Where there is no room, the call's end finds no note. */
	bpf_map_update_elem(&calls, &key, &call, BPF_ANY);
	return 0;
}

/* The followed connection of a call that moved bytes, and what was noted when it began. */
static __always_inline struct kw_conn *io_end(struct socket *sock, struct kw_call *call, u32 direction,
					      int ret)
{
	u64 key = bpf_get_current_pid_tgid(), sk;
	struct kw_call *found;
	struct kw_conn *conn;

	if (!current_engine())
		return 0;
	sk = (u64)BPF_CORE_READ(sock, sk);
	found = bpf_map_lookup_elem(&calls, &key);
	if (found) {
		*call = *found;
		bpf_map_delete_elem(&calls, &key);
	}
	if (ret <= 0)
		return 0;
	conn = bpf_map_lookup_elem(&conns, &sk);
	if (conn && call->sk != sk) {
		count_drop(KW_DROP_CALL_MAP);
		pass_unseen(conn, direction, (u32)ret);
		return 0;
	}
	return conn;
}

/* A scattered buffer is read in its first part only (Go's net/http has none); the rest is lost. */
static __always_inline int io_done(struct socket *sock, u32 direction, int ret)
{
	struct kw_call call = {};
	struct kw_conn *conn = io_end(sock, &call, direction, ret);
	u64 length = (u32)ret;

	if (!conn)
		return 0;
	if (length > call.length)
		length = call.length;
	if (conn->side[KW_RESPONSE].mode == KW_FETCH) {
		/* A TLS or other connection of the engine's own is of no use here. */
		if (direction == KW_RESPONSE && !conn->side[KW_RESPONSE].pos &&
		    !begins_with_get(call.buffer, length)) {
			forget(call.sk);
			return 0;
		}
		pass_fetch(conn, call.sk, direction, call.buffer, length);
	} else if (length && direction == KW_REQUEST) {
		pass_request(call.sk, call.buffer, length);
	} else if (length) {
		pass_response(call.sk, call.buffer, length);
	}
	if ((u32)ret > length) {
		if (side_of(conn, direction)->mode != KW_MUTED)
			count_drop(KW_DROP_COPY);
		pass_unseen(conn, direction, (u32)ret - length);
	}
	return 0;
}

static __always_inline int io_read(struct socket *sock, int flags, int ret)
{
	return flags & KW_MSG_PEEK ? 0 : io_done(sock, KW_REQUEST, ret);
}

static __always_inline int io_written(struct socket *sock, int ret)
{
	return io_done(sock, KW_RESPONSE, ret);
}

/* Moved between the socket and a pipe or file: nobody could copy the bytes. */
static __always_inline int spliced(struct socket *sock, u32 direction, long ret)
{
	struct kw_conn *conn;

	if (ret <= 0 || !current_engine())
		return 0;
	conn = find_conn(BPF_CORE_READ(sock, sk));
	if (!conn)
		return 0;
	if (side_of(conn, direction)->mode != KW_MUTED)
		count_drop(KW_DROP_SPLICE);
	pass_unseen(conn, direction, ret);
	return 0;
}

#endif

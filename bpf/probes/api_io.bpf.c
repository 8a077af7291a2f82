// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What engines read from and write to their API connections. */
#include "lib/filter/conn.bpf.h"
#include "lib/filter/pass.bpf.h"
#include <bpf/bpf_tracing.h>

#define KW_MSG_PEEK 2

char LICENSE[] SEC("license") = "GPL";

/* The buffer must be noted before the call: the iterator moves on during it. */
static __always_inline int io_begin(struct socket *sock, struct msghdr *msg, int flags)
{
	u64 key = bpf_get_current_pid_tgid();
	u32 engine = current_engine();
	struct kw_call call = {};
	struct sock *sk;

	if (!engine || flags & KW_MSG_PEEK)
		return 0;
	sk = BPF_CORE_READ(sock, sk);
	if (!engine_conn(sk, engine))
		return 0;
	call.sk = (u64)sk;
	call.buffer = (u64)iter_user_buffer(&msg->msg_iter, &call.length);
	if (bpf_map_update_elem(&calls, &key, &call, BPF_ANY))
		count_drop(KW_DROP_CALL_MAP);
	return 0;
}

static __always_inline struct kw_conn *io_end(struct kw_call *call, int ret)
{
	u64 key = bpf_get_current_pid_tgid();
	struct kw_call *found;

	if (!current_engine())
		return 0;
	found = bpf_map_lookup_elem(&calls, &key);
	if (!found)
		return 0;
	*call = *found;
	bpf_map_delete_elem(&calls, &key);
	if (ret <= 0)
		return 0;
	return bpf_map_lookup_elem(&conns, &call->sk);
}

/* A scattered buffer is read in its first part only (Go's net/http has none); the rest is lost. */
static __always_inline int io_done(u32 direction, int ret)
{
	struct kw_call call = {};
	struct kw_conn *conn = io_end(&call, ret);
	u64 length = (u32)ret;

	if (!conn)
		return 0;
	if (length > call.length)
		length = call.length;
	if (conn->side[KW_RESPONSE].mode == KW_FETCH) {
		/* A TLS or other connection of the engine's own is of no use here. */
		if (direction == KW_RESPONSE && !conn->side[KW_RESPONSE].pos &&
		    !begins_with_get(call.buffer, length))
			forget(call.sk);
		else
			pass_fetch(conn, call.sk, direction, call.buffer, length);
	} else if (length && direction == KW_REQUEST) {
		pass_request(call.sk, call.buffer, length);
	} else if (length) {
		pass_response(call.sk, call.buffer, length);
	}
	if ((u32)ret > length) {
		count_drop(KW_DROP_COPY);
		pass_unseen(conn, direction, (u32)ret - length);
	}
	return 0;
}

static __always_inline int io_read(int ret)
{
	return io_done(KW_REQUEST, ret);
}

static __always_inline int io_written(int ret)
{
	return io_done(KW_RESPONSE, ret);
}

/* Moved from the socket into a pipe: nobody could copy the bytes. */
static __always_inline int spliced(struct socket *sock, long ret)
{
	struct kw_conn *conn;

	if (ret <= 0 || !current_engine())
		return 0;
	conn = find_conn(BPF_CORE_READ(sock, sk));
	if (!conn)
		return 0;
	if (conn->side[KW_REQUEST].mode != KW_MUTED)
		count_drop(KW_DROP_SPLICE);
	pass_unseen(conn, KW_REQUEST, ret);
	return 0;
}

SEC("fexit/unix_stream_splice_read")
int BPF_PROG(unix_spliced, struct socket *sock, void *ppos, void *pipe, size_t size, unsigned int flags,
	     long ret)
{
	return spliced(sock, ret);
}

SEC("fexit/tcp_splice_read")
int BPF_PROG(tcp_spliced, struct socket *sock, void *ppos, void *pipe, size_t size, unsigned int flags,
	     long ret)
{
	return spliced(sock, ret);
}

SEC("fentry/unix_stream_recvmsg")
int BPF_PROG(unix_read, struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	return io_begin(sock, msg, flags);
}

SEC("fexit/unix_stream_recvmsg")
int BPF_PROG(unix_read_done, struct socket *sock, struct msghdr *msg, size_t size, int flags, int ret)
{
	return io_read(ret);
}

SEC("fentry/unix_stream_sendmsg")
int BPF_PROG(unix_write, struct socket *sock, struct msghdr *msg, size_t size)
{
	return io_begin(sock, msg, 0);
}

SEC("fexit/unix_stream_sendmsg")
int BPF_PROG(unix_write_done, struct socket *sock, struct msghdr *msg, size_t size, int ret)
{
	return io_written(ret);
}

SEC("fentry/inet_recvmsg")
int BPF_PROG(inet_read, struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	return io_begin(sock, msg, flags);
}

SEC("fexit/inet_recvmsg")
int BPF_PROG(inet_read_done, struct socket *sock, struct msghdr *msg, size_t size, int flags, int ret)
{
	return io_read(ret);
}

SEC("fentry/inet6_recvmsg")
int BPF_PROG(inet6_read, struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	return io_begin(sock, msg, flags);
}

SEC("fexit/inet6_recvmsg")
int BPF_PROG(inet6_read_done, struct socket *sock, struct msghdr *msg, size_t size, int flags, int ret)
{
	return io_read(ret);
}

SEC("fentry/inet_sendmsg")
int BPF_PROG(inet_write, struct socket *sock, struct msghdr *msg, size_t size)
{
	return io_begin(sock, msg, 0);
}

SEC("fexit/inet_sendmsg")
int BPF_PROG(inet_write_done, struct socket *sock, struct msghdr *msg, size_t size, int ret)
{
	return io_written(ret);
}

SEC("fentry/inet6_sendmsg")
int BPF_PROG(inet6_write, struct socket *sock, struct msghdr *msg, size_t size)
{
	return io_begin(sock, msg, 0);
}

SEC("fexit/inet6_sendmsg")
int BPF_PROG(inet6_write_done, struct socket *sock, struct msghdr *msg, size_t size, int ret)
{
	return io_written(ret);
}

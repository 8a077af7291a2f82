// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What engines read from and write to their API connections. */
#include "lib/base/program.bpf.h"
#include "lib/filter/calls.bpf.h"

SEC("fexit/unix_stream_splice_read")
int KW_PROG(unix_spliced, struct socket *sock, void *ppos, void *pipe, size_t size, unsigned int flags,
	     long ret)
{
	return spliced(sock, KW_REQUEST, ret);
}

SEC("fexit/tcp_splice_read")
int KW_PROG(tcp_spliced, struct socket *sock, void *ppos, void *pipe, size_t size, unsigned int flags,
	     long ret)
{
	return spliced(sock, KW_REQUEST, ret);
}

/* Before 6.5 sendfile and splice hand pages to the socket by a call of their own. */
SEC("fexit/unix_stream_sendpage")
int KW_PROG(unix_page_sent, struct socket *sock, void *page, int offset, size_t size, int flags, long ret)
{
	return spliced(sock, KW_RESPONSE, ret);
}

SEC("fexit/inet_sendpage")
int KW_PROG(inet_page_sent, struct socket *sock, void *page, int offset, size_t size, int flags, long ret)
{
	return spliced(sock, KW_RESPONSE, ret);
}

SEC("fentry/unix_stream_recvmsg")
int KW_PROG(unix_read, struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	return io_begin(sock, msg, KW_REQUEST, flags);
}

SEC("fexit/unix_stream_recvmsg")
int KW_PROG(unix_read_done, struct socket *sock, struct msghdr *msg, size_t size, int flags, int ret)
{
	return io_read(sock, flags, ret);
}

SEC("fentry/unix_stream_sendmsg")
int KW_PROG(unix_write, struct socket *sock, struct msghdr *msg, size_t size)
{
	return io_begin(sock, msg, KW_RESPONSE, 0);
}

SEC("fexit/unix_stream_sendmsg")
int KW_PROG(unix_write_done, struct socket *sock, struct msghdr *msg, size_t size, int ret)
{
	return io_written(sock, ret);
}

SEC("fentry/inet_recvmsg")
int KW_PROG(inet_read, struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	return io_begin(sock, msg, KW_REQUEST, flags);
}

SEC("fexit/inet_recvmsg")
int KW_PROG(inet_read_done, struct socket *sock, struct msghdr *msg, size_t size, int flags, int ret)
{
	return io_read(sock, flags, ret);
}

SEC("fentry/inet6_recvmsg")
int KW_PROG(inet6_read, struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	return io_begin(sock, msg, KW_REQUEST, flags);
}

SEC("fexit/inet6_recvmsg")
int KW_PROG(inet6_read_done, struct socket *sock, struct msghdr *msg, size_t size, int flags, int ret)
{
	return io_read(sock, flags, ret);
}

SEC("fentry/inet_sendmsg")
int KW_PROG(inet_write, struct socket *sock, struct msghdr *msg, size_t size)
{
	return io_begin(sock, msg, KW_RESPONSE, 0);
}

SEC("fexit/inet_sendmsg")
int KW_PROG(inet_write_done, struct socket *sock, struct msghdr *msg, size_t size, int ret)
{
	return io_written(sock, ret);
}

SEC("fentry/inet6_sendmsg")
int KW_PROG(inet6_write, struct socket *sock, struct msghdr *msg, size_t size)
{
	return io_begin(sock, msg, KW_RESPONSE, 0);
}

SEC("fexit/inet6_sendmsg")
int KW_PROG(inet6_write_done, struct socket *sock, struct msghdr *msg, size_t size, int ret)
{
	return io_written(sock, ret);
}

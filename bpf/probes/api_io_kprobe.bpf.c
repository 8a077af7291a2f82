// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* api_io.bpf.c by kprobes, where fentry cannot be attached. */
#include "lib/base/kprobe.bpf.h"
#include "lib/filter/calls.bpf.h"

static __always_inline int keep_begin(enum kw_function function, struct socket *sock, struct msghdr *msg,
				      u32 direction, int flags)
{
	if (!current_engine())
		return 0;
	keep(function, sock, flags);
	return io_begin(sock, msg, direction, flags);
}

static __always_inline int kept_read(enum kw_function function, int ret)
{
	struct kw_kept kept;

	return take(function, &kept) ? io_read((struct socket *)kept.object, kept.flags, ret) : 0;
}

static __always_inline int kept_written(enum kw_function function, int ret)
{
	struct kw_kept kept;

	return take(function, &kept) ? io_written((struct socket *)kept.object, ret) : 0;
}

static __always_inline int keep_splice(enum kw_function function, struct socket *sock)
{
	if (current_engine())
		keep(function, sock, 0);
	return 0;
}

static __always_inline int kept_spliced(enum kw_function function, u32 direction, long ret)
{
	struct kw_kept kept;

	return take(function, &kept) ? spliced((struct socket *)kept.object, direction, ret) : 0;
}

SEC("kprobe/unix_stream_splice_read")
int BPF_KPROBE(k_unix_splice, struct socket *sock)
{
	return keep_splice(KW_UNIX_SPLICE, sock);
}

SEC("kretprobe/unix_stream_splice_read")
int BPF_KRETPROBE(k_unix_spliced, long ret)
{
	return kept_spliced(KW_UNIX_SPLICE, KW_REQUEST, ret);
}

SEC("kprobe/tcp_splice_read")
int BPF_KPROBE(k_tcp_splice, struct socket *sock)
{
	return keep_splice(KW_TCP_SPLICE, sock);
}

SEC("kretprobe/tcp_splice_read")
int BPF_KRETPROBE(k_tcp_spliced, long ret)
{
	return kept_spliced(KW_TCP_SPLICE, KW_REQUEST, ret);
}

SEC("kprobe/unix_stream_sendpage")
int BPF_KPROBE(k_unix_page_send, struct socket *sock)
{
	return keep_splice(KW_UNIX_SENDPAGE, sock);
}

SEC("kretprobe/unix_stream_sendpage")
int BPF_KRETPROBE(k_unix_page_sent, long ret)
{
	return kept_spliced(KW_UNIX_SENDPAGE, KW_RESPONSE, ret);
}

SEC("kprobe/inet_sendpage")
int BPF_KPROBE(k_inet_page_send, struct socket *sock)
{
	return keep_splice(KW_INET_SENDPAGE, sock);
}

SEC("kretprobe/inet_sendpage")
int BPF_KRETPROBE(k_inet_page_sent, long ret)
{
	return kept_spliced(KW_INET_SENDPAGE, KW_RESPONSE, ret);
}

SEC("kprobe/unix_stream_recvmsg")
int BPF_KPROBE(k_unix_read, struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	return keep_begin(KW_UNIX_RECV, sock, msg, KW_REQUEST, flags);
}

SEC("kretprobe/unix_stream_recvmsg")
int BPF_KRETPROBE(k_unix_read_done, int ret)
{
	return kept_read(KW_UNIX_RECV, ret);
}

SEC("kprobe/unix_stream_sendmsg")
int BPF_KPROBE(k_unix_write, struct socket *sock, struct msghdr *msg)
{
	return keep_begin(KW_UNIX_SEND, sock, msg, KW_RESPONSE, 0);
}

SEC("kretprobe/unix_stream_sendmsg")
int BPF_KRETPROBE(k_unix_write_done, int ret)
{
	return kept_written(KW_UNIX_SEND, ret);
}

SEC("kprobe/inet_recvmsg")
int BPF_KPROBE(k_inet_read, struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	return keep_begin(KW_INET_RECV, sock, msg, KW_REQUEST, flags);
}

SEC("kretprobe/inet_recvmsg")
int BPF_KRETPROBE(k_inet_read_done, int ret)
{
	return kept_read(KW_INET_RECV, ret);
}

SEC("kprobe/inet6_recvmsg")
int BPF_KPROBE(k_inet6_read, struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	return keep_begin(KW_INET6_RECV, sock, msg, KW_REQUEST, flags);
}

SEC("kretprobe/inet6_recvmsg")
int BPF_KRETPROBE(k_inet6_read_done, int ret)
{
	return kept_read(KW_INET6_RECV, ret);
}

SEC("kprobe/inet_sendmsg")
int BPF_KPROBE(k_inet_write, struct socket *sock, struct msghdr *msg)
{
	return keep_begin(KW_INET_SEND, sock, msg, KW_RESPONSE, 0);
}

SEC("kretprobe/inet_sendmsg")
int BPF_KRETPROBE(k_inet_write_done, int ret)
{
	return kept_written(KW_INET_SEND, ret);
}

SEC("kprobe/inet6_sendmsg")
int BPF_KPROBE(k_inet6_write, struct socket *sock, struct msghdr *msg)
{
	return keep_begin(KW_INET6_SEND, sock, msg, KW_RESPONSE, 0);
}

SEC("kretprobe/inet6_sendmsg")
int BPF_KRETPROBE(k_inet6_write_done, int ret)
{
	return kept_written(KW_INET6_SEND, ret);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Kprobe programs. Their registers are the uapi's, which has them for each architecture. A kretprobe
 * has no arguments: the kprobe at the call's begin keeps what its end will need.
 */
#ifndef KILNWATCH_KPROBE_BPF_H
#define KILNWATCH_KPROBE_BPF_H

#include <linux/ptrace.h>

#include "lib/base/maps.bpf.h"
#include "lib/base/program.bpf.h"

#define KW_MAX_KEPT 16384 /* calls in progress: engines' socket calls, and everyone's accepts and connects, which may block */

/* A thread can be in several at once: tcp_v6_connect calls tcp_v4_connect, mptcp_stream_accept inet_accept. */
enum kw_function {
	KW_UNIX_ACCEPT,
	KW_INET_ACCEPT,
	KW_MPTCP_ACCEPT,
	KW_UNIX_CONNECT,
	KW_TCP4_CONNECT,
	KW_TCP6_CONNECT,
	KW_UNIX_SPLICE,
	KW_TCP_SPLICE,
	KW_UNIX_SENDPAGE,
	KW_INET_SENDPAGE,
	KW_UNIX_RECV,
	KW_UNIX_SEND,
	KW_INET_RECV,
	KW_INET_SEND,
	KW_INET6_RECV,
	KW_INET6_SEND,
};

struct kw_kept_key {
	u64 pid_tgid;
	u64 function;
};

struct kw_kept {
	u64 object; /* struct socket *, or struct sock * */
	u64 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KW_MAX_KEPT);
	__type(key, struct kw_kept_key);
	__type(value, struct kw_kept);
} kept_arguments SEC(".maps");

/* What is still there is of a call whose end was not seen. */
static __always_inline void keep(enum kw_function function, void *object, int flags)
{
	struct kw_kept_key key = {bpf_get_current_pid_tgid(), function};
	struct kw_kept kept = {(u64)object, (u32)flags};

	if (!bpf_map_update_elem(&kept_arguments, &key, &kept, BPF_NOEXIST))
		return;
	count_drop(KW_DROP_CALL_MAP);
	bpf_map_update_elem(&kept_arguments, &key, &kept, BPF_EXIST);
}

/* Returns 0 where nothing was kept: nobody's concern, or counted by then. */
static __always_inline int take(enum kw_function function, struct kw_kept *out)
{
	struct kw_kept_key key = {bpf_get_current_pid_tgid(), function};
	struct kw_kept *kept = bpf_map_lookup_elem(&kept_arguments, &key);

	if (!kept)
		return 0;
	*out = *kept;
	bpf_map_delete_elem(&kept_arguments, &key);
	return 1;
}

#endif

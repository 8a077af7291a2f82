/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What processes under engines read of TCP connections to port 53. It is read from the process's memory,
 * where another thread of it may have changed it: no more than a claim.
 */
#ifndef KILNWATCH_DNS_STREAM_BPF_H
#define KILNWATCH_DNS_STREAM_BPF_H

#include "lib/filter/datagram.bpf.h"

#define KW_MAX_NAME_READS 1024

struct kw_name_read {
	u64 sk;
	u64 buffer;
	u64 length;
};

struct { /* pid_tgid → read in progress */
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, KW_MAX_NAME_READS);
	__type(key, u64);
	__type(value, struct kw_name_read);
} name_reads SEC(".maps");

/* As io_begin: the iterator moves on during the call. */
static __always_inline int names_begin(struct socket *sock, struct msghdr *msg, int flags)
{
	u64 key = bpf_get_current_pid_tgid();
	u32 tgid = key >> 32;
	struct kw_name_read call = {};
	struct sock *sk;

	if (!bpf_map_lookup_elem(&lineage, &tgid))
		return 0;
	/* Of a note that is still there the call's end was not seen. */
	if (bpf_map_lookup_elem(&name_reads, &key))
		bpf_map_delete_elem(&name_reads, &key);
	sk = BPF_CORE_READ(sock, sk);
	if (flags & KW_MSG_PEEK || bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport)) != KW_DNS_PORT ||
	    BPF_CORE_READ(sk, sk_protocol) != KW_IPPROTO_TCP)
		return 0;
	call.sk = (u64)sk;
	call.buffer = (u64)iter_user_buffer(&msg->msg_iter, &call.length);
	bpf_map_update_elem(&name_reads, &key, &call, BPF_ANY);
	return 0;
}

/* A scattered buffer is read in its first part only. */
static __always_inline int names_end(int ret)
{
	u64 key = bpf_get_current_pid_tgid(), length;
	struct kw_name_read call, *noted = bpf_map_lookup_elem(&name_reads, &key);
	struct kw_dns_bytes *e;
	struct sock *sk;

	if (!noted)
		return 0;
	call = *noted;
	sk = (struct sock *)call.sk; /* within BPF_CORE_READ call.sk would be relocated, too */
	bpf_map_delete_elem(&name_reads, &key);
	if (ret <= 0)
		return 0;
	if (!may_cross(bpf_get_current_cgroup_id(), KW_DNS_BURST)) {
		count_drop(KW_DROP_NAMES);
		return 0;
	}
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		count_drop(KW_DROP_RING);
		return 0;
	}
	length = (u32)ret;
	if (length > call.length)
		length = call.length;
	/* One register for the bound and the copy, as in emit_piece. */
	asm volatile("" : "+r"(length));
	if (length > KW_DNS_LEN)
		length = KW_DNS_LEN;
	asm volatile("" : "+r"(length));
	/* What cannot be read is as if it were beyond what is kept. */
	e->captured = length;
	if (bpf_probe_read_user(e->payload, length, (void *)call.buffer))
		e->captured = 0;
	fill_header(&e->h, KW_DNS_BYTES, sizeof(*e));
	e->stream = call.sk << 16 | BPF_CORE_READ(sk, __sk_common.skc_num);
	e->net = read_net(sk);
	e->length = ret;
	e->pad = 0;
	read_remote(sk, &e->resolver);
	read_task((struct task_struct *)bpf_get_current_task(), &e->task);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who runs: process, cgroup names, arguments. */
#ifndef KILNWATCH_TASK_BPF_H
#define KILNWATCH_TASK_BPF_H

#include "lib/base/maps.bpf.h"
#include "lib/read/drift.bpf.h"

#define KW_CGROUP_NAME 96  /* longest component kept: "cri-containerd-<64hex>.scope" has 85 */
#define KW_CGROUP_DEPTH 4

static __always_inline void read_cgroup(struct task_struct *task, char *out)
{
	struct kernfs_node *kn = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn);
	u64 at = 0;

	/* Four names of at most 127 counted bytes: the room of KW_CGROUP_LEN always suffices. */
	out[0] = 0;
	for (int i = 0; i < KW_CGROUP_DEPTH; i++) {
		long n;

		if (!kn)
			break;
		n = bpf_probe_read_kernel_str(out + at, KW_CGROUP_NAME, BPF_CORE_READ(kn, name));
		if (n <= 1)
			break;
		at += n & 127;
		kn = kernfs_parent(kn);
	}
	out[at] = 0;
}

static __always_inline void read_task(struct task_struct *task, struct kw_task *out)
{
	out->pid = BPF_CORE_READ(task, tgid);
	out->ppid = BPF_CORE_READ(task, real_parent, tgid);
	out->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	out->uid = BPF_CORE_READ(task, cred, uid.val);
	out->loginuid = 0xffffffff;
	if (bpf_core_field_exists(task->loginuid))
		out->loginuid = BPF_CORE_READ(task, loginuid.val);
	out->cgroup_id = bpf_get_current_cgroup_id();
	BPF_CORE_READ_STR_INTO(&out->comm, task, group_leader, comm);
	read_cgroup(task, out->cgroup);
}

/* Arguments of the running program as they stand in its memory. */
static __always_inline u32 read_argv(struct task_struct *task, char *out)
{
	u64 from = BPF_CORE_READ(task, mm, arg_start);
	u64 n = BPF_CORE_READ(task, mm, arg_end) - from;

	if (n > KW_ARGV_LEN)
		n = KW_ARGV_LEN;
	if (bpf_probe_read_user(out, (u32)n & (2 * KW_ARGV_LEN - 1), (void *)from))
		return 0;
	return n;
}

#endif

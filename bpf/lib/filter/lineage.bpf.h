/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lineage under engines and their runtimes: fork, exec, exit. */
#ifndef KILNWATCH_LINEAGE_BPF_H
#define KILNWATCH_LINEAGE_BPF_H

#include "lib/filter/programs.bpf.h"
#include "lib/read/task.bpf.h"

static __always_inline int process_forked(struct task_struct *parent, struct task_struct *child)
{
	u32 parent_tgid = BPF_CORE_READ(parent, tgid), tgid = BPF_CORE_READ(child, tgid);
	struct kw_lineage *above, below;
	struct kw_fork *e;

	if (parent_tgid == tgid)
		return 0;
	above = bpf_map_lookup_elem(&lineage, &parent_tgid);
	if (!above)
		return 0;
	below.kin = above->builder ? tgid : above->kin;
	below.builder = above->builder;
	if (bpf_map_update_elem(&lineage, &tgid, &below, BPF_ANY))
		count_drop(KW_DROP_LINEAGE_MAP);
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		count_drop(KW_DROP_RING);
		return 0;
	}
	fill_header(&e->h, KW_FORK, sizeof(*e));
	e->parent_pid = parent_tgid;
	e->pid = tgid;
	e->start_ns = BPF_CORE_READ(child, start_boottime);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

/* file: a kernel address. */
static __always_inline int process_executed(struct task_struct *task, const char *file)
{
	u32 tgid = BPF_CORE_READ(task, tgid), engine;
	struct kw_lineage root = {}, *known;
	struct kw_name name = {};
	struct kw_exec *e;

	bpf_probe_read_kernel(&name, sizeof(name), &task->comm);
	engine = engine_of(&name);
	if (!engine)
		bpf_map_delete_elem(&engines, &tgid);
	else if (bpf_map_update_elem(&engines, &tgid, &engine, BPF_ANY))
		count_drop(KW_DROP_ENGINE_MAP);
	root.builder = is_builder(&name, file);
	known = bpf_map_lookup_elem(&lineage, &tgid);
	if (known) {
		known->builder = root.builder || (known->builder && is_itself(&name));
	} else if (engine || root.builder || is_runtime(&name)) {
		if (bpf_map_update_elem(&lineage, &tgid, &root, BPF_ANY))
			count_drop(KW_DROP_LINEAGE_MAP);
	}
	if (!bpf_map_lookup_elem(&lineage, &tgid))
		return 0;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		count_drop(KW_DROP_RING);
		return 0;
	}
	fill_header(&e->h, KW_EXEC, sizeof(*e));
	e->pad = 0;
	read_task(task, &e->task);
	e->argv_len = read_argv(task, e->argv);
	e->file[0] = 0;
	bpf_probe_read_kernel_str(e->file, sizeof(e->file), file);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

static __always_inline int process_exited(struct task_struct *task)
{
	u32 tgid = BPF_CORE_READ(task, tgid);
	struct kw_exit *e;

	if (BPF_CORE_READ(task, signal, live.counter))
		return 0;
	bpf_map_delete_elem(&engines, &tgid);
	if (bpf_map_delete_elem(&lineage, &tgid))
		return 0;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		count_drop(KW_DROP_RING);
		return 0;
	}
	fill_header(&e->h, KW_EXIT, sizeof(*e));
	e->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	e->pid = tgid;
	e->code = BPF_CORE_READ(task, exit_code);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

#endif

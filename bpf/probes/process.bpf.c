// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lineage under engines and their runtimes. */
#include "lib/base/program.bpf.h"
#include "lib/filter/lineage.bpf.h"

SEC("tp_btf/sched_process_fork")
int KW_PROG(forked, struct task_struct *parent, struct task_struct *child)
{
	return process_forked(parent, child);
}

SEC("tp_btf/sched_process_exec")
int KW_PROG(executed, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	return process_executed(task, BPF_CORE_READ(bprm, filename));
}

SEC("tp_btf/sched_process_exit")
int KW_PROG(exited, struct task_struct *task)
{
	return process_exited(task);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The tp_btf programs of the other files once more, by the tracepoints' records: the kernel runs these with
 * preemption disabled (perf_trace_*, trace_call_bpf), so that no other task's event is missed meanwhile.
 * See docs/decisions: programs keep their CPU.
 */
#include "lib/base/kprobe.bpf.h"
#include "lib/filter/egress.bpf.h"
#include "lib/filter/life.bpf.h"
#include "lib/filter/lineage.bpf.h"

/* kernel_clone calls it right after sched_process_fork, whose record names neither the child's process nor its start. */
SEC("kprobe/wake_up_new_task")
int BPF_KPROBE(p_forked, struct task_struct *child)
{
	return process_forked((struct task_struct *)bpf_get_current_task(), child);
}

SEC("tp/sched/sched_process_exec")
int p_executed(struct trace_event_raw_sched_process_exec *record)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return process_executed(task, (const char *)record + (record->__data_loc_filename & 0xffff));
}

SEC("tp/sched/sched_process_exit")
int p_exited(void *record)
{
	return process_exited((struct task_struct *)bpf_get_current_task());
}

SEC("tp/sock/inet_sock_set_state")
int p_tcp_state(struct trace_event_raw_inet_sock_set_state *record)
{
	return tcp_changed((struct sock *)record->skaddr, record->oldstate, record->newstate);
}

SEC("tp/sock/inet_sock_set_state")
int p_fetch_closed(struct trace_event_raw_inet_sock_set_state *record)
{
	return fetch_changed((struct sock *)record->skaddr, record->newstate);
}

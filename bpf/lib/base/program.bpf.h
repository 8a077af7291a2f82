/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A program that no other task interrupts on its CPU. */
#ifndef KILNWATCH_PROGRAM_BPF_H
#define KILNWATCH_PROGRAM_BPF_H

#include "lib/base/kernel_types.bpf.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern void bpf_preempt_disable(void) __weak __ksym;
extern void bpf_preempt_enable(void) __weak __ksym;

/* Set before load where the kernel lets programs keep their CPU (capture/live/kernel_version). */
const volatile __u8 keeps_cpu = 0;

/*
 * KW_PROG is BPF_PROG for a program that keeps its CPU. A kernel that preempts tasks in the kernel may
 * give the CPU to another one in the middle of a program; what that task does would not be seen, as a
 * program is not run while it is at work on the same CPU (__bpf_prog_enter_recur). What is left is the
 * way in and out: bpf_preempt_enable itself may give the CPU away.
 */
#define KW_PROG(name, args...)                                                         \
	name(unsigned long long *ctx);                                                 \
	static __always_inline int ____##name(unsigned long long *ctx, ##args);        \
	int name(unsigned long long *ctx)                                              \
	{                                                                              \
		int result;                                                            \
                                                                                       \
		if (keeps_cpu)                                                         \
			bpf_preempt_disable();                                         \
		_Pragma("GCC diagnostic push")                                         \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"")                 \
		result = ____##name(___bpf_ctx_cast(args));                            \
		_Pragma("GCC diagnostic pop")                                          \
		if (keeps_cpu)                                                         \
			bpf_preempt_enable();                                          \
		return result;                                                         \
	}                                                                              \
	static __always_inline int ____##name(unsigned long long *ctx, ##args)

#endif

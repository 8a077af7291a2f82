/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every difference between kernels, one helper each. */
#ifndef KILNWATCH_DRIFT_BPF_H
#define KILNWATCH_DRIFT_BPF_H

#include "lib/base/kernel_types.bpf.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* 6.15 made the parent RCU-protected and renamed it. */
struct kernfs_node___rcu {
	struct kernfs_node *__parent;
};

/* Up to 5.13: one word holds type and direction. */
struct iov_iter___word {
	unsigned int type;
};
/* 5.14 to 6.3. */
struct iov_iter___iov {
	const struct iovec *iov;
};
/* From 6.4 (commit de4f5fed3f23). */
struct iov_iter___renamed {
	const struct iovec *__iov;
};
/* From 6.0 (commit fcb14cb1bdac). */
struct iov_iter___ubuf {
	void *ubuf;
};

#pragma clang attribute pop

enum iter_type___kw { ITER_IOVEC___kw = 0, ITER_UBUF___kw = 5 };

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *kn)
{
	if (bpf_core_field_exists(kn->parent))
		return BPF_CORE_READ(kn, parent);
	return BPF_CORE_READ((struct kernfs_node___rcu *)kn, __parent);
}

/*
 * First user buffer of an iterator as it stands before the call. Values of enum iter_type differ
 * between kernels (ITER_UBUF is 5 on 6.1 and 0 later), so they come from the running kernel's BTF.
 * Returns 0 where the memory is not a plain user buffer.
 */
static __always_inline void *iter_user_buffer(struct iov_iter *iter, u64 *len)
{
	const struct iovec *vec;
	u64 offset = BPF_CORE_READ(iter, iov_offset);
	u32 type;

	if (bpf_core_field_exists(iter->iter_type)) {
		type = BPF_CORE_READ(iter, iter_type);
		if (bpf_core_enum_value_exists(enum iter_type___kw, ITER_UBUF___kw) &&
		    type == bpf_core_enum_value(enum iter_type___kw, ITER_UBUF___kw)) {
			*len = BPF_CORE_READ(iter, count);
			return BPF_CORE_READ((struct iov_iter___ubuf *)iter, ubuf) + offset;
		}
		if (type != bpf_core_enum_value(enum iter_type___kw, ITER_IOVEC___kw))
			return 0;
	} else {
		/* ITER_IOVEC is 4, the lowest bit is the direction (include/linux/uio.h, 5.10). */
		type = BPF_CORE_READ((struct iov_iter___word *)iter, type);
		if ((type & ~1u) != 4)
			return 0;
	}
	if (bpf_core_field_exists(((struct iov_iter___renamed *)0)->__iov))
		vec = BPF_CORE_READ((struct iov_iter___renamed *)iter, __iov);
	else
		vec = BPF_CORE_READ((struct iov_iter___iov *)iter, iov);
	*len = BPF_CORE_READ(vec, iov_len) - offset;
	return BPF_CORE_READ(vec, iov_base) + offset;
}

#endif

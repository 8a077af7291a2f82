/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Programs known by name (comm): engines, and the runtimes that containers come from. */
#ifndef KILNWATCH_PROGRAMS_BPF_H
#define KILNWATCH_PROGRAMS_BPF_H

#include "lib/filter/method.bpf.h"

struct kw_name {
	u64 word[2];
};

/* Programs that serve an API; userspace names the same ones (capture/live/programs.cpp). */
static __always_inline u32 engine_of(struct kw_name *n)
{
	if (n->word[0] == word_of("dockerd"))
		return KW_ENGINE_DOCKER;
	if (n->word[0] == word_of("containe") && n->word[1] == word_of("rd"))
		return KW_ENGINE_CONTAINERD;
	return KW_ENGINE_NONE;
}

/* comm holds 15 characters: "containerd-shim" is all that is left of its longer names. */
static __always_inline int is_runtime(struct kw_name *n)
{
	return (n->word[0] == word_of("containe") &&
		(n->word[1] == word_of("rd") || n->word[1] == word_of("rd-shim"))) ||
	       n->word[0] == word_of("runc");
}

#endif

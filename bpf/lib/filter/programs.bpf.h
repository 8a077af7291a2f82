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
	if (n->word[0] == word_of("buildkit") && n->word[1] == word_of("d"))
		return KW_ENGINE_BUILDKITD;
	return KW_ENGINE_NONE;
}

/* An engine where it serves, not by its name: each podman command has that, too. */
static __always_inline int is_podman(struct kw_name *n)
{
	return n->word[0] == word_of("podman");
}

/* comm holds 15 characters: "containerd-shim" is all that is left of its longer names. */
static __always_inline int is_runtime(struct kw_name *n)
{
	return (n->word[0] == word_of("containe") &&
		(n->word[1] == word_of("rd") || n->word[1] == word_of("rd-shim"))) ||
	       n->word[0] == word_of("runc") || n->word[0] == word_of("crun") ||
	       n->word[0] == word_of("conmon");
}

/*
 * Programs that build without a daemon: the processes that they fork run their steps. An executor is
 * kaniko's only as the file that its image has.
 */
static __always_inline int is_builder(struct kw_name *n, const char *file)
{
	u64 path[3] = {};

	if (is_podman(n) || n->word[0] == word_of("buildah"))
		return 1;
	if (n->word[0] != word_of("executor") || n->word[1])
		return 0;
	bpf_probe_read_kernel_str(path, sizeof(path), file);
	return path[0] == word_of("/kaniko/") && path[1] == word_of("executor") && !path[2];
}

/*
 * What a builder is called when it executes itself, through /proc/self/exe: podman does so rootless
 * (podman pkg/rootless).
 */
static __always_inline int is_itself(struct kw_name *n)
{
	return n->word[0] == word_of("exe");
}

#endif

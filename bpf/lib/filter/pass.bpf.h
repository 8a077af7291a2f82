/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What each socket call of an engine adds to a connection: its position moves on, bytes cross or stay. */
#ifndef KILNWATCH_PASS_BPF_H
#define KILNWATCH_PASS_BPF_H

#include "lib/filter/answer.bpf.h"

/* Bytes of a connection that the engine made; a request of its own gives both sides a new budget. */
static __always_inline void pass_fetch(struct kw_conn *conn, u64 sk, u32 direction, u64 from, u64 length)
{
	struct kw_side *side = side_of(conn, direction);
	u64 want = length;

	if (direction == KW_RESPONSE && begins_with_get(from, length)) {
		conn->side[KW_RESPONSE].budget = KW_FETCH_PREFIX;
		conn->side[KW_REQUEST].budget = KW_BODY_PREFIX;
	}
	if (want > side->budget)
		want = side->budget;
	if (want)
		emit_span(sk, direction, from, (u32)length, want);
	else
		side->skipped = 1;
	side->budget -= want;
	side->pos += length;
}

static __always_inline void mute(struct kw_conn *conn)
{
	conn->side[KW_REQUEST].mode = conn->side[KW_RESPONSE].mode = KW_MUTED;
	conn->side[KW_RESPONSE].budget = 0;
}

/*
 * An API of HTTP/2 only begins with its preface; containerd's streams and plugins, buildkitd's debug
 * address and TLS do not.
 */
static __always_inline void check_beginning(struct kw_conn *conn, u64 from, u64 length)
{
	struct kw_side *side = &conn->side[KW_REQUEST];

	if (!speaks_http2_only(conn->engine) || side->mode != KW_FRAMES || side->pos ||
	    begins_with_preface(from, length))
		return;
	mute(conn);
}

/* Bytes that the engine read with one call. */
__noinline int pass_request(u64 sk, u64 from, u64 length)
{
	struct kw_conn *conn = bpf_map_lookup_elem(&conns, &sk);
	struct kw_side *side;
	u64 offset = 0;
	int foreign;

	if (!conn)
		return 0;
	side = &conn->side[KW_REQUEST];
	foreign = !side->pos && side->mode == KW_HEAD && begins_no_request(from);
	check_beginning(conn, from, length);
	if (side->mode == KW_LOST)
		find_framing(conn, side, from, length);
	if (side->mode == KW_HEAD && side->dfa == KW_DFA_START) {
		conn->answers_due = 0;
		conn->side[KW_RESPONSE].budget = KW_RESPONSE_FULL;
	}
#pragma clang loop unroll(disable)
	for (int turn = 0; turn < KW_TURNS; turn++) {
		u64 next;

		if (offset >= length)
			break;
		next = pass_turn(sk, from, length, offset);
		if (next == offset)
			break;
		offset = next;
	}
	if (offset < length && side->mode != KW_LOST && side->mode != KW_MUTED) {
		count_drop(KW_DROP_FRAMING);
		lose_framing(side);
	}
	side->pos += length;
	if (side->mode == KW_MUTED)
		side->skipped = 1;
	else if (side->sent < side->pos)
		side->lost = 1;
	side->sent = side->pos;
	/* By its first bytes userspace knows it, too. */
	if (foreign)
		mute(conn);
	return 0;
}

/* `n` bytes that were never seen: spliced, or beyond the first part of a scattered buffer. */
static __always_inline void pass_unseen(struct kw_conn *conn, u32 direction, u64 n)
{
	struct kw_side *side = side_of(conn, direction);

	side->pos += n;
	side->sent = side->pos;
	if (side->mode == KW_MUTED) {
		side->skipped = 1;
		return;
	}
	side->lost = 1;
	if (side->mode == KW_FRAMES && n <= side->left) {
		side->left -= n;
		side->keep = side->keep > n ? side->keep - n : 0;
	} else if (direction == KW_REQUEST || side->mode == KW_FRAMES) {
		side->mode = KW_LOST;
	}
}

#endif

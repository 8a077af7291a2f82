/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the engine writes: whole up to a budget; its heads say where HTTP/1 ends. */
#ifndef KILNWATCH_ANSWER_BPF_H
#define KILNWATCH_ANSWER_BPF_H

#include "lib/filter/framing.bpf.h"

/*
 * Turns of the loop over one socket call. Go's server reads heads and chunk sizes through a buffer
 * of 4,096 bytes, the shortest request has 18 and pass_body hops over 24 chunks a turn: 228 turns.
 */
#define KW_TURNS 256

/*
 * A socket call on a side whose framing is not known: it goes on where a request begins, or, on a
 * connection that may be HTTP/2, where a frame does. An answer's frames are found by themselves.
 */
static __always_inline void find_framing(struct kw_conn *conn, struct kw_side *side, u64 from,
					 u64 length)
{
	struct kw_side *answers = &conn->side[KW_RESPONSE];

	if (side != answers && !speaks_http2_only(conn->engine) && begins_with_method(from, length)) {
		begin_head(side);
		if (answers->mode == KW_FRAMES || answers->mode == KW_LOST)
			answers->mode = KW_HEAD;
	} else if (conn->frames && begins_with_frame(from, length)) {
		begin_frames(side);
		side->framed = 1;
		if (side != answers && answers->mode == KW_HEAD)
			answers->mode = KW_LOST;
	}
}

/*
 * A window of at most KW_SCAN bytes of the head of an answer after which the connection is no HTTP/1
 * any more. Returns how many belong to it when it ends there, 0 when it goes on or cannot be read.
 */
__noinline int scan_switch(u64 sk, u64 from, u64 n)
{
	struct kw_conn *conn = bpf_map_lookup_elem(&conns, &sk);
	struct kw_side *side;
	char bytes[KW_SCAN] = {};
	u32 state;

	if (!conn)
		return 0;
	side = &conn->side[KW_RESPONSE];
	state = side->dfa;
	asm volatile("" : "+r"(n));
	if (n > KW_SCAN)
		n = KW_SCAN;
	if (bpf_probe_read_user(bytes, n, (void *)from)) {
		count_drop(KW_DROP_COPY);
		return 0;
	}
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < KW_SCAN; i++) {
		u32 at, entry;

		if (i >= n)
			break;
		at = (state << 8) | (u8)bytes[i];
		asm volatile("" : "+r"(at));
		entry = head_automaton[at & (KW_DFA_STATES * 256 - 1)];
		state = entry & (KW_DFA_STATES - 1);
		if (entry >> 8 == KW_ACT_H2C) {
			conn->frames = 1;
		} else if (entry >> 8 == KW_ACT_END) {
			side->mode = KW_MUTED;
			if (conn->frames) {
				begin_frames(side);
				begin_frames(&conn->side[KW_REQUEST]);
			}
			return i + 1;
		}
	}
	side->dfa = state;
	return 0;
}

/* Where the head of such an answer ends within one write; its whole length when it goes on. */
__noinline u64 pass_switch(u64 sk, u64 from, u64 length)
{
#pragma clang loop unroll(disable)
	for (u64 i = 0; i < KW_WRITE_HEAD / KW_SCAN; i++) {
		int ended;

		if (i * KW_SCAN >= length)
			break;
		ended = scan_switch(sk, from + i * KW_SCAN, length - i * KW_SCAN);
		if (ended > 0)
			return i * KW_SCAN + ended;
	}
	return length;
}

/* What the engine wrote with one call as frames, from `offset` on. */
__noinline int pass_response_frames(u64 sk, u64 from, u64 length, u64 offset)
{
	struct kw_conn *conn = bpf_map_lookup_elem(&conns, &sk);
	struct kw_side *side;

	if (!conn)
		return 0;
	side = &conn->side[KW_RESPONSE];
	side->sent = side->pos + offset;
#pragma clang loop unroll(disable)
	for (int turn = 0; turn < KW_TURNS; turn++) {
		u64 next;

		if (offset >= length)
			break;
		next = pass_frames(sk, KW_RESPONSE, from, length, offset);
		if (next == offset)
			break;
		offset = next;
	}
	if (offset < length && side->mode == KW_FRAMES) {
		count_drop(KW_DROP_FRAMING);
		lose_framing(side);
	}
	side->pos += length;
	if (side->sent < side->pos)
		side->lost = 1;
	side->sent = side->pos;
	return 0;
}

/* Bytes that the engine wrote with one call: whole up to the budget, then the head of each write. */
__noinline int pass_response(u64 sk, u64 from, u64 length)
{
	struct kw_conn *conn = bpf_map_lookup_elem(&conns, &sk);
	struct kw_side *side;
	u64 want = length;

	if (!conn)
		return 0;
	side = &conn->side[KW_RESPONSE];
	if (side->mode == KW_LOST)
		find_framing(conn, side, from, length);
	if (side->mode == KW_FRAMES)
		return pass_response_frames(sk, from, length, 0);
	if (side->mode == KW_LOST) {
		side->pos += length;
		side->lost = 1;
		return 0;
	}
	/* Only an answer's own head may switch: later writes of it can begin with bytes of a client's choice. */
	if (conn->answers_due == 1) {
		if (begins_switch(from, length))
			side->mode = KW_SWITCH;
		else if (begins_hijack(from, length))
			side->mode = KW_MUTED;
		if (side->mode == KW_SWITCH || side->mode == KW_MUTED) {
			side->dfa = KW_DFA_LINE;
			conn->frames = 0; /* this head says what it is from here on */
			side->budget = KW_WRITE_HEAD; /* the rest of this head may come in writes of its own */
			conn->side[KW_REQUEST].mode = KW_MUTED;
		}
	}
	if (side->mode == KW_SWITCH) {
		u64 head = pass_switch(sk, from, length);

		if (side->mode == KW_FRAMES) {
			emit_span(sk, KW_RESPONSE, from, (u32)head, head);
			return pass_response_frames(sk, from, length, head);
		}
	}
	if (want > side->budget)
		want = side->budget;
	if (want < KW_WRITE_HEAD && side->mode != KW_MUTED)
		want = length < KW_WRITE_HEAD ? length : KW_WRITE_HEAD;
	if (want > KW_PIECES * KW_DATA_LARGE)
		want = KW_PIECES * KW_DATA_LARGE;
	if (want)
		emit_span(sk, KW_RESPONSE, from, (u32)length, want);
	else
		side->skipped = 1;
	side->budget = side->budget > want ? side->budget - want : 0;
	side->pos += length;
	if (!begins_interim(from, length))
		conn->answers_due = 0;
	return 0;
}

#endif

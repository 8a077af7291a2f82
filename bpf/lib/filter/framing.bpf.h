/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * HTTP/1 framing of the request side (RFC 9112 sections 6 and 7), so that body bytes stay in the
 * kernel and the request after a body is still read. State lives in kw_side; userspace never takes
 * part, so nothing races. Functions are global ones with scalar arguments, see emit_piece.
 */
#ifndef KILNWATCH_FRAMING_BPF_H
#define KILNWATCH_FRAMING_BPF_H

#include "lib/filter/frames.bpf.h"
#include "lib/filter/method.bpf.h"

#define KW_HOPS 24	   /* chunks or bodies passed in one turn */
#define KW_CHUNK_WINDOW 24 /* bytes of a chunk-size line looked at in one hop */
#define KW_SCAN 128	   /* bytes of a head looked at in one walk of the automaton: it stands on the stack */
#define KW_HEAD_LIMIT 1052672 /* Go answers a longer head with 431 and closes (net/http initialReadLimitSize) */

/* Actions of the automaton's entries. */
#define KW_ACT_NONE 0
#define KW_ACT_DIGIT 1	 /* a digit of Content-Length */
#define KW_ACT_CHUNKED 2 /* Transfer-Encoding ends in chunked */
#define KW_ACT_END 3	 /* the empty line */
#define KW_ACT_LENGTH 4	 /* Content-Length begins: forget an earlier one */
#define KW_ACT_BAD 5	 /* no request line begins like this */
#define KW_ACT_PREFACE 6 /* "PRI " begins a request line */
#define KW_ACT_H2C 7	 /* Upgrade: h2c */

#define KW_DFA_START 0	 /* before a request line */
#define KW_DFA_TRAILER 1 /* start of a line in trailers */
#define KW_DFA_LINE 2	 /* in the first line of an answer */

/*
 * Automaton that finds header ends, Content-Length and Transfer-Encoding: chunked. Entry =
 * action << 8 | next state; filled by userspace before load (capture/live/head_automaton).
 */
const volatile __u16 head_automaton[KW_DFA_STATES * 256] = {};

static __always_inline void begin_head(struct kw_side *side)
{
	side->mode = KW_HEAD;
	side->dfa = KW_DFA_START;
	side->chunked = 0;
	side->extension = 0;
	side->left = 0;
	side->length = 0;
}

static __always_inline void lose_framing(struct kw_side *side)
{
	side->mode = KW_LOST;
	side->lost = 1;
}

/*
 * RFC 9113 section 3.4: HTTP/2 follows a head that begins with "PRI " and has no field. Go's server
 * closes the connection after any other such head of this size.
 */
static __always_inline void check_preface(struct kw_conn *conn, struct kw_side *side, u64 size)
{
	if (conn->preface && size == KW_PREFACE_HEAD) {
		conn->frames = 1;
		begin_frames(side);
		side->left = side->keep = KW_PREFACE_REST;
		begin_frames(&conn->side[KW_RESPONSE]);
	}
	conn->preface = 0;
}

static __always_inline void head_done(struct kw_conn *conn, struct kw_side *side)
{
	u64 length = side->length;
	u8 chunked = side->chunked, trailer = side->mode == KW_TRAILER;

	begin_head(side);
	if (trailer)
		return;
	conn->answers_due++;
	side->budget = KW_BODY_PREFIX;
	if (chunked) {
		side->chunked = 1;
		side->mode = KW_CHUNK;
	} else if (length) {
		side->mode = KW_BODY;
		side->left = length;
	}
}

/*
 * Run the automaton over at most KW_SCAN bytes. Returns how many belong to the head when it ends
 * there, 0 when it goes on, -1 when this is no head or cannot be read.
 */
__noinline int scan_head(u64 sk, u64 from, u64 n)
{
	struct kw_conn *conn = bpf_map_lookup_elem(&conns, &sk);
	struct kw_side *side;
	char bytes[KW_SCAN] = {};
	u32 state;
	u64 length;

	if (!conn)
		return -1;
	side = &conn->side[KW_REQUEST];
	state = side->dfa;
	length = side->length;
	asm volatile("" : "+r"(n));
	if (n > KW_SCAN)
		n = KW_SCAN;
	if (bpf_probe_read_user(bytes, n, (void *)from)) {
		count_drop(KW_DROP_COPY);
		return -1;
	}
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < KW_SCAN; i++) {
		u32 c, at, entry, act;

		if (i >= n)
			break;
		c = (u8)bytes[i];
		at = (state << 8) | c;
		asm volatile("" : "+r"(at)); /* keeps the bound below next to its use */
		entry = head_automaton[at & (KW_DFA_STATES * 256 - 1)];
		state = entry & (KW_DFA_STATES - 1);
		act = entry >> 8;
		if (act == KW_ACT_DIGIT) {
			length = length * 10 + (c & 15);
		} else if (act == KW_ACT_LENGTH) {
			length = 0;
		} else if (act == KW_ACT_CHUNKED) {
			side->chunked = 1;
		} else if (act == KW_ACT_END) {
			side->length = length;
			head_done(conn, side);
			return i + 1;
		} else if (act == KW_ACT_PREFACE) {
			conn->preface = 1;
		} else if (act == KW_ACT_BAD) {
			return -1;
		}
	}
	side->dfa = state;
	side->length = length;
	return 0;
}

/* A window of at most KW_DATA_LARGE bytes that begins in a head. Returns bytes of it in the head. */
__noinline u64 pass_head(u64 sk, u64 from, u64 length, u64 offset)
{
	struct kw_conn *conn = bpf_map_lookup_elem(&conns, &sk);
	struct kw_side *side;
	u64 n = length - offset, start = offset, before;
	u32 direction = KW_REQUEST;

	if (!conn)
		return n;
	side = &conn->side[KW_REQUEST];
	before = side->left;
	if (n > KW_DATA_LARGE)
		n = KW_DATA_LARGE;
	/* A window may hold several heads: each byte crosses once. */
	if (side->sent > side->pos + offset)
		start = side->sent - side->pos;
	else if (side->mode == KW_HEAD && side->dfa == KW_DFA_START)
		direction |= KW_EMIT_AT_HEAD;
	if (start < offset + n) {
		u64 fresh = offset + n - start;

		emit_piece(sk, direction, start, from + start, (fresh << 32) | fresh);
		side->sent = side->pos + offset + n;
	}
#pragma clang loop unroll(disable)
	for (u64 i = 0; i < KW_DATA_LARGE / KW_SCAN; i++) {
		int ended;

		if (i * KW_SCAN >= n)
			break;
		ended = scan_head(sk, from + offset + i * KW_SCAN, n - i * KW_SCAN);
		if (ended < 0) {
			lose_framing(side);
			return n;
		}
		if (ended > 0) {
			check_preface(conn, side, before + i * KW_SCAN + ended);
			return i * KW_SCAN + ended;
		}
	}
	side->left += n;
	if (side->left > KW_HEAD_LIMIT)
		lose_framing(side);
	return n;
}

/* Pass over body bytes and chunk-size lines. Returns where they end, or the turn. */
__noinline u64 pass_body(u64 sk, u64 from, u64 length, u64 offset)
{
	struct kw_conn *conn = bpf_map_lookup_elem(&conns, &sk);
	struct kw_side *side;

	if (!conn)
		return length;
	side = &conn->side[KW_REQUEST];
#pragma clang loop unroll(disable)
	for (int hop = 0; hop < KW_HOPS; hop++) {
		char line[KW_CHUNK_WINDOW] = {};
		u64 n = length - offset;

		if (offset >= length)
			break;
		if (side->mode == KW_BODY) {
			if (n > side->left)
				n = side->left;
			side->left -= n;
			offset += n;
			if (side->left)
				break;
			if (side->chunked)
				side->mode = KW_CHUNK;
			else
				begin_head(side);
			side->extension = 0;
			continue;
		}
		if (side->mode != KW_CHUNK)
			break;
		if (n > KW_CHUNK_WINDOW)
			n = KW_CHUNK_WINDOW;
		if (bpf_probe_read_user(line, (u32)n & 31, (void *)(from + offset))) {
			count_drop(KW_DROP_COPY);
			lose_framing(side);
			break;
		}
#pragma clang loop unroll(disable)
		for (u32 i = 0; i < KW_CHUNK_WINDOW; i++) {
			u8 c = line[i];

			if (i >= n)
				break;
			offset++;
			if (c == '\n') {
				if (side->left) {
					side->left += 2; /* CRLF after the data */
					side->mode = KW_BODY;
				} else {
					side->mode = KW_TRAILER;
					side->dfa = KW_DFA_TRAILER;
				}
				break;
			}
			if (side->extension)
				continue;
			if (c >= '0' && c <= '9')
				side->left = (side->left << 4) + (c - '0');
			else if ((c | 32) >= 'a' && (c | 32) <= 'f')
				side->left = (side->left << 4) + ((c | 32) - 'a' + 10);
			else
				side->extension = 1;
		}
	}
	return offset;
}

/* Body bytes [begin, end) of a socket call: the prefix crosses, the rest is skipped on purpose. */
__noinline int hand_over(u64 sk, u64 from, u64 begin, u64 end)
{
	struct kw_conn *conn = bpf_map_lookup_elem(&conns, &sk);
	struct kw_side *side;
	u64 n, want;

	if (!conn)
		return 0;
	side = &conn->side[KW_REQUEST];
	if (side->sent > side->pos + begin)
		begin = side->sent - side->pos;
	if (begin >= end)
		return 0;
	n = end - begin;
	want = side->budget < n ? side->budget : n;
	if (want > KW_PIECES * KW_DATA_LARGE)
		want = KW_PIECES * KW_DATA_LARGE;
	if (want) {
		emit_span(sk, KW_REQUEST, from, (begin << 32) | (u32)n, want);
		side->budget -= want;
	} else {
		side->skipped = 1;
	}
	side->sent = side->pos + end;
	return 0;
}

/*
 * A head or a stretch of body. Returns where it ends, or `offset` when the rest cannot be framed. A
 * function of its own: the loop around it must stay so plain that no instruction falls through into
 * its head, which kernels before 6.2 refuse as a "back-edge" (check_cfg).
 */
__noinline u64 pass_turn(u64 sk, u64 from, u64 length, u64 offset)
{
	struct kw_conn *conn = bpf_map_lookup_elem(&conns, &sk);
	u64 next;
	u8 mode;

	if (!conn)
		return length;
	mode = conn->side[KW_REQUEST].mode;
	if (mode == KW_HEAD || mode == KW_TRAILER)
		return offset + pass_head(sk, from, length, offset);
	if (mode == KW_FRAMES)
		return pass_frames(sk, KW_REQUEST, from, length, offset);
	if (mode != KW_BODY && mode != KW_CHUNK)
		return offset;
	next = pass_body(sk, from, length, offset);
	hand_over(sk, from, offset, next);
	return next;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * HTTP/1 framing of the request side (RFC 9112 sections 6 and 7), so that body bytes stay in the
 * kernel and the request after a body is still read. State lives in kw_side; userspace never takes
 * part, so nothing races. A call that needs more than the bounds here falls to KW_RAW, counted.
 */
#ifndef KILNWATCH_FRAMING_BPF_H
#define KILNWATCH_FRAMING_BPF_H

#include "lib/filter/emit.bpf.h"

#define KW_HOPS 24	/* chunks or bodies passed in one call */
#define KW_CHUNK_WINDOW 24 /* bytes of a chunk-size line looked at in one hop */
#define KW_RAW_BUDGET 1048576
#define KW_SCAN 256	/* bytes of a head looked at in one walk of the automaton: it stands on the stack */

/* Actions of the automaton's entries. */
#define KW_ACT_NONE 0
#define KW_ACT_DIGIT 1	 /* a digit of Content-Length */
#define KW_ACT_CHUNKED 2 /* Transfer-Encoding ends in chunked */
#define KW_ACT_END 3	 /* the empty line */
#define KW_ACT_LENGTH 4	 /* Content-Length begins: forget an earlier one */

#define KW_DFA_START 0	 /* before a request line */
#define KW_DFA_TRAILER 1 /* start of a line in trailers */

/*
 * Automaton that finds header ends, Content-Length and Transfer-Encoding: chunked. Entry =
 * action << 8 | next state; filled by userspace before load (capture/live/head_automaton).
 */
const volatile __u16 head_automaton[KW_DFA_STATES * 256] = {};

static __always_inline void head_done(struct kw_side *side)
{
	side->dfa = KW_DFA_START;
	if (side->mode == KW_TRAILER) {
		side->mode = KW_HEAD;
		side->chunked = 0;
		side->length = 0;
		return;
	}
	side->left = 0;
	side->extension = 0;
	if (side->chunked) {
		side->mode = KW_CHUNK;
	} else if (side->length) {
		side->mode = KW_BODY;
		side->left = side->length;
	} else {
		side->mode = KW_HEAD;
	}
	side->length = 0;
}

/*
 * Run the automaton over at most KW_SCAN bytes. Returns how many belong to the head when it ends
 * there, 0 when it goes on, -1 when the bytes cannot be read.
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
	if (bpf_probe_read_user(bytes, n, (void *)from))
		return -1;
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
			head_done(side);
			return i + 1;
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
	u64 n = length - offset, tail;
	u32 direction = KW_REQUEST;

	if (!conn)
		return n;
	side = &conn->side[KW_REQUEST];
	if (n > KW_DATA_LARGE)
		n = KW_DATA_LARGE;
	if (side->mode == KW_HEAD && side->dfa == KW_DFA_START)
		direction |= KW_EMIT_AT_HEAD;
	emit_piece(sk, direction, offset, from + offset, (n << 32) | n);
#pragma clang loop unroll(disable)
	for (u64 i = 0; i < KW_DATA_LARGE / KW_SCAN; i++) {
		int ended;

		if (i * KW_SCAN >= n)
			break;
		ended = scan_head(sk, from + offset + i * KW_SCAN, n - i * KW_SCAN);
		if (ended < 0) {
			side->mode = KW_RAW;
			side->budget = KW_RAW_BUDGET;
			count_drop(KW_DROP_FRAMING);
			return n;
		}
		if (ended > 0) {
			/* The body's first bytes stand in this window already. */
			tail = n - (i * KW_SCAN + ended);
			side->budget = tail < KW_BODY_PREFIX ? KW_BODY_PREFIX - tail : 0;
			return i * KW_SCAN + ended;
		}
	}
	return n;
}

/* Pass over body bytes and chunk-size lines. Returns where a head or the end of the call stands. */
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
			side->mode = side->chunked ? KW_CHUNK : KW_HEAD;
			side->extension = 0;
			continue;
		}
		if (side->mode != KW_CHUNK)
			break;
		if (n > KW_CHUNK_WINDOW)
			n = KW_CHUNK_WINDOW;
		if (bpf_probe_read_user(line, (u32)n & 31, (void *)(from + offset)))
			break;
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

/* Bytes that the engine read. */
static __always_inline void pass_request(struct kw_conn *conn, u64 sk, u64 from, u64 length)
{
	struct kw_side *side = &conn->side[KW_REQUEST];
	u64 offset = 0, want;

	if (side->mode == KW_BODY || side->mode == KW_CHUNK || side->mode == KW_RAW) {
		want = side->budget < length ? side->budget : length;
		if (want > KW_PIECES * KW_DATA_LARGE)
			want = KW_PIECES * KW_DATA_LARGE;
		if (want) {
			emit_span(sk, KW_REQUEST, from, length, want);
			side->budget -= want;
		} else {
			side->skipped = 1;
		}
		if (side->mode == KW_RAW) {
			side->pos += length;
			return;
		}
		offset = pass_body(sk, from, length, 0);
	}
#pragma clang loop unroll(disable)
	for (int round = 0; round < 2; round++) {
		if (offset >= length || (side->mode != KW_HEAD && side->mode != KW_TRAILER))
			break;
		if (side->mode == KW_HEAD && conn->side[KW_RESPONSE].budget < KW_RESPONSE_FULL)
			conn->side[KW_RESPONSE].budget = KW_RESPONSE_FULL;
		offset += pass_head(sk, from, length, offset);
		offset = pass_body(sk, from, length, offset);
	}
	if (offset < length) {
		/* More messages or chunks in one call than the bounds allow: all bytes from here. */
		if (side->mode != KW_RAW)
			count_drop(KW_DROP_FRAMING);
		side->mode = KW_RAW;
		side->budget = KW_RAW_BUDGET;
		emit_span(sk, KW_REQUEST, from, length,
			  length < KW_PIECES * KW_DATA_LARGE ? length : KW_PIECES * KW_DATA_LARGE);
	}
	side->pos += length;
}

/* Bytes that the engine wrote: whole up to the budget, then the head of each write. */
static __always_inline void pass_response(struct kw_conn *conn, u64 sk, u64 from, u64 length)
{
	struct kw_side *side = &conn->side[KW_RESPONSE];
	u64 want = length;

	if (want > side->budget)
		want = side->budget > KW_WRITE_HEAD ? side->budget : KW_WRITE_HEAD;
	if (want > length)
		want = length;
	if (want > KW_PIECES * KW_DATA_LARGE)
		want = KW_PIECES * KW_DATA_LARGE;
	emit_span(sk, KW_RESPONSE, from, length, want);
	side->budget = side->budget > want ? side->budget - want : 0;
	side->pos += length;
}

#endif

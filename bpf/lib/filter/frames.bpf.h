/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * HTTP/2 framing of both sides (RFC 9113 section 4.1): headers and other small frames cross, of DATA
 * a prefix of each stream, so that a build context that goes over a session stays in the kernel and
 * the frame after it is still read. State in kw_side: `dfa` bytes of a frame header were met, `length`
 * holds those that count, `left` bytes of the payload are to come, `keep` of them cross.
 */
#ifndef KILNWATCH_FRAMES_BPF_H
#define KILNWATCH_FRAMES_BPF_H

#include "lib/filter/emit.bpf.h"

#define KW_FRAME_HEADER 9
#define KW_FRAME_HOPS 24       /* frame headers or payloads passed in one turn */
#define KW_FRAME_LIMIT 1048576 /* dockerd's server takes this much (x/net http2 defaultMaxReadFrameSize) */
#define KW_FRAME_CONTROL 65536 /* bytes that cross of a frame that is not DATA */
#define KW_PREFACE_HEAD 18     /* "PRI * HTTP/2.0\r\n\r\n" */
#define KW_PREFACE_REST 6      /* "SM\r\n\r\n" */

enum kw_frame_type {
	KW_FRAME_DATA = 0,
	KW_FRAME_HEADERS = 1,
	KW_FRAME_PRIORITY = 2,
	KW_FRAME_RESET = 3,
	KW_FRAME_SETTINGS = 4,
	KW_FRAME_PUSH = 5,
	KW_FRAME_PING = 6,
	KW_FRAME_GOAWAY = 7,
	KW_FRAME_WINDOW = 8,
	KW_FRAME_CONTINUATION = 9,
};

static __always_inline struct kw_side *side_of(struct kw_conn *conn, u64 direction)
{
	return direction == KW_REQUEST ? &conn->side[KW_REQUEST] : &conn->side[KW_RESPONSE];
}

static __always_inline void begin_frames(struct kw_side *side)
{
	side->mode = KW_FRAMES;
	side->dfa = 0;
	side->left = 0;
	side->keep = 0;
	side->length = 0;
}

/* Which stream a type may stand on, and the lengths that are fixed (RFC 9113 section 6). */
static __always_inline int plausible_frame(u64 length, u64 type, u64 stream)
{
	if (length > KW_FRAME_LIMIT || stream >> 31)
		return 0;
	switch (type) {
	case KW_FRAME_SETTINGS:
	case KW_FRAME_GOAWAY:
		return !stream;
	case KW_FRAME_PING:
		return !stream && length == 8;
	case KW_FRAME_WINDOW:
		return length == 4;
	case KW_FRAME_RESET:
		return stream && length == 4;
	case KW_FRAME_PRIORITY:
		return stream && length == 5;
	case KW_FRAME_DATA:
	case KW_FRAME_HEADERS:
	case KW_FRAME_PUSH:
	case KW_FRAME_CONTINUATION:
		return stream != 0;
	}
	return 0;
}

/* Whether a socket call begins with a frame's header: where a connection met midway is taken up. */
static __always_inline int begins_with_frame(u64 from, u64 length)
{
	u8 h[16] = {};

	if (length < KW_FRAME_HEADER || bpf_probe_read_user(h, KW_FRAME_HEADER, (void *)from))
		return 0;
	return plausible_frame((u64)h[0] << 16 | (u64)h[1] << 8 | h[2], h[3],
			       (u64)h[5] << 24 | (u64)h[6] << 16 | (u64)h[7] << 8 | h[8]);
}

/* Bytes of a DATA payload that cross: the first ones of its stream, of answers the head of each. */
static __always_inline u32 data_to_keep(struct kw_conn *conn, u64 direction, u32 stream, u32 length)
{
	struct kw_stream_key key = {.conn = conn->id, .stream = stream, .direction = direction};
	/* containerd's answers say little, and hand out whole images. */
	int prefix = direction == KW_REQUEST || conn->engine == KW_ENGINE_CONTAINERD;
	u32 limit = prefix ? KW_BODY_PREFIX : KW_RESPONSE_FULL;
	u32 least = prefix ? 0 : KW_WRITE_HEAD;
	u32 *used = bpf_map_lookup_elem(&streams, &key);
	u32 sent = used ? *used : 0, keep;

	if (least > length)
		least = length;
	keep = sent < limit ? limit - sent : 0;
	if (keep > length)
		keep = length;
	if (keep) {
		sent += keep;
		/* The oldest streams make room; one that comes back gets a prefix again. */
		bpf_map_update_elem(&streams, &key, &sent, BPF_ANY);
	}
	return keep > least ? keep : least;
}

/* A frame's header, or what this socket call holds of it. Returns the bytes of it, 0: this is none. */
__noinline int pass_frame_header(u64 sk, u64 direction, u64 from, u64 length)
{
	struct kw_conn *conn = bpf_map_lookup_elem(&conns, &sk);
	struct kw_side *side;
	u64 n = KW_FRAME_HEADER, size, type, stream;
	u8 bytes[16] = {};

	if (!conn)
		return 0;
	side = side_of(conn, direction);
	n -= side->dfa;
	if (n > length)
		n = length;
	if (bpf_probe_read_user(bytes, (u32)n & 15, (void *)from)) {
		count_drop(KW_DROP_COPY);
		return 0;
	}
	if (!side->dfa && bytes[0] == 'P') {
		side->left = side->keep = KW_PREFACE_HEAD + KW_PREFACE_REST - 1;
		return 1;
	}
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < KW_FRAME_HEADER; i++) {
		if (i >= n)
			break;
		if (side->dfa != 4) /* flags: of no use here */
			side->length = side->length << 8 | bytes[i];
		side->dfa++;
	}
	if (side->dfa < KW_FRAME_HEADER)
		return n;
	size = side->length >> 40;
	type = side->length >> 32 & 0xff;
	stream = side->length & 0x7fffffff; /* the reserved bit says nothing (section 4.1) */
	side->dfa = 0;
	side->length = 0;
	/* Types that nobody knows are passed over (section 5.5). */
	if (type <= KW_FRAME_CONTINUATION ? !plausible_frame(size, type, stream) : size > KW_FRAME_LIMIT) {
		count_drop(KW_DROP_FRAMING);
		return 0;
	}
	side->left = size;
	if (type == KW_FRAME_DATA)
		side->keep = data_to_keep(conn, direction, stream, size);
	else
		side->keep = size < KW_FRAME_CONTROL ? size : KW_FRAME_CONTROL;
	return n;
}

/* What crosses of a socket call up to `end` and was not handed over yet. */
__noinline int hand_over_frames(u64 sk, u64 direction, u64 from, u64 end)
{
	struct kw_conn *conn = bpf_map_lookup_elem(&conns, &sk);
	struct kw_side *side;
	u64 begin = 0, n, want;

	if (!conn)
		return 0;
	side = side_of(conn, direction);
	if (side->sent > side->pos)
		begin = side->sent - side->pos;
	if (begin >= end)
		return 0;
	n = end - begin;
	want = n;
	if (want > KW_PIECES * KW_DATA_LARGE) {
		want = n = KW_PIECES * KW_DATA_LARGE;
		count_drop(KW_DROP_FRAMING);
	}
	emit_span(sk, direction, from, (begin << 32) | (u32)n, want);
	if (begin + n < end)
		side->lost = 1;
	side->sent = side->pos + end;
	return 0;
}

/* Frames of one socket call. Returns where they end, `offset` when there is none. */
__noinline u64 pass_frames(u64 sk, u64 direction, u64 from, u64 length, u64 offset)
{
	struct kw_conn *conn = bpf_map_lookup_elem(&conns, &sk);
	struct kw_side *side;

	if (!conn)
		return length;
	side = side_of(conn, direction);
#pragma clang loop unroll(disable)
	for (int hop = 0; hop < KW_FRAME_HOPS; hop++) {
		u64 n = length - offset, keep = side->keep;

		if (offset >= length)
			break;
		/* After a loss the reader knows no place any more: this is one. */
		if (!side->left && !side->dfa && side->adrift) {
			hand_over_frames(sk, direction, from, offset);
			side->framed = 1;
			side->adrift = 0;
		}
		if (!side->left) {
			int header = pass_frame_header(sk, direction, from + offset, n);

			if (header <= 0) {
				hand_over_frames(sk, direction, from, offset);
				side->mode = KW_LOST;
				side->lost = 1;
				return offset;
			}
			offset += header;
			continue;
		}
		if (n > side->left)
			n = side->left;
		if (keep > n)
			keep = n;
		side->left -= n;
		side->keep -= keep;
		if (keep < n) {
			hand_over_frames(sk, direction, from, offset + keep);
			side->sent = side->pos + offset + n;
			side->skipped = 1;
		}
		offset += n;
	}
	if (offset >= length)
		hand_over_frames(sk, direction, from, length);
	return offset;
}

#endif

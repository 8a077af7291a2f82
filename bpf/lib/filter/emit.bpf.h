/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bytes of a followed connection onto the ring. */
#ifndef KILNWATCH_EMIT_BPF_H
#define KILNWATCH_EMIT_BPF_H

#include "lib/base/maps.bpf.h"

#define KW_EMIT_AT_HEAD 0x100 /* or'ed to emit_piece's direction: the record begins a message */
#define KW_PIECES 16	/* records for one socket call: 64 KiB */
#define KW_WRITE_HEAD 512 /* of each write once a response is over its budget */

static __always_inline u16 take_flags(struct kw_side *side, u16 flags)
{
	if (side->lost)
		flags |= KW_F_LOST_BEFORE;
	if (side->skipped)
		flags |= KW_F_SKIPPED_BEFORE;
	if (side->framed)
		flags |= KW_F_AT_HEAD;
	side->framed = 0;
	side->lost = 0;
	side->skipped = 0;
	return flags;
}

static __always_inline void fill_data(struct kw_conn_data *e, struct kw_conn *conn, u32 direction,
				      u64 pos, u32 captured, u32 span, u16 flags, u32 room)
{
	fill_header(&e->h, KW_CONN_DATA, sizeof(*e) + room);
	e->conn = conn->id;
	e->pos = pos;
	e->span = span;
	e->captured = captured;
	e->direction = direction;
	e->flags = flags;
	e->pad = 0;
}

/*
 * One record: `size` is bytes to copy (at most KW_DATA_LARGE) in the low half, bytes it stands for in
 * the high half. Returns 0 when it was lost (counted, marked). A global function with scalar
 * arguments, like all the larger ones here: the verifier walks each once, on 5.10 too.
 */
__noinline int emit_piece(u64 sk, u32 direction, u64 offset, u64 from, u64 size)
{
	struct kw_conn *conn = bpf_map_lookup_elem(&conns, &sk);
	struct kw_side *side;
	struct kw_conn_data *e;
	u64 captured = size & 0xffffffff;
	u32 span = size >> 32;
	u16 flags;

	if (!conn)
		return 0;
	flags = direction & KW_EMIT_AT_HEAD ? KW_F_AT_HEAD : 0;
	direction &= 1;
	side = direction == KW_REQUEST ? &conn->side[KW_REQUEST] : &conn->side[KW_RESPONSE];
	/* One register for the bound and the copy: clang would test another than it passes. */
	asm volatile("" : "+r"(captured));
	if (captured > KW_DATA_LARGE)
		captured = KW_DATA_LARGE;
	asm volatile("" : "+r"(captured));
	if (captured <= KW_DATA_SMALL) {
		e = bpf_ringbuf_reserve(&events, sizeof(*e) + KW_DATA_SMALL, 0);
		if (!e)
			goto full;
		if (bpf_probe_read_user(e->payload, captured, (void *)from))
			goto unreadable;
		fill_data(e, conn, direction, side->pos + offset, captured, span,
			  take_flags(side, flags), KW_DATA_SMALL);
	} else {
		e = bpf_ringbuf_reserve(&events, sizeof(*e) + KW_DATA_LARGE, 0);
		if (!e)
			goto full;
		if (bpf_probe_read_user(e->payload, captured, (void *)from))
			goto unreadable;
		fill_data(e, conn, direction, side->pos + offset, captured, span,
			  take_flags(side, flags), KW_DATA_LARGE);
	}
	bpf_ringbuf_submit(e, 0);
	return 1;
unreadable:
	bpf_ringbuf_discard(e, 0);
	count_drop(KW_DROP_COPY);
	side->lost = side->adrift = 1;
	return 0;
full:
	count_drop(KW_DROP_RING);
	side->lost = side->adrift = 1;
	return 0;
}

/*
 * The first `want` bytes of a region of the socket call whose buffer is `from`: `region` has its
 * length in the low half and its begin in the high half. The last record stands for all of it.
 */
__noinline int emit_span(u64 sk, u32 direction, u64 from, u64 region, u64 want)
{
	u64 begin = region >> 32, length = region & 0xffffffff;

#pragma clang loop unroll(disable)
	for (u64 i = 0; i < KW_PIECES; i++) {
		u64 done = i * KW_DATA_LARGE, n = KW_DATA_LARGE, span = KW_DATA_LARGE;

		if (done >= want)
			break;
		if (want - done <= KW_DATA_LARGE) {
			n = want - done;
			span = length - done;
		}
		emit_piece(sk, direction, begin + done, from + begin + done, (span << 32) | (u32)n);
	}
	return 0;
}

#endif

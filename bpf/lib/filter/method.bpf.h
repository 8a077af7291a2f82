/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the first bytes of a socket call say about the message that begins there. */
#ifndef KILNWATCH_METHOD_BPF_H
#define KILNWATCH_METHOD_BPF_H

#include "lib/base/maps.bpf.h"

/* The first 8 bytes of `text`, the first one lowest, as a little-endian load has them. */
static __always_inline u64 word_of(const char *text)
{
	u64 w = 0;

	for (int i = 0; i < 8 && text[i]; i++)
		w |= (u64)(u8)text[i] << (8 * i);
	return w;
}

static __always_inline int agrees(u64 word, u64 n, const char *method, u64 size)
{
	u64 mask = ~0ULL;

	if (n < size)
		size = n;
	if (size < 8)
		mask = (1ULL << (8 * size)) - 1;
	return !((word ^ word_of(method)) & mask);
}

/*
 * Whether bytes may begin a request: the methods of the engine's routes. A shorter call must agree
 * as far as it goes: Go's server reads the first byte of a request alone (net/http backgroundRead).
 */
static __always_inline int begins_with_method(u64 from, u64 length)
{
	u64 word = 0, n = length < 8 ? length : 8;

	if (!n || bpf_probe_read_user(&word, (u32)n & 15, (void *)from))
		return 0;
	return agrees(word, n, "POST ", 5) || agrees(word, n, "GET ", 4) || agrees(word, n, "HEAD ", 5) ||
	       agrees(word, n, "PUT ", 4) || agrees(word, n, "DELETE ", 7) ||
	       agrees(word, n, "OPTIONS ", 8);
}

/* Whether bytes may begin the preface of HTTP/2; a shorter call must agree as far as it goes. */
static __always_inline int begins_with_preface(u64 from, u64 length)
{
	u64 word = 0, n = length < 8 ? length : 8;

	return n && !bpf_probe_read_user(&word, (u32)n & 15, (void *)from) &&
	       agrees(word, n, "PRI * HT", 8);
}

/*
 * Whether the first byte begins no request of any version and no TLS (a handshake is 22, RFC 8446 section
 * 5.1): dockerd speaks DNS over TCP to its containers, which begins with a length (RFC 1035 section 4.2.2).
 */
static __always_inline int begins_no_request(u64 from)
{
	u8 first = ' ';

	return !bpf_probe_read_user(&first, sizeof(first), (void *)from) &&
	       (first < ' ' || first >= 0x7f) && first != '\r' && first != '\n' && first != 22;
}

/* What an engine asks for when it fetches a context over plain HTTP (moby remotecontext/remote.go). */
static __always_inline int begins_with_get(u64 from, u64 length)
{
	u32 word = 0;

	return length > sizeof(word) && !bpf_probe_read_user(&word, sizeof(word), (void *)from) &&
	       word == (u32)word_of("GET ");
}

/* 101 is on its way: its headers say what comes next. The line may be a write of its own. */
static __always_inline int begins_switch(u64 from, u64 length)
{
	u64 head[2] = {};

	if (length < 12 || bpf_probe_read_user(head, 12, (void *)from))
		return 0;
	return head[0] == word_of("HTTP/1.1") && head[1] == word_of(" 101");
}

/*
 * The 200 that docker writes by hand when it takes over a connection (moby
 * daemon/server/router/container, exec: hijack without Upgrade): raw after it.
 */
static __always_inline int begins_hijack(u64 from, u64 length)
{
	u64 head[8] = {};

	if (length < sizeof(head) || bpf_probe_read_user(head, sizeof(head), (void *)from))
		return 0;
	return head[0] == word_of("HTTP/1.1") && head[1] == word_of(" 200 OK\r") &&
	       head[2] == word_of("\nContent") && head[3] == word_of("-Type: a") &&
	       head[4] == word_of("pplicati") && head[5] == word_of("on/vnd.d") &&
	       head[6] == word_of("ocker.ra") && head[7] == word_of("w-stream");
}

/* 100 Continue: the answer itself is still to come. */
static __always_inline int begins_interim(u64 from, u64 length)
{
	u64 head[2] = {};

	if (length < sizeof(head) || bpf_probe_read_user(head, sizeof(head), (void *)from))
		return 0;
	return head[0] == word_of("HTTP/1.1") && (head[1] & 0xffffffff) == word_of(" 100");
}

#endif

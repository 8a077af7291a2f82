/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Maps and knobs. */
#ifndef KILNWATCH_MAPS_BPF_H
#define KILNWATCH_MAPS_BPF_H

#include "lib/base/kernel_types.bpf.h"
#include "wire/events.h"
#include <bpf/bpf_helpers.h>

#define KW_MAX_CONNS 4096
#define KW_MAX_CALLS 8192
#define KW_MAX_ENGINES 64
#define KW_MAX_LINEAGE 65536
#define KW_MAX_STREAMS 8192
#define KW_MAX_EGRESS 16384
#define KW_MAX_FOLD 65536
#define KW_MAX_HELLOS 4096
#define KW_DFA_STATES 64

/* Where one direction of a connection stands in its framing. */
enum kw_mode {
	KW_HEAD = 0,	/* request line and headers: everything crosses */
	KW_BODY = 1,	/* left bytes of a body or of a chunk */
	KW_CHUNK = 2,	/* in a chunk-size line */
	KW_TRAILER = 3, /* after the last chunk */
	KW_LOST = 4,	/* framing unknown: nothing crosses until a read begins with a method */
	KW_MUTED = 5,	/* hijacked or upgraded: never HTTP/1 again, nothing crosses */
	KW_FETCH = 6,	/* the engine is the client: a prefix of each request and response crosses */
	KW_SWITCH = 7,	/* in the head of an answer after which the connection is no HTTP/1 any more */
	KW_FRAMES = 8,	/* HTTP/2 */
};

struct kw_side {
	u64 pos;	/* of the first byte of the socket call at work */
	u64 sent;	/* bytes below this were handed over, or skipped on purpose */
	u64 left;	/* KW_BODY: bytes to its end; KW_CHUNK: size so far; KW_HEAD: bytes so far */
	u64 length;	/* Content-Length met in this head */
	u32 budget;	/* bytes that may still cross: body prefix, or whole response bytes */
	u8 mode;
	u8 dfa;
	u8 chunked;	/* Transfer-Encoding: chunked met in this head, or body is chunked */
	u8 extension;	/* in a chunk extension */
	u8 lost;
	u8 skipped;
	u8 framed;	/* the next record begins with a frame: where HTTP/2 was taken up */
	u8 adrift;	/* a record was lost, and none since was marked so */
	u32 keep;	/* KW_FRAMES: bytes that cross of what is left of this frame */
};

struct kw_conn {
	u64 id;
	u32 answers_due; /* heads that ended in the latest read: 1 makes the next write an answer's head */
	u8 frames;	 /* may be HTTP/2: it was, or began before the sensor */
	u8 preface;	 /* a head begins as the preface of HTTP/2 does */
	u8 engine;	 /* enum kw_engine */
	u8 pad;
	struct kw_side side[2];
};

struct kw_call { /* one recvmsg or sendmsg in flight */
	u64 sk;
	u64 buffer;
	u64 length;
	u64 direction;
};

struct kw_stream_key {
	u64 conn;
	u32 stream;
	u32 direction;
};

struct kw_fold_key {
	u64 cgroup_id;
	u8 ip[16];
	u16 port;
	u16 protocol;
	u32 kin; /* as in kw_lineage */
};

struct kw_lineage {
	u32 kin;     /* the process that a builder forked, of it and all below it; 0: below no builder */
	u32 builder; /* what it forks are kin of their own */
};

struct kw_egress_state {
	u64 id;
	u32 sends;  /* handed over; KW_HEAD_SENDS also: the head is over */
	u32 wanted; /* bytes of a TLS hello that are still to come; 0: it is none */
};

struct kw_hello_key {
	u64 sk;
	struct kw_address to;
};

struct kw_hello { /* of a UDP socket that has just reached a new destination */
	u64 id;
	u64 cgroup_id; /* a closed socket's address is used again */
	u64 until;
	u32 left; /* sends that may cross */
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 * 1024 * 1024);
} events SEC(".maps");

struct { /* mapped by who reads it: a look by bpf(2) keeps other programs off its CPU meanwhile */
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, KW_DROP_MAX);
	__type(key, u32);
	__type(value, u64);
} drops SEC(".maps");

struct { /* struct sock * → kw_conn */
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KW_MAX_CONNS);
	__type(key, u64);
	__type(value, struct kw_conn);
} conns SEC(".maps");

struct { /* HTTP/2 stream → bytes of its DATA that crossed */
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, KW_MAX_STREAMS);
	__type(key, struct kw_stream_key);
	__type(value, u32);
} streams SEC(".maps");

struct { /* pid_tgid → call */
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KW_MAX_CALLS);
	__type(key, u64);
	__type(value, struct kw_call);
} calls SEC(".maps");

struct { /* tgid of an engine → enum kw_engine */
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KW_MAX_ENGINES);
	__type(key, u32);
	__type(value, u32);
} engines SEC(".maps");

struct { /* TCP port an engine listens on */
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u16);
	__type(value, u8);
} engine_ports SEC(".maps");

struct kw_path {
	char name[112];
};

struct { /* unix address an engine listens on */
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct kw_path);
	__type(value, u8);
} engine_paths SEC(".maps");

struct { /* tgid under an engine */
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KW_MAX_LINEAGE);
	__type(key, u32);
	__type(value, struct kw_lineage);
} lineage SEC(".maps");

struct { /* struct sock * → outbound connection */
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, KW_MAX_EGRESS);
	__type(key, u64);
	__type(value, struct kw_egress_state);
} egress SEC(".maps");

struct { /* sockets that may be a QUIC client's */
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, KW_MAX_HELLOS);
	__type(key, struct kw_hello_key);
	__type(value, struct kw_hello);
} hellos SEC(".maps");

struct { /* destinations a cgroup has already been seen with */
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, KW_MAX_FOLD);
	__type(key, struct kw_fold_key);
	__type(value, u32);
} folds SEC(".maps");

static __always_inline void count_drop(u32 cause)
{
	u64 *n = bpf_map_lookup_elem(&drops, &cause);

	if (n)
		__sync_fetch_and_add(n, 1);
}

static __always_inline void fill_header(struct kw_header *h, u16 kind, u32 size)
{
	h->version = KW_WIRE_VERSION;
	h->kind = kind;
	h->size = size;
	h->time_ns = bpf_ktime_get_boot_ns();
}

/* Unique number: boot time with the CPU in the low bits. */
static __always_inline u64 unique_id(void)
{
	return (bpf_ktime_get_boot_ns() << 8) | (bpf_get_smp_processor_id() & 0xff);
}

/* gRPC servers: their API has no HTTP/1. */
static __always_inline int speaks_http2_only(u32 engine)
{
	return engine == KW_ENGINE_CONTAINERD || engine == KW_ENGINE_BUILDKITD;
}

/* A connection that is followed from now on; `flags` as in kw_conn_open. */
static __always_inline void start_conn(struct kw_conn *conn, u32 engine, u32 flags)
{
	conn->id = unique_id();
	conn->engine = engine;
	conn->side[KW_RESPONSE].budget = KW_RESPONSE_FULL;
	if (flags & KW_F_MIDWAY) {
		conn->frames = 1;
		conn->side[KW_REQUEST].mode = KW_LOST;
		conn->side[KW_REQUEST].lost = conn->side[KW_RESPONSE].lost = 1;
	}
	/* The server may say the first word. */
	if (speaks_http2_only(engine))
		conn->side[KW_REQUEST].mode = conn->side[KW_RESPONSE].mode =
			flags & KW_F_MIDWAY ? KW_LOST : KW_FRAMES;
	if (flags & KW_F_FETCH)
		conn->side[KW_REQUEST].mode = conn->side[KW_RESPONSE].mode = KW_FETCH;
}

#endif

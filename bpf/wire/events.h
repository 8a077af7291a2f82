/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The wire: every record that crosses the ring from the kernel to userspace.
 * The only header shared by both sides; plain C, fixed width, explicit padding.
 * Change anything here and WIRE_VERSION goes up: userspace refuses other versions.
 */
#ifndef KILNWATCH_WIRE_EVENTS_H
#define KILNWATCH_WIRE_EVENTS_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define KW_WIRE_VERSION 7

#define KW_COMM_LEN 16
#define KW_ARGV_LEN 1024   /* bytes of argv kept, NUL separated */
#define KW_PATH_LEN 256    /* exec file name, unix socket path */
#define KW_CGROUP_LEN 512  /* trailing cgroup components, leaf first, NUL separated */
#define KW_DATA_SMALL 512  /* size classes of a data record's payload */
#define KW_DATA_MIDDLE 1536 /* of kw_egress_data only: a datagram */
#define KW_DATA_LARGE 4096
#define KW_DNS_LEN 512      /* bytes of a DNS answer; of a longer one the first (RFC 1035, 4.2.1) */
#define KW_BODY_PREFIX 65536    /* bytes of a request body, or HTTP/2 stream, that cross the ring */
#define KW_FETCH_PREFIX 4096     /* bytes of a request that the engine itself makes */
#define KW_RESPONSE_FULL 1048576 /* bytes of one response sent whole; then heads of writes or frames */

enum kw_kind {
	KW_CONN_OPEN = 1,
	KW_CONN_DATA = 2,
	KW_CONN_CLOSE = 3,
	KW_CLIENT = 4,
	KW_FORK = 5,
	KW_EXEC = 6,
	KW_EXIT = 7,
	KW_EGRESS = 8,
	KW_EGRESS_DATA = 9,
	KW_EGRESS_OUTCOME = 10,
	KW_DNS = 11,
	KW_EGRESS_DATAGRAM = 12,
	KW_DNS_BYTES = 13,
	KW_EGRESS_MORE = 14,
};

enum kw_engine {
	KW_ENGINE_NONE = 0,
	KW_ENGINE_DOCKER = 1,
	KW_ENGINE_CONTAINERD = 2,
	KW_ENGINE_PODMAN = 3,
	KW_ENGINE_BUILDKITD = 4,
	KW_ENGINE_MAX = 5,
};
enum kw_transport { KW_UNIX = 1, KW_TCP = 2 };
enum kw_direction { KW_REQUEST = 0, KW_RESPONSE = 1 };
enum kw_outcome { KW_PENDING = 0, KW_ESTABLISHED = 1, KW_REFUSED = 2, KW_TIMED_OUT = 3, KW_SENT = 4 };

/* kw_data.flags */
#define KW_F_SKIPPED_BEFORE 1 /* the jump in position was deliberate: body bytes left in the kernel */
#define KW_F_LOST_BEFORE 2    /* a record of this direction was dropped before this one */
#define KW_F_AT_HEAD 4        /* the first byte begins a message head, or a frame of HTTP/2 */

/* kw_conn_open.flags */
#define KW_F_MIDWAY 1 /* met after it was accepted: earlier bytes are unknown */
#define KW_F_FETCH 2  /* the engine connected: it writes requests and reads responses */

/* kw_dns.flags */
#define KW_F_LOOPBACK 1 /* came over loopback, or to a group or all: may be sent from within the network namespace */
#define KW_F_RAW 2	/* its cgroup has made a socket that sends under any address */
#define KW_F_HEARD 4	/* the host's own resolver said it to the host, or through it */

enum kw_drop { /* index into the counter map */
	KW_DROP_RING = 0,	/* ring full */
	KW_DROP_CONN_MAP = 1,	/* too many connections followed at once */
	KW_DROP_CALL_MAP = 2,	/* the begin or the end of a socket call was not seen */
	KW_DROP_COPY = 3,	/* user memory could not be read */
	KW_DROP_FRAMING = 4,	/* more messages in one socket call than are framed: lost from there */
	KW_DROP_EGRESS_MAP = 5,	/* too many connects pending */
	KW_DROP_LINEAGE_MAP = 6,/* too many processes under engines */
	KW_DROP_ENGINE_MAP = 7,	/* too many engines, or sockets they listen on */
	KW_DROP_SPLICE = 8,	/* bytes that an engine moved without reading them */
	KW_DROP_NAMES = 9,	/* DNS answers and QUIC hellos: more at once than cross the ring, or not readable */
	KW_DROP_MAX = 16,
};

struct kw_header {
	__u16 version;
	__u16 kind;
	__u32 size;	/* of the whole record, payload included */
	__u64 time_ns;	/* CLOCK_BOOTTIME */
};

struct kw_address { /* IPv4 as ::ffff:a.b.c.d */
	__u8 ip[16];
	__u16 port; /* host order */
	__u16 pad[3];
};

struct kw_task {
	__u32 pid;	/* thread group id, initial pid namespace */
	__u32 ppid;
	__u64 start_ns;	/* boot time of the group leader's start */
	__u32 uid;
	__u32 loginuid;	/* 0xffffffff: not set */
	__u64 cgroup_id;
	char comm[KW_COMM_LEN];
	char cgroup[KW_CGROUP_LEN];
};

struct kw_conn_open {
	struct kw_header h;
	__u64 conn;	/* unique over the sensor's life */
	__u64 join;	/* unix: same number in kw_client of the connecting process */
	__u32 engine_pid;
	__u16 engine;	/* enum kw_engine */
	__u16 transport;
	__u32 client_pid; /* unix: SO_PEERCRED, 0 otherwise */
	__u32 client_uid;
	__u32 flags;
	__u32 pad;
	struct kw_address client; /* KW_F_FETCH: the engine's end */
	struct kw_address server;
	char path[112];	/* unix: address of the listener; abstract names start with NUL */
};

struct kw_conn_data {
	struct kw_header h;
	__u64 conn;
	__u64 pos;	/* offset of the first byte in its direction */
	__u32 span;	/* bytes the record stands for; the tail past captured was left in the kernel */
	__u32 captured;	/* bytes in payload */
	__u16 direction;
	__u16 flags;
	__u32 pad;
	char payload[];
};

struct kw_conn_close {
	struct kw_header h;
	__u64 conn;
};

struct kw_client {
	struct kw_header h;
	__u64 join;
	__u32 transport;
	__u32 argv_len;
	struct kw_address client;
	struct kw_address server;
	struct kw_task task;
	char argv[KW_ARGV_LEN];
};

struct kw_fork {
	struct kw_header h;
	__u32 parent_pid;
	__u32 pid;
	__u64 start_ns;
};

struct kw_exec {
	struct kw_header h;
	struct kw_task task;
	__u32 argv_len;	/* KW_ARGV_LEN: cut */
	__u32 pad;
	char file[KW_PATH_LEN];
	char argv[KW_ARGV_LEN];
};

struct kw_exit {
	struct kw_header h;
	__u64 start_ns;
	__u32 pid;
	__u32 code;	/* as wait(2) has it */
};

struct kw_egress {
	struct kw_header h;
	__u64 egress;	/* unique over the sensor's life */
	__u32 protocol;	/* IPPROTO_* */
	__u32 outcome;	/* kw_outcome at this moment */
	struct kw_address destination;
	__u32 net;	/* number of its network namespace; 0: not known */
	__u32 pad;
	struct kw_task task;
};

/*
 * KW_EGRESS_DATA: the first send of a connection. KW_EGRESS_MORE: one of those behind it, where the first may be
 * part of a head alone. KW_EGRESS_DATAGRAM: one of a QUIC client's first sends, a datagram or several to be cut
 * (UDP_SEGMENT).
 */
struct kw_egress_data {
	struct kw_header h;
	__u64 egress;
	__u32 captured;
	__u32 length;	/* of all that was sent */
	char payload[];
};

struct kw_dns { /* a UDP datagram from port 53, as a process received it; KW_F_HEARD without a task: as the host did */
	struct kw_header h;
	__u32 net;	/* as in kw_egress */
	__u32 flags;
	__u32 captured;
	__u32 length;	/* of the datagram */
	struct kw_address resolver;
	struct kw_task task;
	char payload[KW_DNS_LEN];
};

struct kw_dns_bytes { /* what a process read of a TCP connection to port 53 */
	struct kw_header h;
	__u64 stream;	/* the connection; may come again for a later one */
	__u32 net;	/* as in kw_egress */
	__u32 captured;
	__u32 length;	/* of the read */
	__u32 pad;
	struct kw_address resolver;
	struct kw_task task;
	char payload[KW_DNS_LEN];
};

struct kw_egress_outcome {
	struct kw_header h;
	__u64 egress;
	__u32 outcome;
	__u32 pad;
};

#endif

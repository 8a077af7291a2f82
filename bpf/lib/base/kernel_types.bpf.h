/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The few kernel types that the programs read, with only the fields they read.
 * CO-RE relocates every access, so offsets here mean nothing. Written by hand instead of a generated
 * vmlinux.h: it is the same for amd64 and arm64, shows at a glance what is relied on, and
 * building needs no kernel.
 */
#ifndef KILNWATCH_KERNEL_TYPES_BPF_H
#define KILNWATCH_KERNEL_TYPES_BPF_H

#include <linux/bpf.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __SIZE_TYPE__ size_t;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	int counter;
} atomic_t;

struct cred {
	kuid_t uid;
};

struct kernfs_node {
	const char *name;
	struct kernfs_node *parent;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct mm_struct {
	unsigned long arg_start, arg_end;
};

struct signal_struct {
	atomic_t live;
};

struct task_struct {
	int pid, tgid;
	int exit_code;
	u64 start_boottime;
	struct task_struct *real_parent, *group_leader;
	const struct cred *cred;
	struct mm_struct *mm;
	struct css_set *cgroups;
	struct signal_struct *signal;
	kuid_t loginuid;
	char comm[16];
};

struct linux_binprm {
	const char *filename;
};

struct upid {
	int nr;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct in6_addr {
	union {
		u8 u6_addr8[16];
	} in6_u;
};

struct ns_common {
	unsigned int inum;
};

struct user_namespace {
	int level; /* 0: of the host */
};

struct net {
	struct ns_common ns;
	struct user_namespace *user_ns; /* whose root may change it */
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	unsigned short skc_family;
	volatile unsigned char skc_state;
	u32 skc_daddr, skc_rcv_saddr;
	u16 skc_dport, skc_num;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
	possible_net_t skc_net;
};

struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	struct pid *sk_peer_pid;
	const struct cred *sk_peer_cred;
	int sk_err;
	u16 sk_protocol;
};

struct socket {
	struct sock *sk;
};

struct proto {
	char name[32];
};

struct sockaddr_un {
	unsigned short sun_family;
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[];
};

struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

struct iovec {
	void *iov_base;
	unsigned long iov_len;
};

struct net_device {
	possible_net_t nd_net;
};

struct sk_buff {
	struct net_device *dev;
	unsigned char *head, *data;
	unsigned int len, data_len; /* in all; in pages */
	u16 transport_header, network_header; /* from head */
	int skb_iif; /* the interface that it came by last */
	u8 pkt_type : 3;
};

struct iov_iter {
	u8 iter_type;
	unsigned long iov_offset, count;
};

struct msghdr {
	void *msg_name;
	struct iov_iter msg_iter;
};

/* Records of tracepoints. */
struct trace_event_raw_sched_process_exec {
	u32 __data_loc_filename; /* lower half: where in the record */
};

struct trace_event_raw_inet_sock_set_state {
	const void *skaddr;
	int oldstate, newstate;
};

#pragma clang attribute pop

#endif

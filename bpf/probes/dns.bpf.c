// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What resolvers answer to processes under engines. */
#include "lib/base/program.bpf.h"
#include "lib/filter/dns.bpf.h"

SEC("fentry/skb_consume_udp")
int KW_PROG(udp_consume, struct sock *sk, struct sk_buff *skb, int len)
{
	return udp_received(sk, skb, len);
}

#include "framing_host.h"

#include "lib/filter/pass.bpf.h"
#include "lib/filter/programs.bpf.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SOCK 1

static struct kw_conn conn;
static struct {
	struct kw_stream_key key;
	u32 used;
} budgets[64];
static unsigned budgets_used, refuse;
static u64 counts[KW_DROP_MAX];
static kw_host_sink to;
static void *to_context;

void *bpf_map_lookup_elem(void *map, const void *key)
{
	if (map == (void *)&conns)
		return *(const u64 *)key == SOCK ? &conn : 0;
	if (map == (void *)&drops)
		return &counts[*(const u32 *)key];
	if (map != (void *)&streams)
		abort();
	for (unsigned i = 0; i < budgets_used; i++)
		if (!memcmp(&budgets[i].key, key, sizeof(budgets[i].key)))
			return &budgets[i].used;
	return 0;
}

long bpf_map_update_elem(void *map, const void *key, const void *value, __u64 flags)
{
	u32 *used = bpf_map_lookup_elem(map, key);

	(void)flags;
	if (!used) {
		if (budgets_used == sizeof(budgets) / sizeof(budgets[0]))
			abort();
		memcpy(&budgets[budgets_used].key, key, sizeof(budgets[0].key));
		used = &budgets[budgets_used++].used;
	}
	memcpy(used, value, sizeof(*used));
	return 0;
}

long bpf_probe_read_kernel_str(void *out, __u32 size, const void *from)
{
	strncpy(out, from, size - 1);
	return 0;
}

long bpf_probe_read_user(void *out, __u32 size, const void *from)
{
	memcpy(out, from, size);
	return 0;
}

void *bpf_ringbuf_reserve(void *ring, __u64 size, __u64 flags)
{
	(void)ring;
	(void)flags;
	if (refuse) {
		refuse--;
		return 0;
	}
	return calloc(1, size);
}

void bpf_ringbuf_submit(void *record, __u64 flags)
{
	(void)flags;
	to(to_context, record);
	free(record);
}

void bpf_ringbuf_discard(void *record, __u64 flags)
{
	(void)flags;
	free(record);
}

__u64 bpf_ktime_get_boot_ns(void)
{
	return 0;
}

__u32 bpf_get_smp_processor_id(void)
{
	return 0;
}

/* Read-only for the programs; its pages are opened as libbpf fills it before load. */
void kw_host_load(const uint16_t *automaton)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const uintptr_t begin = (uintptr_t)head_automaton & ~(page - 1);
	const uintptr_t end = (uintptr_t)head_automaton + sizeof(head_automaton);

	if (mprotect((void *)begin, end - begin, PROT_READ | PROT_WRITE))
		abort();
	memcpy((void *)(uintptr_t)head_automaton, automaton, sizeof(head_automaton));
}

void kw_host_open(uint32_t engine, int midway, kw_host_sink sink, void *context)
{
	memset(&conn, 0, sizeof(conn));
	memset(counts, 0, sizeof(counts));
	budgets_used = refuse = 0;
	to = sink;
	to_context = context;
	start_conn(&conn, engine, midway ? KW_F_MIDWAY : 0);
}

void kw_host_read(const char *bytes, size_t size)
{
	pass_request(SOCK, (u64)bytes, size);
}

void kw_host_write(const char *bytes, size_t size)
{
	pass_response(SOCK, (u64)bytes, size);
}

void kw_host_unseen(uint32_t direction, size_t size)
{
	pass_unseen(&conn, direction, size);
}

void kw_host_fill_ring(unsigned records)
{
	refuse = records;
}

uint64_t kw_host_drops(unsigned cause)
{
	return counts[cause];
}

uint32_t kw_host_engine_of(const char *comm)
{
	struct kw_name name = {};

	memcpy(&name, comm, strnlen(comm, KW_COMM_LEN - 1));
	return engine_of(&name);
}

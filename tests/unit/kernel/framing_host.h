/* The framing of bpf/lib/filter for one connection, compiled for the host. */
#ifndef KILNWATCH_FRAMING_HOST_H
#define KILNWATCH_FRAMING_HOST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Each record of the ring, whole. */
typedef void (*kw_host_sink)(void *context, const void *record);

void kw_host_load(const uint16_t *automaton);
/* A connection from its first byte on, or one that was open before; engine: enum kw_engine. */
void kw_host_open(uint32_t engine, int midway, kw_host_sink sink, void *context);
/* What one socket call of the engine moved. */
void kw_host_read(const char *bytes, size_t size);
void kw_host_write(const char *bytes, size_t size);
/* Bytes that a call moved unseen; direction: enum kw_direction. */
void kw_host_unseen(uint32_t direction, size_t size);
/* The ring refuses this many records from now on. */
void kw_host_fill_ring(unsigned records);
uint64_t kw_host_drops(unsigned cause);
/* enum kw_engine of a program by its comm. */
uint32_t kw_host_engine_of(const char *comm);

#ifdef __cplusplus
}
#endif

#endif

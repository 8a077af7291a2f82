/* What the kernel and libbpf offer to the programs, as far as the framing needs it, on the host. */
#ifndef KILNWATCH_STUB_BPF_HELPERS_H
#define KILNWATCH_STUB_BPF_HELPERS_H

#define SEC(name)
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))
#define __weak __attribute__((weak))
#define __uint(name, value) int(*name)[value]
#define __type(name, value) __typeof__(value) *name

void *bpf_map_lookup_elem(void *map, const void *key);
long bpf_map_update_elem(void *map, const void *key, const void *value, __u64 flags);
long bpf_probe_read_kernel_str(void *to, __u32 size, const void *from);
long bpf_probe_read_user(void *to, __u32 size, const void *from);
void *bpf_ringbuf_reserve(void *ring, __u64 size, __u64 flags);
void bpf_ringbuf_submit(void *record, __u64 flags);
void bpf_ringbuf_discard(void *record, __u64 flags);
__u64 bpf_ktime_get_boot_ns(void);
__u32 bpf_get_smp_processor_id(void);

#endif

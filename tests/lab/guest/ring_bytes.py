"""Prints how many bytes ever went through the ring of the sensor: the producer position, read from the map itself."""
import ctypes
import json
import mmap
import struct
import subprocess

BPF_MAP_GET_FD_BY_ID = 14
SYS_BPF = 321  # x86-64

libc = ctypes.CDLL(None, use_errno=True)
total = 0
for entry in json.loads(subprocess.check_output(["bpftool", "-j", "map", "show"])):
    if entry["type"] != "ringbuf":
        continue
    attr = ctypes.create_string_buffer(struct.pack("III", entry["id"], 0, 0), 128)
    fd = libc.syscall(SYS_BPF, BPF_MAP_GET_FD_BY_ID, attr, 12)
    if fd < 0:
        raise OSError(ctypes.get_errno(), f"map {entry['id']}")
    # Page 0 is the consumer's, page 1 begins with the producer's position.
    with mmap.mmap(fd, mmap.PAGESIZE, mmap.MAP_SHARED, mmap.PROT_READ, offset=mmap.PAGESIZE) as page:
        total += struct.unpack_from("Q", page)[0]
print(total)

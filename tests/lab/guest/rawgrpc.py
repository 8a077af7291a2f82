"""A hand-made client of BuildKit over the engine's /grpc: one call, no session, nothing asked but what the case asks."""
import struct

from rawhttp import connect

GRPC_UPGRADE = b"POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"


def field(number, value):
    """A length-delimited field of protobuf."""
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def entries(number, pairs):
    """A map<string, string>."""
    return b"".join(field(number, field(1, k) + field(2, v)) for k, v in pairs.items())


def solve(ref, attrs, exporter, entitlements=()):
    """control.SolveRequest."""
    return (field(1, ref) + field(3, "moby") + entries(4, exporter) + field(6, "dockerfile.v0") + entries(7, attrs)
            + b"".join(field(9, e) for e in entitlements))


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    """A header field, never indexed, without Huffman code."""
    size = len(value)
    length = bytes([size]) if size < 127 else b"\x7f" + varint(size - 127)
    return b"\x10" + bytes([len(name)]) + name.encode() + length + value.encode()


def call(where, path, message):
    """One unary call: (grpc-status as sent, or None where the header block is coded; bytes of the answer's DATA)."""
    sock = connect(where)
    sock.sendall(GRPC_UPGRADE)
    stream = sock.makefile("rb")
    assert b" 101 " in stream.readline()
    while stream.readline().strip():
        pass
    headers = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "docker",
               "content-type": "application/grpc", "te": "trailers", "user-agent": "raw-grpc/1.0"}
    block = b"".join(literal(k, v) for k, v in headers.items())
    body = b"\0" + struct.pack(">I", len(message)) + message
    sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + frame(1, 4, 1, block) + frame(0, 1, 1, body))
    data = b""
    while True:
        head = stream.read(9)
        if len(head) < 9:
            return data
        size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        payload = stream.read(size)
        if kind == 4 and not flags & 1:
            sock.sendall(frame(4, 1, 0))
        elif kind == 6 and not flags & 1:
            sock.sendall(frame(6, 1, 0, payload))
        elif kind == 0:
            data += payload
        elif kind in (3, 7):
            return data
        if kind in (0, 1) and flags & 1:
            return data

"""A name server of kiln.test, over UDP and TCP: nameserver.py ADDRESS [FORGED]
With FORGED every name is at that address."""
import socket
import struct
import sys
import threading

LIFE = 600  # seconds: a case may take minutes on a busy machine
TYPES = {"A": 1, "CNAME": 5, "AAAA": 28}
ZONE = {
    "files.kiln.test": [("A", "198.51.100.66")],
    "alias.kiln.test": [("CNAME", "edge.kiln.test")],
    "edge.kiln.test": [("A", "198.51.100.66")],
    "mapped.kiln.test": [("AAAA", "::ffff:198.51.100.66")],
    "long.kiln.test": [("A", "198.51.100.66")],  # too long for UDP, it says there
    "stream.kiln.test": [("A", "198.51.100.66")],
    "six.kiln.test": [("AAAA", "2001:db8:66::66")],
}
for client in ("curl", "wget", "python", "git", "openssl", "busybox"):
    ZONE[f"{client}.kiln.test"] = [("A", "198.51.100.66")]


def wire_name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def query(host, kind):
    return struct.pack("!6H", 0x4B57, 0x0100, 1, 0, 0, 0) + wire_name(host) + struct.pack("!2H", TYPES[kind], 1)


def question(message):
    """(name, type, where it ends)"""
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    return ".".join(labels).lower(), struct.unpack("!H", message[at + 1:at + 3])[0], at + 5


def record(owner, kind, data):
    if kind == "CNAME":
        data = wire_name(data)
    else:
        data = socket.inet_pton(socket.AF_INET if kind == "A" else socket.AF_INET6, data)
    return wire_name(owner) + struct.pack("!2HIH", TYPES[kind], 1, LIFE, len(data)) + data


def answer(message, forged=None, udp=True):
    host, wanted, end = question(message)
    cut = udp and host == "long.kiln.test" and not forged
    records = []
    owners = [] if cut else [host]
    for owner in owners:
        for kind, data in [("A", forged)] if forged else ZONE.get(owner, []):
            if TYPES[kind] == wanted or kind == "CNAME":
                records.append(record(owner, kind, data))
            if kind == "CNAME":
                owners.append(data)
    flags = 0x8580 | (0x0200 if cut else 0)  # an answer, of whom to ask, recursion; cut off
    return message[:2] + struct.pack("!5H", flags, 1, len(records), 0, 0) + message[12:end] + b"".join(records)


def serve_tcp(listener, forged):
    while True:
        stream, _ = listener.accept()
        with stream, stream.makefile("rb") as read:
            while head := read.read(2):
                reply = answer(read.read(int.from_bytes(head, "big")), forged, udp=False)
                stream.sendall(len(reply).to_bytes(2, "big") + reply)


def serve(address, forged=None):
    listener = socket.create_server((address, 53))
    threading.Thread(target=serve_tcp, args=(listener, forged), daemon=True).start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, 53))
        while True:
            message, peer = sock.recvfrom(4096)
            print(question(message)[0], "for", peer[0], flush=True)
            sock.sendto(answer(message, forged), peer)


if __name__ == "__main__":
    serve(*sys.argv[1:])

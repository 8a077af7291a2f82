"""A hand-made client of the engine API: every byte of the request is the case's own."""
import io
import socket
import tarfile

UNIX = "/var/run/docker.sock"
TCP = ("198.51.100.1", 2375)


def connect(where):
    sock = socket.socket(socket.AF_UNIX if isinstance(where, str) else socket.AF_INET)
    sock.connect(where)
    if not isinstance(where, str):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def context(dockerfile, **files):
    """A tar with a Dockerfile and further files (name=bytes)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in {"Dockerfile": dockerfile.encode(), **files}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def request(target, body=b"", method="POST", headers=()):
    lines = [f"{method} {target} HTTP/1.1", "Host: docker", "User-Agent: raw/1.0", *headers]
    if not any(h.lower().startswith("transfer-encoding") for h in headers):
        lines += [f"Content-Length: {len(body)}"]
    if body:
        lines += ["Content-Type: application/x-tar"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def answer(stream):
    """One response off a file object of the socket: (status, body)."""
    status = int(stream.readline().split()[1])
    length, chunked = None, False
    while (line := stream.readline().strip().lower()):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
        chunked |= line.startswith(b"transfer-encoding:") and b"chunked" in line
    body = b""
    if chunked:
        while (size := int(stream.readline().split(b";")[0], 16)):
            body += stream.read(size)
            stream.readline()
        stream.readline()
    elif length is not None:
        body = stream.read(length)
    return status, body


def must_build(result, tag):
    status, body = result
    print(status, body.decode(errors="replace"))
    assert status == 200 and f"Successfully tagged {tag}".encode() in body, f"{tag} was not built"

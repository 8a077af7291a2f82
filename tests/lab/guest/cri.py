#!/usr/bin/env python3
"""A client of CRI with the few calls that a case needs; messages by hand (kubernetes: cri-api v1 api.proto).

cri.py ENDPOINT status | pull IMAGE | pod NAMESPACE NAME [host|privileged] |
    create POD NAME IMAGE [privileged] COMMAND... | start ID | clean
What a call answers with is written to stdout: the id of a pod or container.
"""
import sys
from pathlib import Path

import grpc


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def text(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def number(field, value):
    return varint(field << 3) + varint(value)


def fields(message):
    """(field, value) of a message, value as bytes or number."""
    at, out = 0, []

    def take():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        tag = take()
        if tag & 7 == 2:
            size = take()
            out.append((tag >> 3, message[at:at + size]))
            at += size
        else:
            out.append((tag >> 3, take()))
    return out


def first(message, field):
    return next((value for number_, value in fields(message) if number_ == field), b"")


class Cri:
    def __init__(self, endpoint):
        self.channel = grpc.insecure_channel(endpoint)

    def call(self, service, method, message=b""):
        send = self.channel.unary_unary(f"/runtime.v1.{service}/{method}", request_serializer=bytes,
                                        response_deserializer=bytes)
        return send(message, timeout=60)

    def runtime(self, method, message=b""):
        return self.call("RuntimeService", method, message)


def pod_config(namespace, name, kind=""):
    # NamespaceOption: network and processes of the node are 2. Of a privileged container its pod is privileged, too.
    options = number(1, 2) + number(2, 2) if kind == "host" else number(1, 0)
    context = text(1, options) + (number(6, 1) if kind == "privileged" else b"")
    return (text(1, text(1, name) + text(2, f"uid-{name}") + text(3, namespace)) + text(3, "/tmp/pods") +
            text(7, text(1, "note") + text(2, "kw-canary-annotation")) + text(8, text(2, context)))


def told(pod):
    """Where the pod's configuration is kept: its containers are asked for with the same one."""
    return Path("/tmp") / f"pod-{pod}"


def create(cri, pod, name, image, words):
    bad = words[:1] == ["privileged"]
    # As the kubelet does: by the id that the image has here, and by the name that the pod's manifest has.
    status = first(cri.call("ImageService", "ImageStatus", text(1, text(1, image))), 1)
    spec = text(1, first(status, 1)) + text(18, image)
    config = text(1, text(1, name)) + text(2, spec)
    config += b"".join(text(3, word) for word in words[bad:])
    config += text(6, text(1, "TOKEN") + text(2, "kw-canary-env")) + text(10, text(1, "n") + text(2, "kw-canary-note"))
    if bad:
        config += text(7, text(1, "/host") + text(2, "/") + number(3, 1))
        config += text(15, text(2, text(1, text(1, "SYS_PTRACE")) + number(2, 1)))
    answer = cri.runtime("CreateContainer", text(1, pod) + text(2, config) + text(3, told(pod).read_bytes()))
    return first(answer, 1).decode()


def main():
    endpoint, command, *words = sys.argv[1:]
    cri = Cri(endpoint)
    if command == "status":
        answer = first(cri.runtime("Status"), 1)
        conditions = {first(c, 1): first(c, 2) for field, c in fields(answer) if field == 1}
        return 0 if all(conditions.values()) else f"not ready: {conditions}"
    if command == "pull":
        auth = text(1, "kw-canary-user") + text(2, "kw-canary-password") + text(6, "kw-canary-token")
        print(first(cri.call("ImageService", "PullImage", text(1, text(1, words[0])) + text(2, auth)), 1).decode())
    elif command == "pod":
        config = pod_config(*words)
        pod = first(cri.runtime("RunPodSandbox", text(1, config)), 1).decode()
        told(pod).write_bytes(config)
        print(pod)
    elif command == "create":
        print(create(cri, words[0], words[1], words[2], words[3:]))
    elif command == "start":
        cri.runtime("StartContainer", text(1, words[0]))
    elif command == "clean":
        for _, pod in fields(cri.runtime("ListPodSandbox")):
            cri.runtime("StopPodSandbox", text(1, first(pod, 1)))
            cri.runtime("RemovePodSandbox", text(1, first(pod, 1)))
    else:
        return __doc__
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The include graph of userspace/ and bpf/ against the table of rooms.

layers.py [ROOT]      exit 1 and one line for each include that the table does not allow
layers.py --selftest  plants wrong includes into a scratch tree and expects them to be found
"""
import pathlib
import re
import sys
import tempfile

# Room: what it may include besides itself and the standard library.
ALLOWED = {
    "base": set(),
    "domain": {"base"},
    "decode": {"base", "domain", "wire"},
    "stream": {"base", "domain"},
    "protocol": {"base"},
    "engine": {"base", "domain", "protocol", "proto/engine"},
    "identity": {"base", "domain"},
    "tracker": {"base", "domain", "identity", "protocol"},
    "policy": {"base", "domain"},
    "baseline": {"base"},
    "fleet": {"base"},
    "detect": {"base", "domain", "tracker", "policy", "baseline", "fleet"},
    "sink": {"base", "domain", "proto"},
    "record": {"base", "domain", "stream", "protocol", "engine", "proto"},
    "capture": {"base", "domain", "proto"},
    "capture/live": {"base", "domain", "capture", "decode", "wire"},
    "app": {"base", "domain", "decode", "stream", "protocol", "engine", "identity", "tracker", "policy",
            "baseline", "fleet", "detect", "sink", "record", "capture", "capture/live", "proto"},
    "bpf/wire": set(),
    "bpf/lib/base": {"bpf/wire"},
    "bpf/lib/read": {"bpf/wire", "bpf/lib/base"},
    "bpf/lib/filter": {"bpf/wire", "bpf/lib/base", "bpf/lib/read"},
    "bpf/probes": {"bpf/wire", "bpf/lib/base", "bpf/lib/read", "bpf/lib/filter"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)
SOURCES = {".h", ".cpp", ".c"}


def room_of(path):
    """Longest entry of the table that is a prefix of path (relative to userspace/, or bpf/...)."""
    parts = path.split("/")
    for n in range(len(parts), 0, -1):
        if "/".join(parts[:n]) in ALLOWED:
            return "/".join(parts[:n])
    return None


def target_of(include, in_bpf):
    """Room an include names; None: not one of ours."""
    if include.startswith("wire/"):
        return "bpf/wire" if in_bpf else "wire"
    if include.startswith("proto/engine/"):
        return "proto/engine"
    if include.startswith("kilnwatch/v1/") or include.startswith("proto/"):
        return "proto"
    return room_of("bpf/" + include if in_bpf else include)


def check(root):
    problems = []
    for top in ("userspace", "bpf"):
        for file in sorted((root / top).rglob("*")):
            if file.suffix not in SOURCES or "vmlinux" in file.name:
                continue
            relative = file.relative_to(root).as_posix()
            in_bpf = top == "bpf"
            room = room_of(relative if in_bpf else relative.removeprefix("userspace/"))
            if room is None:
                problems.append(f"{relative}: in no room of the table")
                continue
            for include in INCLUDE.findall(file.read_text(encoding="utf-8")):
                if ".." in include.split("/"):
                    problems.append(f'{relative}: "{include}" leaves its folder; name it from the top')
                    continue
                target = target_of(include, in_bpf)
                if target not in (None, room) and target not in ALLOWED[room]:
                    problems.append(f'{relative}: "{include}": {room} may not include {target}')
    return problems


def selftest():
    cases = [  # file, include, allowed
        ("userspace/engine/a.cpp", "protocol/http1/a.h", True),
        ("userspace/base/a.h", "domain/types.h", False),
        ("userspace/protocol/http1/a.h", "domain/types.h", False),
        ("userspace/engine/a.cpp", "wire/events.h", False),
        ("userspace/decode/a.cpp", "wire/events.h", True),
        ("userspace/capture/replay/a.cpp", "wire/events.h", False),
        ("userspace/capture/live/a.cpp", "wire/events.h", True),
        ("userspace/detect/a.cpp", "policy/policy.h", True),
        ("userspace/policy/a.cpp", "tracker/tracker.h", False),
        ("userspace/detect/a.cpp", "baseline/store.h", True),
        ("userspace/tracker/a.cpp", "baseline/store.h", False),
        ("userspace/detect/a.cpp", "fleet/fleet.h", True),
        ("userspace/fleet/a.cpp", "baseline/store.h", False),
        ("userspace/detect/a.cpp", "kilnwatch/v1/alert.pb.h", False),
        ("userspace/engine/a.cpp", "kilnwatch/v1/alert.pb.h", False),
        ("userspace/engine/a.cpp", "proto/engine/a.pb.h", True),
        ("userspace/tracker/a.cpp", "proto/engine/a.pb.h", False),
        ("userspace/sink/a.cpp", "../app/main.h", False),
        ("bpf/lib/base/a.h", "lib/filter/conn.bpf.h", False),
        ("bpf/probes/a.bpf.c", "lib/filter/conn.bpf.h", True),
        ("userspace/nowhere/a.h", "base/result.h", False),
    ]
    for file, include, allowed in cases:
        with tempfile.TemporaryDirectory() as scratch:
            planted = pathlib.Path(scratch) / file
            planted.parent.mkdir(parents=True)
            planted.write_text(f'#include "{include}"\n', encoding="utf-8")
            if (not check(pathlib.Path(scratch))) != allowed:
                print(f"selftest: {file} including {include} should be {'allowed' if allowed else 'refused'}")
                return 1
    print(f"selftest: {len(cases)} cases")
    return 0


def main():
    if sys.argv[1:] == ["--selftest"]:
        return selftest()
    default = pathlib.Path(__file__).resolve().parents[2]
    problems = check(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default)
    print("\n".join(problems) if problems else "layers: fine")
    return 1 if problems else 0


sys.exit(main())

#!/usr/bin/env python3
"""No file grows into the class that owns everything: 400 lines in bpf/ and userspace/, 1000 in tests/."""
import pathlib
import sys

LIMITS = {"bpf": 400, "userspace": 400, "tests": 1000}
SUFFIXES = {".h", ".c", ".cpp", ".py"}


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    problems = []
    for top, limit in LIMITS.items():
        for file in sorted((root / top).rglob("*")):
            if file.suffix not in SUFFIXES or "vmlinux" in file.name:
                continue
            lines = len(file.read_text(encoding="utf-8").splitlines())
            if lines > limit:
                problems.append(f"{file.relative_to(root)}: {lines} lines, at most {limit}: split it by topic")
    print("\n".join(problems) if problems else "size: fine")
    return 1 if problems else 0


sys.exit(main())

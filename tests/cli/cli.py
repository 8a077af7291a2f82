#!/usr/bin/env python3
"""cli.py EXECUTABLE: the program under bad input, case by case.

A case: arguments, stdin, how descriptors are given to it, the exit code, a pattern that stderr must
match, and stdout to the byte. All of it runs without privileges: nothing here may load a program
into the kernel of this machine, whoever runs the tests.
"""
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

NOBODY = 65534


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


# alert.proto by hand: id = 1, rule = 3, summary = 5; AlertStream.alerts = 1.
ALERT = field(1, field(1, b"abc") + field(3, b"build-request"))
JSON = '{"id":"abc","rule":"build-request"}\n'
USAGE = r"^kilnwatch: error: .*; `kilnwatch --help` shows what there is\n$"


class Case:
    def __init__(self, name, args, code, stderr, stdin=b"", stdout="", fds="", env=None, last=""):
        self.name, self.args, self.code, self.stderr = name, args, code, stderr
        self.stdin, self.stdout, self.fds, self.env = stdin, stdout, fds, env or {}
        self.last = last  # what stdout ends with, where it is not looked at as a whole


def cases(work):
    """`work` is a folder of the unprivileged user's own."""
    empty = work / "empty"
    empty.write_bytes(b"")
    noise = work / "noise"
    noise.write_bytes(bytes(range(256)) * 40)
    headless = work / "headless"
    headless.write_bytes(b"KWR1" + b"\x00" * 100)
    os.mkfifo(work / "fifo")
    unreadable = work / "unreadable"
    unreadable.write_bytes(b"KWR1")
    unreadable.chmod(0)
    state = work / "state"
    state.mkdir(mode=0o700)
    loose = work / "loose"
    loose.mkdir()
    loose.chmod(0o777)
    frozen = work / "frozen"
    frozen.mkdir()
    frozen.chmod(0o500)
    for folder in (state, loose, frozen, unreadable):
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)

    def error(text):
        return rf"^kilnwatch: error: .*{text}.*\n$"

    yield Case("no command", [], 2, USAGE)
    yield Case("unknown command", ["fly"], 2, USAGE)
    yield Case("unknown flag", ["run", "--frobnicate"], 2, USAGE)
    yield Case("unknown format", ["run", "--output", "xml"], 2, USAGE)
    yield Case("unknown hooks", ["doctor", "--hooks", "xml"], 2, USAGE)
    yield Case("unknown hooks in the environment", ["run"], 2, USAGE, env={"KILNWATCH_HOOKS": "xml"})
    yield Case("unknown log format", ["run", "--log-format", "xml"], 2, USAGE)
    yield Case("flag without its value", ["run", "--record"], 2, USAGE)
    yield Case("usage before environment", ["run", "--state-dir", "/proc/no", "--output", "xml"], 2, USAGE)
    yield Case("usage before stdout", ["run", "--output", "xml"], 2, USAGE, fds=">&-")
    for span in ("0", "0s", "-5", "soon", "", "1d", "1e9", "99999999999"):
        yield Case(f"capture --for '{span}'", ["capture", f"--for={span}"], 2, USAGE)
    yield Case("capture of nothing", ["capture"], 2, error("needs --for DURATION or -- COMMAND"))
    yield Case("capture of an empty command", ["capture", "--"], 2, error("needs --for"))
    yield Case("replay without a file", ["replay"], 2, USAGE)

    yield Case("version", ["--version"], 0, r"^$", stdout=None)
    yield Case("help to nowhere", ["--help"], 1, error("standard output"), fds=">&-")
    yield Case("help to a full disk", ["--help"], 1, error("No space left"), fds=">/dev/full")

    yield Case("replay of no file", ["replay", "/nothing/here"], 4, error("/nothing/here"))
    yield Case("replay of an empty file", ["replay", str(empty)], 4, error("empty"))
    yield Case("replay of noise", ["replay", str(noise)], 4, error("noise"))
    yield Case("replay of a magic only", ["replay", str(headless)], 4, error("headless"))
    yield Case("replay of a folder", ["replay", str(work)], 4, error(re.escape(str(work))))
    yield Case("replay of a FIFO", ["replay", str(work / "fifo")], 4, error("fifo"))
    yield Case("replay of /dev/zero", ["replay", "/dev/zero"], 4, error("/dev/zero"))
    yield Case("replay of an unreadable file", ["replay", str(unreadable)], 4, error("Permission denied"))
    yield Case("a name with an escape", ["replay", "/no\x1b[2J\nsuch"], 4, error(r"/no\\x1b\[2J\\x0asuch"))

    yield Case("decode of nothing", ["decode"], 0, r"^$")
    yield Case("decode to json", ["decode", "--output", "json"], 0, r"^$", ALERT * 2, JSON * 2)
    yield Case("decode to protobuf", ["decode", "--output", "protobuf"], 0, r"^$", ALERT * 2, (ALERT * 2).decode())
    yield Case("decode of noise", ["decode"], 4, error("not an AlertStream"), b"no protobuf at all")
    yield Case("decode of a damaged alert", ["decode"], 4, error("damaged"), ALERT + field(1, b"\xff\xff\xff"), JSON)
    yield Case("decode of text that is none", ["decode"], 4, error("damaged"), ALERT + field(1, field(1, b"\xff")), JSON)
    yield Case("decode of a cut stream", ["decode"], 4, error("ends inside an alert"), ALERT + ALERT[:-1], JSON)
    yield Case("decode of a cut length", ["decode"], 4, error("ends inside an alert"), ALERT + b"\x0a\xff", JSON)
    yield Case("decode of a monstrous length", ["decode"], 4, error("too long"), ALERT + b"\x0a\xff\xff\xff\xff\x0f", JSON)
    yield Case("decode of closed stdin", ["decode"], 0, r"^$", fds="<&-")
    yield Case("decode of a folder", ["decode"], 4, error("standard input cannot be read"), fds=f"<{work}")
    yield Case("decode of a descriptor to write", ["decode"], 4, error("standard input cannot be read"), fds="<&1")

    for command in (["run", "--state-dir", str(state)], ["replay", str(noise)], ["decode"], ["doctor"]):
        yield Case(f"{command[0]}: stdout closed", command, 1, error("standard output"), fds=">&-")
        yield Case(f"{command[0]}: stdout for reading", command, 1, error("standard output"), fds="1</dev/null")
    yield Case("all three closed", ["run", "--state-dir", str(state)], 1, r"^$", fds="<&- >&- 2>&-")
    yield Case("doctor to a full disk", ["doctor"], 1, error("No space left"), fds=">/dev/full")
    yield Case("decode to a full disk", ["decode"], 1, error("No space left"), ALERT, fds=">/dev/full")
    yield Case("decode to a closed pipe", ["decode"], 1, error("its reader is gone"), ALERT, fds="closed pipe")

    yield Case("doctor without privilege", ["doctor"], 3, r"^$", stdout=None)
    yield Case("run without privilege", ["run", "--state-dir", str(state)], 3, error("(no privilege|too old|lockdown)"))
    yield Case("capture without privilege", ["capture", "--", "true"], 3, r"^kilnwatch: error: (no privilege|.*too old|.*lockdown)")
    yield Case("log in json", ["run", "--log-format", "json", "--state-dir", "/proc/no"], 3,
               r'^\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","level":"error","message":"the state directory /proc/no [^\n]*"\}\n$')
    yield Case("state folder cannot be made", ["run", "--state-dir", "/proc/no"], 3, error("/proc/no cannot be made"))
    yield Case("state folder is a file", ["run", "--state-dir", str(noise)], 3, error("noise"))
    yield Case("state folder for all", ["run", "--state-dir", str(loose)], 3, error("written by others.*chmod 700"))
    yield Case("state folder is frozen", ["run", "--state-dir", str(frozen)], 3, error("cannot be written"))
    yield Case("state folder of root", ["run", "--state-dir", "/etc"], 3, error("belongs to another user"))
    yield Case("recording into no folder", ["run", "--state-dir", str(state), "--record", "/nothing/here"], 3, error("no folder"))
    yield Case("recording into a file", ["capture", "--record", "/etc/passwd/x", "--for", "1s"], 3, error("no folder"))
    yield Case("report into no folder", ["capture", "--report", "/nothing/here", "--for", "1s"], 3, error("--report"))


def configs(work):
    """Configurations: what is shipped, and what is refused. `work` as above."""
    def config(name, text, mode=0o644):
        file = work / name
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)
        return str(file)

    def check(file):
        return ["run", "--check-config", "--config", file]

    def error(text):
        return rf"^kilnwatch: error: [^\n]*{text}[^\n]*\n$"

    top = pathlib.Path(__file__).resolve().parents[2]
    shipped = [top / "deploy/config.yaml", *sorted((top / "deploy/examples").glob("*.yaml"))]
    assert len(shipped) == 4, shipped
    for number, file in enumerate(shipped):
        name = config(f"shipped-{number}.yaml", file.read_text(encoding="utf-8"))
        yield Case(f"shipped {file.name}", check(name), 0, rf"^kilnwatch: configuration {re.escape(name)}: [^\n]* \d[^\n]*\n$")

    fine = config("fine.yaml", "registries: [docker.io]\n")
    wrong = config("wrong.yaml", "registries: [docker.io]\nregistry: [ghcr.io]\n")
    place = re.escape(wrong) + ":2:1: 'registry' is no key .*did you mean 'registries'"
    yield Case("check of a wrong one", check(wrong), 2, error(place))
    state = str(work / "state")
    yield Case("run with a wrong one", ["run", "--config", wrong, "--state-dir", state], 2, error(place))
    yield Case("capture with a wrong one", ["capture", "--config", wrong, "--for", "1s"], 2, error(place))
    yield Case("replay with a wrong one", ["replay", "--config", wrong, "/nothing/here"], 2, error(place))
    yield Case("a wrong one, told in json", [*check(wrong), "--log-format", "json"], 2,
               r'^\{"time":"[^"]*","level":"error","message":"[^\n]*:2:1: [^\n]*"\}\n$')
    yield Case("run with a right one", ["run", "--config", fine, "--state-dir", "/proc/no"], 3, error("/proc/no cannot be made"))
    yield Case("check needs no privilege and no state", [*check(fine), "--state-dir", "/proc/no"], 0, ": registries 1\n$")
    yield Case("check with stdout closed", check(fine), 0, ": registries 1\n$", fds=">&-")
    yield Case("replay has nothing to check", ["replay", "--check-config", "x"], 2, USAGE)
    over = config("over.yaml", "exceptions:\n  - {owner: ops, reason: r, expires: 2020-01-01, rule: build-request, client: {uid: 1}}\n")
    yield Case("an exception that is over", check(over), 0, r": exceptions 1\nkilnwatch: warning: [^\n]*of ops in line 2 ended with 2020-01-01[^\n]*\n$")
    yield Case("no file", check(str(work / "none.yaml")), 2, error("No such file"))
    yield Case("a folder", check(str(work)), 2, error("no regular file"))
    yield Case("a FIFO", check(str(work / "fifo")), 2, error("no regular file"))
    yield Case("for all to write", check(config("loose.yaml", "", 0o666)), 2, error("chmod go-w"))
    yield Case("in a folder for all", check(config("loose/config.yaml", "")), 2, error("others can write"))
    closed = config("closed.yaml", "", 0)
    yield Case("unreadable", check(closed), 2, error("Permission denied"))
    yield Case("a name with an escape", check("/no\x1b[2J\nsuch"), 2, error(r"/no\\x1b\[2J\\x0asuch"))

    # The schema has the keys that the program has.
    schema = json.loads((top / "docs/config.schema.json").read_text(encoding="utf-8"))
    keys, parts = schema["properties"], schema["$defs"]
    maps = [("%s", keys), ("destinations: {%s}", keys["destinations"]["properties"]),
            ("windows: {%s}", keys["windows"]["properties"]), ("baseline: {%s}", keys["baseline"]["properties"]), ("severity: {%s}", keys["severity"]["properties"]),
            ("attack: {%s}", keys["attack"]["properties"]),
            ("attack: {tactics: {%s}}", keys["attack"]["properties"]["tactics"]["properties"]),
            ("clients: [{%s}]", parts["client"]["properties"]),
            ("destinations: {deny: [{%s}]}", parts["destination"]["properties"]),
            ("exceptions: [{owner: a, reason: b, expires: 2030-01-01, rule: build-failed, client: {uid: 1}, %s}]",
             parts["exception"]["properties"])]
    for number, (form, known) in enumerate(maps):
        file = config(f"keys-{number}.yaml", form % "zzzzzzzzzzzzzzz: 1" + "\n")
        yield Case(f"keys of {form}", check(file), 2, error("there are: " + ", ".join(sorted(known))))


def documents(work):
    """What README shows is what the program prints."""
    top = pathlib.Path(__file__).resolve().parents[2]
    text = (top / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"replay (tests/\S+) --output text`\n\n((?: {4}.*\n)+)", text)
    recording = work / "shown.kwr"
    shutil.copyfile(top / shown[1], recording)
    recording.chmod(0o644)
    yield Case("the alert of README", ["replay", str(recording), "--output", "text"], 0, r"^$", stdout=None,
               last=re.sub(r"^ {4}", "", shown[2], flags=re.M))


def baselines(work):
    """`baseline` and what else keeps one, by what is in its folder."""
    def folder(name, mode=0o700):
        path = work / name
        path.mkdir()
        path.chmod(mode)
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)
        return str(path)

    def file(path, content, mode=0o600):
        pathlib.Path(path).write_bytes(content)
        pathlib.Path(path).chmod(mode)
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)

    def error(text):
        return rf"^kilnwatch: error: [^\n]*{text}[^\n]*\n$"

    def command(name, *args, at):
        return ["baseline", name, *args, "--state-dir", at]

    for args in (["baseline"], ["baseline", "fly"], ["baseline", "list", "--output", "xml"],
                 ["baseline", "list", "extra"], ["baseline", "list", "--scope", "world"], ["baseline", "add"], ["baseline", "stats", "--scope", "host"],
                 ["baseline", "forget", "192.0.2.1", "1", "--scope", "world"], ["replay", "x", "--fleet", "both"],
                 ["baseline", "forget"], ["baseline", "stats", "--frobnicate"],
                 ["baseline", "add", "192.0.2.1", "1", "a.test", "extra"], ["baseline", "import", "file"]):
        yield Case(" ".join(args), args, 2, USAGE)
    config = str(work / "fine.yaml")
    away = str(work / "away.yaml")
    file(away, b"baseline: {store: 'redis://127.0.0.1:1'}\n")
    for name in ("list", "export", "stats"):
        yield Case(f"{name} of no fleet", ["baseline", name, "--scope", "fleet", "--config", config], 2, error("'baseline.store'.*--config"))
        yield Case(f"{name} of a fleet that is away", ["baseline", name, "--scope", "fleet", "--config", away], 3,
                   error("redis://127.0.0.1:1: it does not answer: .*"))
    for name in ("add", "forget"):
        at_fleet = ["baseline", name, "192.0.2.1", "1", "--scope", "fleet", "--config"]
        yield Case(f"{name} of no fleet", [*at_fleet, config], 2, error("'baseline.store'.*--config"))
        yield Case(f"{name} of a fleet that is away", [*at_fleet, away], 3, error("redis://127.0.0.1:1: it does not answer: .*"))
        yield Case(f"{name} of a client at the fleet", ["baseline", name, "client", "0", "uid-0:/bin/x", "--scope", "fleet", "--config", away], 2,
                   error("is shared with nobody"))
    yield Case("replay with no fleet", ["replay", "--fleet", "ask", "--config", config, str(work / "empty")], 2, error("--fleet asks the server of 'baseline.store'"))
    empty = folder("baseline")
    for name in ("list", "export", "stats"):
        yield Case(f"{name} without a baseline", command(name, at=empty), 3, error("there is no baseline"))
        yield Case(f"{name} of no folder", command(name, at="/nothing/here"), 3, error("there is no baseline"))
    key = ["192.0.2.7", "443", "A.test"]
    yield Case("forget without a baseline", command("forget", *key, at=empty), 3, error("there is no baseline"))
    yield Case("add of no address", command("add", "a.test", "443", at=empty), 2, error("'a.test' is no address"))
    yield Case("add of no port", command("add", "192.0.2.7", "65536", at=empty), 2, error("'65536' is no port"))
    yield Case("add of no name", command("add", "192.0.2.7", "443", "*", at=empty), 2, error(r"'\*' is no name"))
    yield Case("add of half a destination", command("add", "192.0.2.7", at=empty), 2, error(r"ADDRESS PORT \[NAME\]"))
    yield Case("add where nothing can be made", command("add", *key, at="/proc/no"), 3, error("/proc/no cannot be made"))
    yield Case("still none", command("list", at=empty), 3, error("there is no baseline"))

    line = ('{"scope":"%s","address":"192.0.2.7","port":443,"name":"a.test","first":"2026-01-02T03:04:05Z",'
            '"last":"2026-01-02T03:04:06Z","count":7,"build":"b1"}\n')
    both = line % "builds" + line % "host"
    store = folder("kept")
    fill = command("import", at=store)
    yield Case("import of nothing", fill, 0, r"^kilnwatch: 0 destinations imported\n$")
    yield Case("list of nothing", command("list", at=store), 0, r"^$", stdout=None)
    yield Case("export of nothing", command("export", at=store), 0, r"^$")
    wrong = (line % "builds" + "\n" + line % "fleet").encode()
    yield Case("import of a wrong line", fill, 4, error("standard input, line 3: scope is 'fleet'.*nothing was imported"), wrong)
    yield Case("and nothing of it", command("export", at=store), 0, r"^$")
    yield Case("import of noise", fill, 4, error("line 1: "), bytes(range(256)) * 40)
    yield Case("import of a folder", fill, 4, error("standard input cannot be read"), fds=f"<{work}")
    yield Case("import", fill, 0, r": 2 destinations imported\n$", both.encode())
    yield Case("import once more", fill, 0, r": 2 destinations imported\n$", both.encode())
    yield Case("export", command("export", at=store), 0, r"^$", stdout=both)
    yield Case("export of a scope", command("export", "--scope", "host", at=store), 0, r"^$", stdout=line % "host")
    yield Case("list as json", command("list", "--output", "json", at=store), 0, r"^$", stdout=both)
    yield Case("list", command("list", "--scope", "builds", at=store), 0, r"^$", stdout=(
        "scope   first seen            last seen                  count  build         destination\n"
        "builds  2026-01-02 03:04:05Z  2026-01-02 03:04:06Z           7  b1            192.0.2.7 443 a.test\n"))
    yield Case("stats", command("stats", at=store), 0, r"^$", stdout=None)
    for name in ("list", "export", "stats"):
        yield Case(f"{name} to a full disk", command(name, at=store), 1, error("No space left"), fds=">/dev/full")
        yield Case(f"{name} to nowhere", command(name, at=store), 1, error("standard output"), fds=">&-")
        yield Case(f"{name} to a reader that left", command(name, at=store), 1, error("standard output"), fds="closed pipe")
    yield Case("add to the host", command("add", *key, "--scope", "host", at=store), 0, r"^$")
    yield Case("add of a client", command("add", "client", "0", "uid-1000:/usr/bin/docker", at=store), 0, r"^$")
    yield Case("a client is of the host", command("forget", "client", "0", "uid-1000:/usr/bin/docker", "--scope", "host", at=store), 0, r"^$")
    yield Case("add of a client to builds", command("add", "client", "0", "uid-1000", "--scope", "builds", at=store), 2, error("is of the host"))
    yield Case("add by one word", command("add", "::1 22", at=store), 0, r"^$")
    yield Case("forget of one scope", command("forget", "192.0.2.7 443 a.test", "--scope", "host", at=store), 0, r"^$")
    yield Case("forget of what is not there", command("forget", *key, "--scope", "host", at=store), 1, error("is not in the baseline"))
    yield Case("forget without its name", command("forget", *key[:2], at=store), 1, error("names belong to it"))
    yield Case("forget", command("forget", *key, at=store), 0, r"^$")
    yield Case("forget by another form", command("forget", "0::1", "22", at=store), 0, r"^$")
    yield Case("nothing is left", command("export", at=store), 0, r"^$")

    damaged = folder("damaged")
    file(damaged + "/baseline.db", b"no database at all" * 100)
    for name in ("list", "stats", "import"):
        yield Case(f"{name} of a damaged one", command(name, at=damaged), 3, error("the next `run` sets it aside"))
    yield Case("replay of no recording leaves it alone", ["replay", "--state-dir", damaged, str(work / "empty")], 4, error("empty"))
    yield Case("still damaged", command("export", at=damaged), 3, error("the next `run` sets it aside"))
    migrated = folder("migrated")
    file(migrated + "/seen-destinations", b"192.0.2.7 443\n")
    yield Case("the text file of before", command("list", at=migrated), 0, r"1 destinations of [^\n]* are in the baseline now[^\n]*\n$", stdout=None)
    yield Case("and only once", command("list", at=migrated), 0, r"^$", stdout=None)
    closed = folder("closed")
    file(closed + "/baseline.db", b"", 0)
    yield Case("an unreadable one", command("list", at=closed), 3, error("Permission denied"))
    loose_state = folder("loose-state", 0o777)
    yield Case("add where others can write", command("add", *key, at=loose_state), 3, error("can be written by others"))


def drop():
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def run(executable, case):
    command = [executable, *case.args]
    stdout = subprocess.PIPE
    ends = ()
    if case.fds == "closed pipe":
        ends = os.pipe()
        os.close(ends[0])
        stdout = ends[1]
    elif case.fds:
        command = ["bash", "-c", f'exec "$0" "$@" {case.fds}', *command]
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C", **case.env}
    done = subprocess.run(command, input=case.stdin, stdout=stdout, stderr=subprocess.PIPE, timeout=30,
                          preexec_fn=drop, env=env, cwd="/", check=False)
    for end in ends[1:]:
        os.close(end)
    return done.returncode, (done.stdout or b"").decode(errors="replace"), done.stderr.decode(errors="replace")


def main():
    failed = total = 0
    with tempfile.TemporaryDirectory() as scratch:
        work = pathlib.Path(scratch)
        work.chmod(0o755)
        # The build folder may be closed to others.
        executable = work / "kilnwatch"
        shutil.copy(sys.argv[1], executable)
        executable.chmod(0o755)
        for case in itertools.chain(cases(work), configs(work), documents(work), baselines(work)):
            total += 1
            try:
                code, stdout, stderr = run(str(executable), case)
            except subprocess.TimeoutExpired:
                failed += 1
                print(f"{case.name}: it hangs")
                continue
            wrong = []
            if code != case.code:
                wrong.append(f"code {code}, not {case.code}")
            if not re.search(case.stderr, stderr, re.S):
                wrong.append(f"stderr does not match {case.stderr!r}")
            if not stdout.endswith(case.last):
                wrong.append(f"stdout does not end with {case.last!r}")
            if case.stdout is not None and stdout != case.stdout:
                wrong.append(f"stdout is not {case.stdout!r}")
            if wrong:
                failed += 1
                print(f"{case.name}: {'; '.join(wrong)}\n  stderr: {stderr!r}\n  stdout: {stdout!r}")
    print(f"{total} cases, {failed} failed")
    return 1 if failed else 0


sys.exit(main())

"""One run of the VM: the job drive in, qemu, the results out."""
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

BOOT_SECONDS = 180  # boot, engine start and the scene, on a slow and busy machine
AROUND_CASE = 50    # arming, the wait after RUN, EXPECT and cleaning up
# How many times slower than idle the machine is taken to be: all limits in time are multiplied by it.
PATIENCE = int(os.environ.get("KILNWATCH_LAB_PATIENCE", "1"))
TIMESTAMP_PROTO = Path("/usr/include/google/protobuf/timestamp.proto")
RUNNING = []  # VMs


def end_all(*_):
    """SIGTERM: a run that is ended from outside must not leave its VMs behind."""
    for process in list(RUNNING):
        process.kill()
    print("lab: ended by SIGTERM", file=sys.stderr, flush=True)
    os._exit(1)


def make_job(top, suite, work, cases, program):
    """The drive with the executable (None: engine alone), protos, guest scripts and cases."""
    content, job = work / "job", work / "job.img"
    shutil.rmtree(content, ignore_errors=True)
    content.mkdir()
    shutil.copytree(top / "tests/lab/guest", content / "guest")
    shutil.copytree(top / "tests/lab/company", content / "company", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(top / "proto", content / "proto")
    if TIMESTAMP_PROTO.exists():  # protoc's own includes are not in the guest
        (content / "proto/google/protobuf").mkdir(parents=True)
        shutil.copy2(TIMESTAMP_PROTO, content / "proto/google/protobuf")
    if program:
        shutil.copy2(program, content / "kilnwatch")
        (content / "kilnwatch").chmod(0o755)
    output = os.environ.get("KILNWATCH_LAB_OUTPUT", "json")
    hooks = os.environ.get("KILNWATCH_HOOKS", "auto")
    (content / "options").write_text(
        f"SUITE={suite}\nOUTPUT={output}\nPATIENCE={PATIENCE}\nexport KILNWATCH_HOOKS={hooks}\n")
    for number, case in enumerate(cases):
        case.write(content / "cases" / f"{number:03}-{case.name}")
    job.unlink(missing_ok=True)
    # No journal: what was synced before a hang can still be read.
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", content, job, "1G"], check=True,
                   stdout=subprocess.DEVNULL)
    return job


# "counted": guest time counts instructions (one a nanosecond), so that a cost in time is one in instructions.
MACHINES = {
    "fast": ["-accel", "tcg,thread=multi,tb-size=512", "-smp", "2"],
    "counted": ["-accel", "tcg,thread=single,tb-size=512", "-icount", "shift=0,sleep=off", "-smp", "1"],
}
# What each architecture is started with; the drives and the rest are the same.
BOARDS = {
    "amd64": (["qemu-system-x86_64", "-cpu", "max"], "console=ttyS0"),
    # Without the plain hash each return address costs an emulated QARMA.
    "arm64": (["qemu-system-aarch64", "-M", "virt,gic-version=3", "-cpu", "max,pauth-impdef=on"], "console=ttyAMA0"),
}
SLOWER = {"fast": 1, "counted": 4}  # wall seconds of a busy guest second, at most


def limit(cases, machine):
    """Wall seconds after which a VM with these cases hangs."""
    return (BOOT_SECONDS + sum(case.timeout + AROUND_CASE for case in cases)) * SLOWER[machine] * PATIENCE


def boot(work, image, job, machine, limit):
    """True when the guest said that it reached its end."""
    # no_timer_check: on a busy machine qemu's timer comes too late for the test that the kernel makes of it.
    board, console = BOARDS[image.arch]
    command = [
        *board, *MACHINES[machine],
        "-m", "4096", "-nographic", "-nic", "none", "-no-reboot",
        "-kernel", str(image.kernel), "-initrd", str(image.initrd),
        "-drive", f"file={image.disk},format=raw,if=virtio,cache=unsafe,snapshot=on",
        "-drive", f"file={job},format=raw,if=virtio,cache=unsafe",
        "-append", f"{console} quiet panic=-1 mitigations=off no_timer_check systemd.show_status=0 {image.append}",
    ]
    ended = False
    with open(work / f"console-{machine}.log", "wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        RUNNING.append(process)
        watchdog = threading.Timer(limit, process.kill)
        watchdog.start()
        try:
            for line in process.stdout:
                log.write(line)
                log.flush()
                text = line.decode(errors="replace").strip()
                ended |= "LAB-END" in text
                if "LAB: " in text:
                    print(f"lab: {work.name}: " + text.split("LAB: ", 1)[1], file=sys.stderr, flush=True)
        finally:
            watchdog.cancel()
            process.kill()
            process.wait()
            RUNNING.remove(process)
    return ended


def extract(work, job):
    """Adds what the guest left to the results of this suite; what is there already stays."""
    results, fresh = work / "results", work / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    subprocess.run(["debugfs", "-R", f"rdump /results {fresh}", job], check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    results.mkdir(exist_ok=True)
    for entry in (fresh / "results").glob("*"):
        if not (results / entry.name).exists():
            shutil.move(str(entry), str(results / entry.name))
    shutil.rmtree(fresh)
    return results

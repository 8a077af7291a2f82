"""Root file system, kernel and initramfs of a suite; built once per recipe, kept in build/lab.

Nothing of tests/lab goes into it: the job drive carries that, so an edited case or scene costs no rebuild.
"""
import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

COMMON = ("docker.io runc containerd busybox-static iproute2 iptables procps kmod ca-certificates curl jq python3 "
          "bpftool docker-registry protobuf-compiler zstd linux-image-cloud-amd64")
# name: packages, the init on the job drive
SUITES = {
    "bookworm": (COMMON, "init-plain"),
    "trixie": (COMMON + " docker-cli docker-buildx systemd-sysv dbus apparmor", "init-systemd"),
}
# Order of loading matters; what a kernel has built in is simply not found.
MODULES = ["virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio_blk"]
INITRAMFS = """#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
for m in MODULES; do [ -e /mod/$m.ko ] && /bin/busybox insmod /mod/$m.ko; done
for i in 1 2 3 4 5 6 7 8 9 10; do [ -e /dev/vdb ] && break; /bin/busybox sleep 0.2; done
/bin/busybox mount -t ext4 /dev/vda /mnt
/bin/busybox mount -t ext4 /dev/vdb /mnt/job
exec /bin/busybox switch_root /mnt /job/guest/INIT
"""


@dataclass
class Image:
    disk: Path
    kernel: Path
    initrd: Path


def run(*command, **options):
    subprocess.run([str(c) for c in command], check=True, **options)


def archive_uri():
    """The Debian archive this machine itself uses."""
    targets = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE)", "Origin: Debian", "Created-By: Packages"],
                             check=True, capture_output=True, text=True).stdout.split()
    if not targets:
        sys.exit("lab: no Debian archive among this machine's apt sources (or no apt-get update yet); add one")
    return targets[0]


def build(top, suite, work):
    packages, init = SUITES[suite]
    recipe = hashlib.sha256((packages + init + INITRAMFS).encode()).hexdigest()
    image = Image(work / "disk.img", work / "vmlinuz", work / "initrd.gz")
    stamp = work / "recipe"
    if stamp.exists() and stamp.read_text() == recipe and image.disk.exists():
        return image
    if os.geteuid() != 0:
        sys.exit("lab: building the root file system needs root (mmdebstrap --mode=root)")
    print(f"lab: building the root file system of {suite} (one to two minutes, once)", file=sys.stderr, flush=True)
    stamp.unlink(missing_ok=True)
    root = work / "root"
    shutil.rmtree(root, ignore_errors=True)
    tar = work / "root.tar"
    with open(work / "mmdebstrap.log", "wb") as log:
        try:
            run("mmdebstrap", "--variant=minbase", "--mode=root", "--include=" + ",".join(packages.split()),
                suite, tar, archive_uri(), stdout=log, stderr=log)
        except subprocess.CalledProcessError:
            sys.exit(f"lab: mmdebstrap failed; see {work.relative_to(top)}/mmdebstrap.log")
    root.mkdir()
    run("tar", "xf", tar, "-C", root)
    tar.unlink()
    (root / "job").mkdir()
    shutil.copy2(next((root / "boot").glob("vmlinuz-*")), image.kernel)
    make_initrd(root, work, image.initrd, init)
    image.disk.unlink(missing_ok=True)
    run("mke2fs", "-q", "-t", "ext4", "-d", root, image.disk, "6G", stdout=subprocess.DEVNULL)
    shutil.rmtree(root)
    stamp.write_text(recipe)
    return image


def make_initrd(root, work, initrd, init):
    tree = work / "initrd"
    shutil.rmtree(tree, ignore_errors=True)
    for folder in ("bin", "mod", "mnt", "proc", "dev"):
        (tree / folder).mkdir(parents=True)
    shutil.copy2(root / "bin/busybox", tree / "bin/busybox")
    for name in MODULES:
        for module in (root / "lib/modules").rglob(f"{name}.ko*"):
            shutil.copy2(module, tree / "mod" / module.name)
            if module.name.endswith(".xz"):
                run("xz", "-df", tree / "mod" / module.name)
    (tree / "init").write_text(INITRAMFS.replace("MODULES", " ".join(MODULES)).replace("INIT", init))
    (tree / "init").chmod(0o755)
    run("sh", "-c", f"cd '{tree}' && find . | cpio -o -H newc --quiet | gzip -1 > '{initrd}'")
    shutil.rmtree(tree)

"""Root file system, kernel and initramfs of a suite; built once per recipe, kept in build/lab.

Nothing of tests/lab goes into it: the job drive carries that, so an edited case or scene costs no rebuild.
"""
import hashlib
import lzma
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

COMMON = ("docker.io runc containerd busybox-static iproute2 iptables procps kmod ca-certificates curl jq python3 "
          "bpftool docker-registry protobuf-compiler zstd wget git")
# Engines without a daemon, what rootless containers need, and CNI plugins and gRPC for the CRI of containerd.
PODMAN = (" podman buildah crun conmon netavark aardvark-dns catatonit uidmap slirp4netns passt fuse-overlayfs "
          "nftables containernetworking-plugins python3-grpcio")
# A server that sensors share a baseline over: the package with its tools has the program, and starts no service. bullseye's
# is too old (6.0).
STORE = " redis-tools"
SYSTEMD = " systemd-sysv dbus apparmor docker-cli docker-buildx"


@dataclass
class Suite:
    packages: str
    init: str                            # on the job drive
    kernel: str = "linux-image-cloud-amd64"
    append: str = ""                     # to the kernel's command line
    apt: tuple = ()                      # options
    arch: str = "amd64"
    modules: tuple = ()                  # loaded before MODULES

    def recipe(self):
        text = "\n".join((self.packages, self.init, self.kernel, *self.apt, INITRAMFS, *self.modules, *MODULES))
        return hashlib.sha256(text.encode()).hexdigest()


SUITES = {
    # Its meta package may name a kernel that the archive no longer holds, so the newest that it holds is looked up.
    # Without the apparmor package the engine starts no container where the kernel has AppArmor on.
    "bullseye": Suite(COMMON, "init-plain", r"linux-image-5\.10\.0-\d+-cloud-amd64", "apparmor=0"),
    "bookworm": Suite(COMMON + PODMAN + STORE + " ngtcp2-client", "init-plain"),
    "trixie": Suite(COMMON + PODMAN + STORE + SYSTEMD, "init-systemd"),
    # A mirror of an archive that moves every day is soon out of date.
    "sid": Suite(COMMON + PODMAN + STORE + SYSTEMD, "init-systemd", apt=('Acquire::Check-Valid-Until "false"',)),
    # By name only: needs `scripts/setup arm64` and `scripts/build arm64`.
    "bookworm-arm64": Suite(COMMON, "init-plain", "linux-image-cloud-arm64", arch="arm64", modules=("virtio_mmio",)),
}
# Order of loading matters; what a kernel has built in is simply not found.
MODULES = ["virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio_blk",
           "crc16", "crc32c_generic", "libcrc32c", "mbcache", "jbd2", "ext4"]
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
    append: str
    arch: str


def run(*command, **options):
    subprocess.run([str(c) for c in command], check=True, **options)


def archive_uri():
    """The Debian archive this machine itself uses."""
    targets = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE)", "Origin: Debian", "Created-By: Packages"],
                             check=True, capture_output=True, text=True).stdout.split()
    if not targets:
        sys.exit("lab: no Debian archive among this machine's apt sources (or no apt-get update yet); add one")
    return targets[0]


def newest_in(index, pattern):
    """(package, path in the archive) of a Packages file whose names match, newest version first."""
    found = []
    for name, path in re.findall(r"^Package: (\S+)$.*?^Filename: (\S+)$", index, re.MULTILINE | re.DOTALL):
        if re.fullmatch(pattern, name):
            found.append(([int(n) for n in re.findall(r"\d+", name)], name, path))
    return [(name, path) for _, name, path in sorted(found, reverse=True)]


def kernel_package(suite, uri):
    """The package itself, or for a pattern the newest one whose file is there."""
    pattern = SUITES[suite].kernel
    if "\\" not in pattern:
        return pattern
    try:
        with urllib.request.urlopen(f"{uri}/dists/{suite}/main/binary-amd64/Packages.xz", timeout=300) as answer:
            index = lzma.decompress(answer.read()).decode()
    except OSError as error:
        sys.exit(f"lab: the index of {suite} cannot be read from {uri}: {error}")
    for name, path in newest_in(index, pattern):
        try:
            urllib.request.urlopen(urllib.request.Request(f"{uri}/{path}", method="HEAD"), timeout=60).close()
            return name
        except urllib.error.HTTPError:
            continue  # named in the index, gone from the archive
    sys.exit(f"lab: {uri} holds no package {pattern} for {suite}")


def emulate(arch):
    """Packages of a foreign architecture are configured in the kernel's sight by an emulator."""
    if arch == "amd64":
        return
    if not shutil.which("update-binfmts") or not shutil.which("qemu-system-aarch64"):
        sys.exit("lab: no emulator of arm64 is there; run scripts/setup arm64 first")
    place = Path("/proc/sys/fs/binfmt_misc")
    if not (place / "register").exists():
        run("mount", "-t", "binfmt_misc", "binfmt_misc", place)
    run("update-binfmts", "--enable", "qemu-aarch64")


def build(top, suite, work):
    wanted = SUITES[suite]
    recipe = wanted.recipe()
    image = Image(work / "disk.img", work / "vmlinuz", work / "initrd.gz", wanted.append, wanted.arch)
    stamp = work / "recipe"
    if stamp.exists() and stamp.read_text() == recipe and image.disk.exists():
        return image
    if os.geteuid() != 0:
        sys.exit("lab: building the root file system needs root (mmdebstrap --mode=root)")
    emulate(wanted.arch)
    span = "one to two" if wanted.arch == "amd64" else "ten"
    print(f"lab: building the root file system of {suite} ({span} minutes, once)", file=sys.stderr, flush=True)
    stamp.unlink(missing_ok=True)
    root = work / "root"
    shutil.rmtree(root, ignore_errors=True)
    tar = work / "root.tar"
    uri = archive_uri()
    packages = wanted.packages.split() + [kernel_package(suite, uri)]
    release = suite.removesuffix(f"-{wanted.arch}")
    with open(work / "mmdebstrap.log", "wb") as log:
        try:
            run("mmdebstrap", "--variant=minbase", "--mode=root", f"--arch={wanted.arch}", "--include=" + ",".join(packages),
                *(f"--aptopt={option}" for option in wanted.apt), release, tar, uri, stdout=log, stderr=log)
        except subprocess.CalledProcessError:
            sys.exit(f"lab: mmdebstrap failed; see {work.relative_to(top)}/mmdebstrap.log")
    root.mkdir()
    run("tar", "xf", tar, "-C", root)
    tar.unlink()
    (root / "job").mkdir()
    shutil.copy2(next((root / "boot").glob("vmlinuz-*")), image.kernel)
    make_initrd(root, work, image.initrd, wanted)
    image.disk.unlink(missing_ok=True)
    run("mke2fs", "-q", "-t", "ext4", "-d", root, image.disk, "6G", stdout=subprocess.DEVNULL)
    shutil.rmtree(root)
    stamp.write_text(recipe)
    return image


def make_initrd(root, work, initrd, wanted):
    modules = [*wanted.modules, *MODULES]
    tree = work / "initrd"
    shutil.rmtree(tree, ignore_errors=True)
    for folder in ("bin", "mod", "mnt", "proc", "dev"):
        (tree / folder).mkdir(parents=True)
    shutil.copy2(root / "bin/busybox", tree / "bin/busybox")
    for name in modules:
        for module in (root / "lib/modules").rglob(f"{name}.ko*"):
            shutil.copy2(module, tree / "mod" / module.name)
            if module.name.endswith(".xz"):
                run("xz", "-df", tree / "mod" / module.name)
    (tree / "init").write_text(INITRAMFS.replace("MODULES", " ".join(modules)).replace("INIT", wanted.init))
    (tree / "init").chmod(0o755)
    run("sh", "-c", f"cd '{tree}' && find . | cpio -o -H newc --quiet | gzip -1 > '{initrd}'")
    shutil.rmtree(tree)

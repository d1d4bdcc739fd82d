# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs Debian's U-Boot for arm and arm64 in QEMU and reports what it did with files and a disk.

This needs neither root nor typed commands: U-Boot finds its commands in the environment in the
machine's flash, and the results are read from the memory of the stopped machine.
"""
import collections
import json
import os
import re
import struct
import subprocess
import threading
import zlib

from testlib import tools
from testlib.slowness import limit

HERE = os.path.dirname(os.path.realpath(__file__))

UBOOT = "/usr/lib/u-boot"
RAM, FLASH_SIZE, ENVIRONMENT_SIZE = 0x40000000, 64 << 20, 0x40000
PREFIX = {"arm": "arm-linux-gnueabihf-", "arm64": "aarch64-linux-gnu-"}
MACHINE = {
    "arm": ["qemu-system-arm", "-M", "virt,accel=tcg", "-cpu", "cortex-a15"],
    "arm64": ["qemu-system-aarch64", "-M", "virt,accel=tcg", "-cpu", "cortex-a57"],
}
NEEDED = ["mke2fs", "mkfs.vfat", "mcopy", "mkimage", "arm-linux-gnueabihf-gcc",
          "aarch64-linux-gnu-gcc", "qemu-system-arm", "qemu-system-aarch64"]
# The addresses of a batch's script, input and output.
SCRIPT, INPUT, OUTPUT, OUTPUT_SIZE = 0x42000000, 0x44000000, 0x50000000, 64 << 20
FDT_MAGIC = 0xd00dfeed


def missing():
    """The first thing that is not installed, or None."""
    return tools.missing(NEEDED, UBOOT + "/qemu_arm64/u-boot.bin", "u-boot-qemu")


def default_environment(firmware):
    """The environment that is compiled into a U-Boot, as a dictionary."""
    with open(firmware, "rb") as file:
        block = re.search(rb"\0((?:\w+=[^\0]*\0)*bootdelay=[^\0]*\0(?:\w+=[^\0]*\0)*)\0",
                          file.read())[1]
    return dict(record.decode().split("=", 1) for record in block.split(b"\0") if record)


def write_flash(path, environment):
    """The second flash chip of the machine, with an environment in U-Boot's format."""
    data = b"".join(f"{name}={value}".encode() + b"\0" for name, value in environment.items())
    data = data.ljust(ENVIRONMENT_SIZE - 4, b"\0")
    with open(path, "wb") as flash:
        flash.write(struct.pack("<I", zlib.crc32(data)) + data)
        flash.truncate(FLASH_SIZE)


def make_disk(path, *partitions, mib=16):
    """A disk with one partition for each (directory, "ext4" or "vfat"); the first is bootable."""
    start, size = 2048, mib * 2048  # sectors
    table = b""
    with open(path, "wb") as disk:
        for i, (_, kind) in enumerate(partitions):
            table += struct.pack("<B3xB3x2I", 0 if i else 0x80, 12 if kind == "vfat" else 131,
                                 start + i * size, size)
        disk.write(b"\0" * 446 + table.ljust(64, b"\0") + b"\x55\xaa")
        disk.truncate((start + len(partitions) * size) * 512)
    # Output is hidden, because mkfs.vfat warns that the file has more sectors than it was told.
    run = lambda *command: subprocess.run(command, check=True, capture_output=True)
    for i, (root, kind) in enumerate(partitions):
        sector = start + i * size
        if kind == "vfat":
            run("mkfs.vfat", f"--offset={sector}", path, str(size // 2))
            for name in os.listdir(root):
                run("mcopy", "-s", "-i", f"{path}@@{sector * 512}", f"{root}/{name}", "::")
        else:
            run("mke2fs", "-q", "-F", "-t", kind, "-E", f"offset={sector * 512}", "-d", root, path,
                f"{size // 2}k")


def make_stub(directory, arch):
    """The bytes of a kernel that only powers off."""
    run = lambda tool, *words: subprocess.run([PREFIX[arch] + tool, *words], check=True,
                                              cwd=directory)
    run("gcc", "-c", os.path.join(HERE, "realuboot.S"), "-o", "stub.o")
    run("objcopy", "-O", "binary", "stub.o", "stub")
    with open(os.path.join(directory, "stub"), "rb") as stub:
        return stub.read()


class Machine:
    """One run of U-Boot, until the guest resets or powers off.

    reason: "guest-reset" or "guest-shutdown"; console: all its output, as bytes."""

    def __init__(self, directory, arch, environment, devices, seconds=60, firmware=None):
        self.directory, self.arch = directory, arch
        write_flash(self.path("flash"), environment)
        self.reason = None
        # After a reset or power off QEMU stops, but keeps the memory.
        self.qemu = subprocess.Popen(MACHINE[arch] + [
            "-m", "512", "-nodefaults", "-display", "none", "-no-reboot", "-no-shutdown", "-S",
            "-bios", f"{firmware or UBOOT}/qemu_{arch}/u-boot.bin", "-serial", "file:" + self.path("console"),
            "-drive", f"if=pflash,index=1,format=raw,file={self.path('flash')}",
            "-qmp", "stdio", *devices], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        watchdog = threading.Timer(limit(seconds), self.qemu.kill)
        watchdog.start()
        try:
            self.command("qmp_capabilities")
            self.command("cont")
            while not self.reason:
                self.receive()
        except EOFError as end:
            raise AssertionError(f"U-Boot did not come to an end:\n{self.said()}") from end
        finally:
            watchdog.cancel()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.qemu.kill()
        self.qemu.communicate()

    def path(self, name):
        return os.path.join(self.directory, name)

    @property
    def console(self):
        with open(self.path("console"), "rb") as file:
            return file.read()

    def said(self):
        return self.console[-3000:].decode("latin-1")

    def receive(self):
        line = self.qemu.stdout.readline()
        if not line:
            raise EOFError
        message = json.loads(line)
        if "error" in message:
            raise RuntimeError(message["error"]["desc"])
        if message.get("event") == "SHUTDOWN":
            self.reason = message["data"]["reason"]
        return message

    def command(self, name, **arguments):
        self.qemu.stdin.write(json.dumps({"execute": name, "arguments": arguments}).encode())
        self.qemu.stdin.flush()
        while "return" not in (answer := self.receive()):
            pass
        return answer["return"]

    def memory(self, address, size):
        self.command("pmemsave", val=address, size=size, filename=self.path("memory"))
        with open(self.path("memory"), "rb") as file:
            return file.read()

    def device_tree(self, address):
        return parse_fdt(self.memory(address, struct.unpack(">I", self.memory(address + 4, 4))[0]))

    def register(self, name):
        text = self.command("human-monitor-command", **{"command-line": "info registers"})
        return int(re.search(rf"\b{name}=([0-9a-f]+)", text)[1], 16)


def parse_fdt(blob):
    """{path of a property: its bytes} of a flattened device tree (its specification, 5.4)."""
    magic, _, at, strings = struct.unpack_from(">4I", blob)
    assert magic == FDT_MAGIC, blob[:16]
    path, found = [], {}
    while True:
        token, at = struct.unpack_from(">I", blob, at)[0], at + 4
        if token == 1:
            end = blob.index(b"\0", at)
            path.append(blob[at:end].decode())
            at = (end + 4) & ~3
        elif token == 2:
            path.pop()
        elif token == 3:
            size, name = struct.unpack_from(">2I", blob, at)
            name = blob[strings + name:blob.index(b"\0", strings + name)].decode()
            found["/".join(path) + "/" + name] = blob[at + 8:at + 8 + size]
            at += 8 + size + 3 & ~3
        elif token == 9:
            return found


def make_fdt(model, size=0):
    """A device tree with only a model, padded to size bytes so that U-Boot can add to it."""
    model = model.encode() + b"\0"
    tree = struct.pack(">6I", 1, 0, 3, len(model), 0, 0)[:20] + model + b"\0" * (-len(model) % 4)
    tree += struct.pack(">2I", 2, 9)
    blob = b"\0" * 16 + tree + b"model\0"
    size = max(size, 40 + len(blob))
    header = struct.pack(">10I", FDT_MAGIC, size, 56, 56 + len(tree), 40, 17, 16, 0, 6, len(tree))
    return (header + blob).ljust(size, b"\0")


def start(directory, arch, disk, environment=None, seconds=60):
    """Starts U-Boot on a disk, where it finds boot.scr as on any board; returns the machine,
    stopped.

    `environment` is added to U-Boot's default one; a value None removes the variable."""
    variables = default_environment(f"{UBOOT}/qemu_{arch}/u-boot.bin")
    variables |= {"bootdelay": "-2", "boot_targets": "virtio0", "fdt_addr_r": "0x43000000"}
    variables |= environment or {}
    variables = {name: value for name, value in variables.items() if value is not None}
    return Machine(directory, arch, variables, [
        "-drive", f"if=none,id=d,format=raw,snapshot=on,file={disk}",
        "-device", "virtio-blk-device,drive=d"], seconds)


class Boot(collections.namedtuple("Boot", "console bootargs initrd model")):
    """The data that the stub got; if it was not started, all except console is None."""


def boot(directory, arch, disk, environment=None):
    with start(directory, arch, disk, environment) as machine:
        if machine.reason != "guest-shutdown":
            return Boot(machine.console, None, None, None)
        tree = machine.device_tree(machine.register("X19" if arch == "arm64" else "R04"))
        first, end = (int.from_bytes(tree.get("/chosen/linux,initrd-" + which, b""), "big")
                      for which in ("start", "end"))
        return Boot(machine.console, tree.get("/chosen/bootargs", b"\0")[:-1],
                    machine.memory(first, end - first) if end else None,
                    tree.get("/model", b"\0")[:-1].decode())


def source(directory, arch, lines, memory):
    """Has U-Boot run a script with these bytes at INPUT; returns the stopped machine."""
    with open(os.path.join(directory, "lines"), "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\nreset\n")
    with open(os.path.join(directory, "input"), "wb") as file:
        file.write(memory)
    subprocess.run(["mkimage", "-q", "-A", "arm", "-T", "script", "-C", "none", "-d", "lines",
                    "script"], check=True, cwd=directory, stdout=subprocess.DEVNULL)
    devices = []
    for name, address in (("script", SCRIPT), ("input", INPUT)):
        file = os.path.join(directory, name)
        assert os.path.getsize(file) <= (OUTPUT if name == "input" else INPUT) - address
        devices += ["-device", f"loader,file={file},addr={address:#x},force-raw=on"]
    return Machine(directory, arch, {"bootdelay": "-2", "bootcmd": f"source {SCRIPT:x}"}, devices,
                   seconds=300)


def imports(directory, arch, blobs, names=()):
    """For each blob the environment after "env import -t" into an empty one, a dictionary of bytes.

    With names, at most nine, only these are imported. A failed import gives None."""
    lines, memory, where, at = [], b"\n\0\0\0", [], OUTPUT
    for blob in blobs:
        where.append(at)
        lines += [f"env import -d -t {INPUT:x} 1",
                  f"if env import -t {INPUT + len(memory):x} {len(blob):x} {' '.join(names)}",
                  f"then env export -b {at:x}; else mw.b {at:x} 1; fi"]
        memory += blob + b"\0" * (-len(blob) % 4)
        at += 2 * len(blob) + 16 & ~3
    assert at <= OUTPUT + OUTPUT_SIZE
    with source(directory, arch, lines, memory) as machine:
        dump = machine.memory(OUTPUT, at - OUTPUT)
    return [read_exported(dump[start - OUTPUT:end - OUTPUT])
            for start, end in zip(where, where[1:] + [at])]


def read_exported(block):
    if block[:1] == b"\1":
        return None
    records = block[:block.index(b"\0\0")].split(b"\0") if block[:1] != b"\0" else []
    return {name: re.sub(rb"\\(.)", rb"\1", value, flags=re.DOTALL)
            for name, _, value in (record.partition(b"=") for record in records)}


def chosen(directory, arch, blobs):
    """For each blob the kernel's command line after its "env import -t", or None."""
    size = 1024 + max(map(len, blobs)) & ~7
    memory = bytearray(b"\n\0\0\0" + make_fdt("chosen", size))
    memory += b"\0" * (-len(memory) % 8)
    lines = []
    for i, blob in enumerate(blobs):
        lines += [f"env import -d -t {INPUT:x} 1",
                  f"env import -t {INPUT + len(memory):x} {len(blob):x}",
                  f"cp.b {INPUT + 4:x} {OUTPUT + i * size:x} {size:x}",
                  f"fdt addr {OUTPUT + i * size:x}", "fdt chosen"]
        memory += blob
    assert len(blobs) * size <= OUTPUT_SIZE
    with source(directory, arch, lines, memory) as machine:
        dump = machine.memory(OUTPUT, len(blobs) * size)
    trees = [parse_fdt(dump[at:at + size]) for at in range(0, len(dump), size)]
    return [tree["/chosen/bootargs"][:-1] if "/chosen/bootargs" in tree else None
            for tree in trees]

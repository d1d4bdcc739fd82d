# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts the instructions of a boot with a QEMU plugin (count.c). The figure depends neither on the
host's load nor on its speed.

The kernel runs at the addresses for which it was linked (nokaslr), so that those of its functions
can be hooks; a separate boot asks it for them. It unpacks the initramfs synchronously
(initramfs_async=0). Its clock counts instructions: otherwise a busy host would add timer interrupts
of 10,000 instructions each.
"""

import os
import re
import subprocess

from rig.disk import disk, image
from rig.vm import machine
from testlib.slowness import limit

LIMIT = 300
# An instruction takes 2^3 ns. With less, the kernel's delay loops would have more instructions.
CLOCK = ["-icount", "shift=3"]
# "Run ... as init process" is printed by run_init_process.
FROM, UNPACK, UNPACKED = "run_init_process", "unpack_to_rootfs", "free_initrd_mem"
SYSCALL = "do_syscall_64"
# The kernel's functions for a system call, a page fault and interrupts.
TRAP = re.compile(r"__x64_sys_(\w+)|exc_page_fault|common_interrupt|sysvec_apic_timer_interrupt")
INIT = """#!/busybox sh
/busybox mount -t proc proc /proc
/busybox mount -t devtmpfs dev /dev
/busybox cat /proc/kallsyms >/dev/%s
/busybox poweroff -f
"""


def plugin(build):
    """Compiles the plugin for the host; returns its path."""
    path = os.path.join(build, "qemu/count.so")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-shared", "-fPIC", "-o", path,
                    os.path.join(image.HERE, "rig/bench/count.c")], check=True)
    return path


def qemu(kind, path, vmlinuz, initrd, kargs):
    """The QEMU command that boots a kernel without a boot loader, with the console on its
    output."""
    words = machine.command(kind, "tcg", path, ["-serial", "stdio"], restarts=False)
    options = f"console={kind['console']} nokaslr initramfs_async=0 panic=-1 {kargs}"
    words += ["-kernel", vmlinuz, "-append", options]
    return words + CLOCK + (["-initrd", initrd] if initrd else [])


def version(kind):
    """QEMU's name and version."""
    said = subprocess.run([kind["qemu"].split()[0], "--version"], text=True, check=True,
                          stdout=subprocess.PIPE).stdout
    return re.search(r"QEMU \S+ version \S+", said).group(0).replace("emulator version ", "")


def run(words):
    """Runs a machine until it powers off; returns its console."""
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        try:
            console = process.communicate(timeout=limit(LIMIT))[0]
        except subprocess.TimeoutExpired:
            process.kill()
            console = process.communicate()[0] + b"\n(no end after %d s)" % limit(LIMIT)
        finally:
            process.kill()
    return console.decode(errors="replace").replace("\r", "")


def ask_kernel(path, work, kind, vmlinuz):
    """Makes the file `path` with the kernel's symbols, from its /proc/kallsyms."""
    root, initrd, target = (os.path.join(work, name) for name in ("root", "initrd", "target"))
    for name in ("proc", "dev"):
        os.makedirs(os.path.join(root, name))
    disk.run(["cp", "/usr/bin/busybox", os.path.join(root, "busybox")])
    with open(os.path.join(root, "init"), "w", encoding="ascii") as out:
        out.write(INIT % kind["disk-name"])
    os.chmod(os.path.join(root, "init"), 0o755)
    disk.run(["sh", "-euc", f"find . | cpio --quiet -o -H newc >'{initrd}'"], cwd=root)
    with open(target, "wb") as out:
        out.truncate(32 * disk.MIB)
    console = run(qemu(kind, target, vmlinuz, initrd, ""))
    with open(target, "rb") as source:
        text = source.read().rstrip(b"\0")
    if b" " + FROM.encode() + b"\n" not in text:
        raise RuntimeError("the kernel did not tell its symbols: " + console[-500:])
    with open(path, "wb") as out:
        out.write(text)


def symbols(build, kind):
    """[(address, name)] of the functions of the machine's kernel, sorted; kept for each kernel."""
    vmlinuz = image.kernel(kind)[1]
    path = image.replace(os.path.join(build, "qemu/images"), "symbols", image.digest([vmlinuz]),
                         lambda path, work: ask_kernel(path, work, kind, vmlinuz))
    with open(path, encoding="ascii") as source:
        found = (line.split() for line in source if line)
        return sorted((int(words[0], 16), words[2]) for words in found if words[1] in "tT")


def hooks(table, profile):
    """The plugin's options for the kernel's symbols."""
    options = ["profile=on"] if profile else []
    for address, name in table:
        trap = TRAP.fullmatch(name)
        if name == FROM:
            options.append(f"hook=FROM@{address:x}")
        elif name in (UNPACK, UNPACKED):
            options.append(f"hook={name}@{address:x}")
        elif profile and trap:
            options.append(f"tally={trap.group(1) or name}@{address:x}")
        elif not profile and name == SYSCALL:
            options.append(f"tally={name}@{address:x}")
    return ",".join(options)


def parse(text):
    """[(hook, {counter: value})] from the plugin's lines about hooks."""
    return [(name, {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", counters)})
            for name, counters in re.findall(r"^hook (\S+) (.*)$", text, re.MULTILINE)]


def between(first, last):
    """The instructions of kernel and user mode between two sets of counters."""
    return sum(last[name] - first[name] for name in ("kernel", "user"))


def figures(text):
    """The cost of a boot, from the plugin's lines: {init, unpack, boot: instructions, calls:
    number}.

    The kernel unpacks its built-in archive, which is empty, and then the image. RuntimeError if the
    boot did not get from the kernel's start of an init to the mark.
    """
    found, unpacking = {}, None
    for name, counters in parse(text):
        if name == UNPACK:
            unpacking = counters
        elif name == UNPACKED:
            found["unpack"] = between(unpacking, counters)
        elif name == "FROM":
            found.setdefault("from", counters)
        elif name == "MARK" and "from" in found:
            start = found.pop("from")
            return dict({"unpack": 0}, **found, init=between(start, counters),
                        calls=counters[SYSCALL] - start[SYSCALL],
                        boot=counters["kernel"] + counters["user"])
    raise RuntimeError("the real init did not start")

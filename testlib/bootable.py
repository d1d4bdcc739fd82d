# SPDX-License-Identifier: LGPL-2.1-or-later
"""A correct sysroot that can boot, changes to it, and rootstock-bls run on it."""
import json
import os
import re

from testlib import tap
from testlib.bootfiles import DTB, INITRAMFS, KERNEL, PROGRAM
from testlib.generator import GRUB, Generator

ERROR, WARNING = "error", "warning"
BLS = Generator("rootstock-bls", None, None)
CSUM = "0123abcd"
LINK = f"/ostree/boot.1/os/{CSUM}/0"
INIT = LINK + "/usr/lib/ostree/ostree-prepare-root"
DEPLOYMENT = "ostree/deploy/os/deploy/beef.0"
NAME = "ostree-2.conf"
ENTRY = "boot/loader/entries/" + NAME
# A list of lines, because findings name lines.
GOOD = ["title Demo", "version 2", "options root=LABEL=x panic=10 ostree=" + LINK,
        "linux /k/vmlinuz", "initrd /k/initramfs"]
# The same without an initramfs, with paths as libostree and people write them.
BARE = GOOD[:2] + [f"options root=/dev/vda panic=0 panic=-1 init=/x init={INIT} ostree={LINK}",
                   "linux k/vmlinuz", "devicetree /boot/k/a.dtb", "fdtdir /boot/k"]
OTHER_MENU = "boot/grub2/grub.cfg"
MENU, FIELDS = "boot/loader/grub.cfg", "boot/loader/uEnv.txt"


def text(lines):
    return ("\n".join(lines) + "\n").encode()


def changed(number, line, lines=None):
    """An entry, by default GOOD, with another line, counted from 1."""
    lines = lines or GOOD
    return text(lines[:number - 1] + [line] + lines[number:])


# An entry that is not libostree's.
OTHER = text(["linux /k/vmlinuz", "options panic=1"])


def tree(where, entries=None):
    """A sysroot with these entries, by default a correct one."""
    root = where + "/root"
    GRUB.make(root, entries or {NAME: text(GOOD)})
    os.symlink(".", root + "/boot/boot")
    # The configuration of a GRUB that does not need our menu.
    tap.write(root + "/" + OTHER_MENU, b"insmod blscfg\nblscfg\n")
    for name, content in ("vmlinuz", KERNEL), ("initramfs", INITRAMFS), ("a.dtb", DTB):
        tap.write(f"{root}/boot/k/{name}", content)
    for name in ("etc", "var", "run", "dev", "proc", "sys", "sysroot", "../../var"):
        os.makedirs(f"{root}/{DEPLOYMENT}/{name}", exist_ok=True)
    init = f"{root}/{DEPLOYMENT}/sbin/init"
    tap.write(init, PROGRAM)
    os.chmod(init, 0o755)
    program = f"{root}/{DEPLOYMENT}/usr/lib/ostree/ostree-prepare-root"
    tap.write(program, PROGRAM)
    os.chmod(program, 0o755)
    os.makedirs(f"{root}/ostree/boot.1.1/os/{CSUM}")
    os.symlink("boot.1.1", root + "/ostree/boot.1")
    os.symlink("../../../" + DEPLOYMENT.removeprefix("ostree/"), root + "/ostree/boot.1.1" +
               LINK.removeprefix("/ostree/boot.1"))
    return root


def run(verb, root, *arguments):
    """Returns the JSON document of a run, which must print nothing to standard error."""
    status, out, said = BLS.generate(verb, "--json", "--root", root, *arguments)
    assert not said, said
    document = json.loads(out.decode())
    errors = [one for one in document.get("findings", []) if one["severity"] == "error"]
    assert status == (1 if errors else 0), (status, document)
    return document


def finds(root, *expected, arguments=()):
    """Asserts that check has exactly these findings: (severity, file, line or None, pattern)."""
    found = run("check", root, *arguments)["findings"]
    shown = [(one["severity"], one["file"], one.get("line")) for one in found]
    assert shown == [(severity, f"{root}/{file}", line) for severity, file, line, _ in expected], \
        (found, expected)
    for one, (*_, pattern) in zip(found, expected):
        text = "; ".join(one[key] for key in ("what", "remedy") if key in one)
        assert re.search(pattern, text), (one, pattern)


def both(*acts):
    """All these changes, in their order."""
    def act(root):
        for one in acts:
            one(root)
    return act


def make_menu(generator, *arguments):
    """An action that makes a loader's menu with the generator."""
    def act(root):
        out = f"{root}/boot/loader/{generator.out}"
        assert generator.generate("-o", out, *arguments)[:2] == (0, b"")
    return act


def setting(line, file="grub.conf"):
    return lambda root: tap.write(f"{root}/{DEPLOYMENT}/usr/lib/rootstock/{file}", line)

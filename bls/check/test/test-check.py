#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""rootstock-bls check on trees with exactly one fault, and on a sysroot made by ostree."""
import functools
import json
import os
import re
import shutil
import subprocess
import sys

from testlib import tap
from testlib.bootable import (BARE, BLS, DEPLOYMENT, ENTRY, ERROR, FIELDS, GOOD, INIT, LINK, MENU, NAME,
                      OTHER, OTHER_MENU, WARNING, both, changed, finds, make_menu, run, setting, text, tree)
from testlib.generator import GRUB, UBOOT, clean_environment
from testlib.host import Host


def silence(where):
    """A correct tree gives no findings, whatever its form."""
    for number, (entries, arguments) in enumerate([
            ({NAME: text(GOOD)}, []),
            ({NAME: text(BARE)}, []),
            ({NAME: text(GOOD[:3] + ["linux /k/none"] + GOOD[3:])}, []),
            ({NAME: text(GOOD), "other.conf": text(["linux /k/vmlinuz", "options root=LABEL=x panic=1"])}, []),
            ({NAME: changed(4, "linux /x/y/k/vmlinuz")}, ["--boot-prefix", "/x/y/"])]):
        finds(tree(f"{where}/{number}", entries), arguments=arguments)
    root = tree(where)
    status, out, said = BLS.generate("check", "--root", root)
    assert (status, said) == (0, []) and out.endswith(b"entries: 1, errors: 0, warnings: 0\n"), out


def remove(path):
    return lambda root: os.unlink(f"{root}/{path}")


def replace(path, content):
    def act(root):
        os.unlink(f"{root}/{path}")
        if content is not None:
            tap.write(f"{root}/{path}", content)
    return act


def link(path, target):
    def act(root):
        os.unlink(f"{root}/{path}")
        os.symlink(target, f"{root}/{path}")
    return act


def directory(path):
    def act(root):
        os.unlink(f"{root}/{path}")
        os.mkdir(f"{root}/{path}")
    return act


def no_usr(root):
    shutil.rmtree(f"{root}/{DEPLOYMENT}/usr")


def edit(path, old, new):
    def act(root):
        content = tap.read(f"{root}/{path}")
        assert old in content, content
        tap.write(f"{root}/{path}", content.replace(old, new))
    return act


def add(path, content=b""):
    return lambda root: tap.write(f"{root}/{path}", content)


CUT_GRUB = edit(MENU, b"set rootstock_complete=1\n", b"")
ADD_WORD = edit(ENTRY, b"panic=10", b"panic=10 quiet")
# Name, the entry or all entries (None: GOOD), the change to the tree, and the expected findings.
CASES = [
    ("a kernel is missing", None, remove("boot/k/vmlinuz"),
     [(ERROR, ENTRY, 4, "^linux: /k/vmlinuz is not there; ")]),
    ("the path of a kernel continues below a file", changed(4, "linux /k/vmlinuz/x"), None,
     [(ERROR, ENTRY, 4, "is not there")]),
    ("a kernel is empty", None, replace("boot/k/vmlinuz", b""), [(ERROR, ENTRY, 4, "is empty")]),
    ("a kernel is a directory", None, directory("boot/k/vmlinuz"),
     [(ERROR, ENTRY, 4, "is not a regular file")]),
    ("a kernel is a symlink out of /boot", None, link("boot/k/vmlinuz", "/etc/passwd"),
     [(ERROR, ENTRY, 4, "is a symlink that leads elsewhere")]),
    ("a symlink in /boot is followed", None,
     both(lambda root: os.rename(root + "/boot/k", root + "/boot/l"),
          lambda root: os.symlink("l", root + "/boot/k")), []),
    ("one of two initrds is missing", text(GOOD + ["initrd /k/initramfs", "initrd /k/none"]), None,
     [(ERROR, ENTRY, 7, "^initrd: /k/none is not there")]),
    ("the last of two kernels counts", text(GOOD + ["linux /k/none"]), None,
     [(ERROR, ENTRY, 6, "^linux: /k/none is not there")]),
    ("a device tree is missing", text(BARE), remove("boot/k/a.dtb"),
     [(ERROR, ENTRY, 5, "^devicetree: /boot/k/a.dtb is not there")]),
    ("fdtdir names a file", changed(6, "fdtdir /k/a.dtb", BARE), None,
     [(ERROR, ENTRY, 6, "^fdtdir: /k/a.dtb is not a directory")]),
    ("one of two overlays is missing", text(GOOD + ["devicetree-overlay k/a.dtb  \t/k/none"]), None,
     [(ERROR, ENTRY, 6, "^devicetree-overlay: /k/none is not there"),
      (WARNING, ENTRY, 6, "GRUB cannot apply"), (WARNING, ENTRY, 6, "uEnv.txt has no field")]),
    ("an EFI program and its extra file are missing",
     {NAME: text(GOOD), "x.conf": text(["efi /x.efi", "extra /x.cred"]),
      "y.conf": text(["uki /y.efi"])}, None,
     [(ERROR, "boot/loader/entries/y.conf", 1, "^uki: /y.efi is not there"),
      (ERROR, "boot/loader/entries/x.conf", 1, "^efi: /x.efi is not there"),
      (ERROR, "boot/loader/entries/x.conf", 2, "^extra: /x.cred is not there")]),
    ("a bootlink is missing", None, remove("ostree/boot.1"),
     [(ERROR, ENTRY, 3, "cannot use ostree=/ostree/boot.*: the link or what it points to is missing")]),
    ("a bootlink leads out of the sysroot", None, link("ostree/boot.1", "/"),
     [(ERROR, ENTRY, 3, "it leaves the sysroot, which no deployment does")]),
    ("ostree= names a directory", changed(3, "options root=LABEL=x panic=1 ostree=/ostree/boot.1.1"), None,
     [(ERROR, ENTRY, 3, "it is not a symbolic link, as libostree makes them")]),
    ("a deployment has no usr", None, no_usr, [(ERROR, ENTRY, 3, "the deployment /ostree/.* has no directory /usr")]),
    ("the program of init= is missing", text(BARE), remove(INIT),
     [(ERROR, ENTRY, 3, "^init=/ostree.* is not there, so the kernel would panic")]),
    ("the program of init= cannot be executed", text(BARE),
     lambda root: os.chmod(root + INIT, 0o644), [(ERROR, ENTRY, 3, "cannot be executed")]),
    ("neither an initrd nor init= prepares the deployment",
     changed(3, f"options root=/dev/vda panic=1 init=/sbin/init ostree={LINK}", BARE), None,
     [(ERROR, ENTRY, 3, "neither an initrd nor init=")]),
    ("the last of two init= counts",
     changed(3, f"options root=/dev/vda panic=1 init={INIT} init=/x ostree={LINK}", BARE), None,
     [(ERROR, ENTRY, 3, "neither an initrd nor init=")]),
    ("init= is given although there is an initrd",
     changed(3, f"options root=LABEL=x panic=1 init={INIT} ostree={LINK}"), None,
     [(WARNING, ENTRY, 3, "init= starts ostree-prepare-root, which the initramfs does")]),
    ("there is no panic=", changed(3, "options root=LABEL=x ostree=" + LINK), None,
     [(WARNING, ENTRY, 3, "hang forever; run \"ostree admin kargs edit-in-place --append-if-")]),
    ("the last panic= is 0", changed(3, "options root=LABEL=x panic=10 panic=0x0 ostree=" + LINK), None,
     [(WARNING, ENTRY, 3, "hang forever")]),
    ("panic= after -- is not the kernel's", changed(3, f"options root=LABEL=x ostree={LINK} -- panic=1"), None,
     [(WARNING, ENTRY, 3, "hang forever")]),
    ("an entry that is not libostree's has no options", {"x.conf": text(GOOD[3:])}, None,
     [(WARNING, "boot/loader/entries/x.conf", None, "add panic=10 to the options")]),
    ("an entry is broken", {NAME: text(GOOD), "a.conf": b"linux /../k\n"}, None,
     [(ERROR, "boot/loader/entries/a.conf", 1, r'contain "\.\."; correct or remove it')]),
    ("GRUB cannot pass on a karg", changed(3, f"options root=LABEL=x panic=1 a=\\b ostree={LINK}"), None,
     [(ERROR, ENTRY, 3, "GRUB cannot pass on a backslash, so GRUB's menu does not have this entry, the one to be "
       "booted next; correct it; to pass it on changed, set allow-lossy=yes in "),
      (ERROR, "boot/loader/entries", None, "there is no entry that GRUB could boot"),
      (WARNING, ENTRY, 3, "a board's own \"setenv bootargs")]),
    ("GRUB may change a karg (allow-lossy)", changed(3, f"options root=LABEL=x panic=1 a=\\b ostree={LINK}"),
     setting(b"allow-lossy = yes\n"),
     [(WARNING, ENTRY, 3, "GRUB cannot pass on a backslash$"),
      (WARNING, ENTRY, 3, "a board's own \"setenv bootargs")]),
    ("an entry that is not in GRUB's menu gets no warning about GRUB",
     text([*GOOD[:2], f"options root=LABEL=x panic=1 a=\\b ostree={LINK}", *GOOD[3:],
           "devicetree-overlay /k/a.dtb"]), None,
     [(ERROR, ENTRY, 3, "GRUB cannot pass on a backslash"),
      (ERROR, "boot/loader/entries", None, "there is no entry that GRUB could boot"),
      (WARNING, ENTRY, 3, "a board's own"), (WARNING, ENTRY, 6, "uEnv.txt has no field")]),
    ("GRUB cannot pass on a karg of the rollback", {NAME: text(GOOD), "ostree-1.conf":
                                        changed(3, f"options root=LABEL=x panic=1 a='b' ostree={LINK}")}, None,
     [(ERROR, "boot/loader/entries/ostree-1.conf", 3, "does not have this entry; correct it; to pass it on"),
      (WARNING, "boot/loader/entries/ostree-1.conf", 3, "a board's own")]),
    ("a command line is too long for both", changed(3, f"options root=LABEL=x panic=1 ostree={LINK} " + "a" * 2100), None,
     [(ERROR, ENTRY, 3, "longer than the kernel accepts, so GRUB's menu"),
      (ERROR, "boot/loader/entries", None, "no entry that GRUB could boot"),
      (ERROR, ENTRY, 3, "longer than the kernel accepts, so U-Boot's menu"),
      (ERROR, "boot/loader/entries", None, "no entry that U-Boot could boot")]),
    ("a settings file is not valid", None, setting(b"nonsense\n"),
     [(ERROR, "boot/loader/entries", None, "^grub.conf of the default deployment is not valid")]),
    ("a setting has a wrong value", None, setting(b"timeout=soon\n"),
     [(ERROR, "boot/loader/entries", None, "^grub.conf of the default deployment is not valid")]),
    ("two entries boot one deployment", {NAME: text(GOOD), "ostree-1.conf": text(GOOD)}, None,
     [(WARNING, "boot/loader/entries/ostree-1.conf", None,
       "GRUB's default cannot choose this entry, because ostree-2.conf has the same id")]),
    ("two entries boot one deployment, and one is not in GRUB's menu",
     {NAME: changed(3, f"options root=LABEL=x panic=1 a=\\b ostree={LINK}"), "ostree-1.conf": text(GOOD)}, None,
     [(ERROR, ENTRY, 3, "GRUB cannot pass on a backslash"), (WARNING, ENTRY, 3, "a board's own")]),
    ("two file names count as the same", {"a-6.01.conf": OTHER, "a-6.1.conf": OTHER}, None,
     [(WARNING, "boot/loader/entries/a-6.1.conf", None,
       "counts as the same as a-6.01.conf, and GRUB's blscfg")]),
    ("an entry exists with and without a counter", {"a.conf": OTHER, "a+3.conf": OTHER}, None,
     [(WARNING, "boot/loader/entries/a.conf", None, r"counts as the same as a\+3.conf"),
      (WARNING, "boot/loader/entries/a.conf", None, r"a\+3.conf has the same id")]),
    ("file names and versions give different orders",
     {"ostree-1-os.conf": changed(2, "version 3"),
      "ostree-2-os.conf": text(GOOD)}, None,
     [(WARNING, "boot/loader/entries/ostree-2-os.conf", None,
       "for example systemd-boot, boots this entry first, but libostree means ostree-1-os.conf"),
      (WARNING, "boot/loader/entries/ostree-2-os.conf", None, "has the same id")]),
    ("file names and versions give different orders, and one entry is broken",
     {"ostree-1-os.conf": b"version 3\n", "ostree-2-os.conf": text(GOOD)}, None,
     [(ERROR, "boot/loader/entries/ostree-1-os.conf", None, "there is no linux line")]),
    ("there are no entries", {"x": b""}, None,
     [(ERROR, "boot/loader/entries", None, "there is no entry that GRUB could boot; deploy one"),
      (ERROR, "boot/loader/entries", None, "there is no entry that U-Boot could boot")]),
]
MENUS = [
    ("GRUB's menu is current", [make_menu(GRUB)], []),
    ("GRUB's settings are not compared",
     [make_menu(GRUB), edit(MENU, b"set timeout='5'", b"set timeout='9'")], []),
    ("GRUB's menu is outdated", [make_menu(GRUB), ADD_WORD],
     [(WARNING, MENU, None, "does not match the entries; run \"/usr/lib/ostree/"
       "ostree-grub-generator -o /.*/boot/loader/grub.cfg\"")]),
    ("GRUB's menu lacks an entry",
     [make_menu(GRUB), lambda root: tap.write(f"{root}/boot/loader/entries/a.conf", OTHER)],
     [(WARNING, MENU, None, "does not match the entries")]),
    ("GRUB's menu has an old title", [make_menu(GRUB), edit(ENTRY, b"title Demo", b"title New")],
     [(WARNING, MENU, None, "does not match the entries")]),
    ("GRUB's menu is truncated", [make_menu(GRUB), CUT_GRUB],
     [(ERROR, MENU, None, "is not complete; run ")]),
    ("GRUB's menu is not ours", [add(MENU, b"menuentry x {\nlinux /k ostree=/o\n}\n")], []),
    ("GRUB's menu loads another one", [add(MENU, b"configfile /boot/grub/custom.cfg\n")], []),
    ("GRUB's menu starts no deployment", [add(MENU, b"menuentry x {\nlinux /k\n}\n")],
     [(ERROR, MENU, None, "nothing in this menu starts a deployment; run .*grub-generator -o ")]),
    ("GRUB's menu is garbage", [add(MENU, b"\x7fELF\r\xfe\0" * 99)],
     [(ERROR, MENU, None, "nothing in this menu starts a deployment")]),
    ("U-Boot's menu is garbage", [add(FIELDS, b"\x7fELF\r\xfe\0" * 99)],
     [(ERROR, FIELDS, None, "nothing in this menu starts a deployment; run .*uboot-generator -o ")]),
    ("GRUB's menu is empty", [lambda root: tap.write(f"{root}/{MENU}", b"")],
     [(ERROR, MENU, None, "is not complete; run ")]),
    ("GRUB's menu consists of NUL bytes", [lambda root: tap.write(f"{root}/{MENU}", bytes(500))],
     [(ERROR, MENU, None, "is not complete; run ")]),
    ("GRUB's menu is truncated in its first line",
     [make_menu(GRUB), lambda root: tap.write(f"{root}/{MENU}", tap.read(f"{root}/{MENU}")[:40])],
     [(ERROR, MENU, None, "is not complete; run ")]),
    ("GRUB's menu is a directory", [lambda root: os.mkdir(f"{root}/{MENU}")],
     [(ERROR, MENU, None, "not a regular file; remove it; run .*grub-generator -o ")]),
    ("GRUB's menu is a pipe", [lambda root: os.mkfifo(f"{root}/{MENU}")],
     [(ERROR, MENU, None, "not a regular file; remove it; run ")]),
    ("U-Boot's menu, and the placeholder that libostree installs as grub.cfg",
     [make_menu(UBOOT), edit(ENTRY, b"panic=1", b"panic=1 a=it's"),
      lambda root: UBOOT.generate("-o", f"{root}/{MENU}", _OSTREE_GRUB2_BOOTVERSION="1")],
     [(WARNING, ENTRY, 3, "a board's own")]),
    ("U-Boot's menu is libostree's",
     [lambda root: tap.write(f"{root}/{FIELDS}", b"kernel_image=/x\nbootargs=ostree=/o\n")],
     [(WARNING, FIELDS, None, "ostree-uboot-generator did not write this file, .*; run ")]),
    ("U-Boot's menu is current", [make_menu(UBOOT)], []),
    ("lines added with --append are not compared",
     [lambda root: tap.write(root + "/own", b"a=b\nc=\\\\\n"),
      lambda root: make_menu(UBOOT, "--append", root + "/own")(root)], []),
    ("the setting keep does not matter", [setting(b"keep=fdt_file fdtdir\n", "uboot.conf"),
                                                make_menu(UBOOT)], []),
    ("U-Boot's menu has libostree's format", [make_menu(UBOOT, "--compat=ostree"), ADD_WORD],
     [(WARNING, FIELDS, None, "ostree-uboot-generator did not write this file, .*; run ")]),
    ("libostree's format is set in uboot.conf",
     [edit(ENTRY, b"initrd /k/initramfs", b"initrd /k/initramfs\ninitrd /k/initramfs"),
      setting(b"compat=ostree\n", "uboot.conf"), make_menu(UBOOT), ADD_WORD],
     [(WARNING, ENTRY, 6, "libostree's own fields have no place for a second initrd")]),
    ("U-Boot's menu is outdated", [make_menu(UBOOT), ADD_WORD],
     [(WARNING, FIELDS, None, "does not match the entries; run .*ostree-uboot-generator")]),
    ("U-Boot's menu is truncated", [make_menu(UBOOT), edit(FIELDS, b"rootstock_complete=1\n", b"")],
     [(ERROR, FIELDS, None, "is not complete")]),
    ("both menus are outdated", [make_menu(GRUB), make_menu(UBOOT), ADD_WORD],
     [(WARNING, MENU, None, "not match"), (WARNING, FIELDS, None, "not match")]),
]


NO_MENU = (ERROR, "boot/loader", None, "no menu for GRUB .* none for U-Boot .*; run \"/usr/lib/ostree"
           "/ostree-grub-generator -o .*/boot/loader/grub.cfg\" or \".*uboot-generator -o .*uEnv.txt\"")
STUB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../grub/stub.cfg")


# Name, the change to a tree without any menu, and whether its loader needs no menu.
ABSENCE = [
    ("nothing at all", lambda root: None, False),
    ("our stub in GRUB's directory", add("boot/grub/grub.cfg", tap.read(STUB)), False),
    ("our stub on the ESP", add("boot/efi/EFI/debian/grub.cfg", tap.read(STUB)), False),
    ("only the placeholder that U-Boot's generator writes as grub.cfg",
     add(MENU, b"# The menu of this system is uEnv.txt, for U-Boot.\n"), False),
    ("a menu in a loader that is not live", add("boot/loader.0/grub.cfg", b"ostree="), False),
    ("GRUB reads the entries", add("boot/grub/grub.cfg", b"insmod blscfg\n"), True),
    ("GRUB has a menu on the ESP", add("boot/efi/EFI/fedora/grub.cfg", b"linux /k ostree=/x"), True),
    ("systemd-boot", add("efi/EFI/systemd/systemd-bootx64.efi"), True),
    ("systemd-boot on FAT", add("boot/EFI/systemd/systemd-bootaa64.efi"), True),
    ("libostree's syslinux", add("boot/loader/syslinux.cfg"), True),
]
BOOTLOADER = (r"sysroot\.bootloader is %s, and libostree calls .*; run \"ostree --repo=.*/ostree/repo "
              'config set sysroot.bootloader grub2"')
# The repository's configuration, and the warning about it.
CONFIGS = [
    (b"[sysroot]\nbootloader=grub2\n", None), (b"[sysroot]\nbootloader = grub2\r\n", None),
    (b"[sysroot]\nbootloader=auto\nbootloader=grub2\n", None),
    (b"[core]\nmode=bare\n", BOOTLOADER % "not set"), (b"", BOOTLOADER % "not set"),
    (b"[core]\nbootloader=grub2\n", BOOTLOADER % "not set"),
    (b"[sysroot]\nbootloader=\n", BOOTLOADER % "not set"),
    (b"[sysroot]\nbootloader=none\n", BOOTLOADER % "none"),
    (b"[sysroot]\nbootloader=grub2 \n", BOOTLOADER % "grub2 "),
    (b"[sysroot]\nbootloader=grub2\n[x]\n[sysroot]\nbootloader=auto\n", BOOTLOADER % "auto"),
    (b"[sysroot]\nbootloader=\x1b[2J\n", BOOTLOADER % r"\x1b\[2J"),
    (b"[sysroot\nbootloader=grub2\n", r"cannot be read \(it is not a keyfile\)",
     "/ostree/repo/config: line 1: .* assuming that sysroot.readonly is false"),
    (None, r"not a regular file, .*; restore it from a backup", "/ostree/repo/config: .* assuming that"),
]


def absence(where, act, other):
    root = tree(where)
    os.unlink(f"{root}/{OTHER_MENU}")
    act(root)
    finds(root, *([] if other else [NO_MENU]))
    # With --entries, menus are not checked.
    finds(root, arguments=["--entries", root + "/boot/loader/entries"])


def config(where, content, says, planner=None):
    """A bad bootloader setting gives a warning, whether GRUB's menu exists or not, but none where
    GRUB needs no menu."""
    path = "ostree/repo/config"
    root = tree(where)
    if content is None:
        os.makedirs(f"{root}/ostree/repo")
        os.mkfifo(f"{root}/{path}")
    else:
        tap.write(f"{root}/{path}", content)
    planned = [(WARNING, ENTRY, 3, planner)] if planner else []
    finds(root, *planned)
    os.unlink(f"{root}/{OTHER_MENU}")
    warning = [(WARNING, path, None, says)] if says else []
    finds(root, *planned, NO_MENU, *warning)
    make_menu(GRUB)(root)
    finds(root, *planned, *warning)


def case(where, entries, act, expected):
    root = tree(where, {NAME: entries} if isinstance(entries, bytes) else entries)
    if act:
        act(root)
    finds(root, *expected)


def menu_case(where, acts, expected):
    root = tree(where)
    for act in acts:
        act(root)
    finds(root, *expected)


def mounted(where):
    """A /boot that is a file system of its own needs the symlink boot -> ., any other the prefix
    /boot."""
    script = """set -e
        mount -t tmpfs x "$2"; cp -a "$1/." "$2"
        look() { "$program" check --root "$@" || :; }
        look "$2" --json
        look "$2" --json --boot-prefix none
        mount -t tmpfs x "$2/boot"; cp -a "$1/boot/." "$2/boot"
        look "$2" --json
        ln -sfn k "$2/boot/boot"
        look "$2" --json
        rm "$2/boot/boot"
        look "$2"
    """
    root = tree(where)
    os.mkdir(where + "/mnt")
    command = ["unshare", "--mount"] + (["--map-root-user"] if os.getuid() else [])
    if subprocess.run(command + ["true"], capture_output=True, check=False).returncode:
        raise tap.Skip("no mount namespace can be made here")
    done = subprocess.run([*command, "sh", "-c", script, "sh", root, where + "/mnt"], check=True,
                          capture_output=True, env=clean_environment(program=BLS.program))
    assert not done.stderr, done
    *documents, facts, outcome, finding, remedy, count = done.stdout.decode().splitlines()
    found = []
    for line in documents:
        document = json.loads(line)
        own = len(found) > 1
        assert document["boot"] == {"own": own, "path": "" if own else "/boot",
                                    "type": "tmpfs"}, document
        found.append([(one["severity"], one["file"], one["what"].split(", ")[0])
                      for one in document["findings"]])
    boot = where + "/mnt/boot"
    assert found == [[], [(ERROR, boot, "this is a directory of a larger file system")], [],
                     [(ERROR, boot, "this is a file system of its own")]], found
    assert facts == boot + ": a file system of its own, tmpfs without a UUID", facts
    assert finding.startswith(f"error: {boot}: this is a file system of its own"), finding
    assert outcome.startswith("1. ostree-2.conf: does not boot: this is a file system"), outcome
    assert remedy.startswith("    to do: make a symlink"), remedy
    assert count == "entries: 1, errors: 1, warnings: 0", count


def on_fat(where):
    """/boot on FAT gives a warning (by a forged mountinfo, so that no device is needed)."""
    script = """set -e
        mount -t tmpfs x "$1/boot"; cp -a "$2/." "$1/boot"
        mkdir "$1/proc"; mount --rbind /proc "$1/proc"
        mount -t tmpfs x /proc; mkdir /proc/self
        ln -s "$1/proc/self/fd" "$1/proc/self/fdinfo" /proc/self
        sed 's/ - tmpfs x / - vfat x /' "$1/proc/self/mountinfo" >/proc/self/mountinfo
        "$program" check --root "$1" --json "$3"
    """
    root = tree(where)
    shutil.copytree(root + "/boot", where + "/boot", symlinks=True)
    command = ["unshare", "--mount"] + (["--map-root-user"] if os.getuid() else [])
    if subprocess.run(command + ["true"], capture_output=True, check=False).returncode:
        raise tap.Skip("no mount namespace can be made here")
    for loader in "grub", "uboot":
        done = subprocess.run([*command, "sh", "-c", script, "sh", root, where + "/boot",
                               "--loader=" + loader], check=False, capture_output=True,
                              env=clean_environment(program=BLS.program))
        document = json.loads(done.stdout)
        assert document["boot"] == {"own": True, "path": "", "type": "vfat"}, document
        found = document["findings"][0]
        assert found["severity"] == WARNING and found["file"] == root + "/boot", document
        assert re.match("FAT has no symlinks, ", found["what"]), document
        assert " made with \"mkfs.ext4 " in found["remedy"], document
        shutil.rmtree(root + "/proc")


def real(where):
    """ostree calls our generator unless the cases apply that the man page lists."""
    host = Host(where, GRUB.program)
    root = host.root
    host.set_bootloader("grub2")
    for version in "1", "2":
        host.commit(version)
        host.deploy("--karg=root=LABEL=x")
    entries = run("list", root)["entries"]
    links = [re.search(r"ostree=(\S+)", entry["options"])[1] for entry in entries]
    assert [host.deployment(link) for link in links] == host.deployments(), entries
    files = ["boot/loader/entries/" + entry["file"] for entry in entries]
    finds(root, *[(WARNING, file, 3, "hang forever; run \"ostree admin kargs") for file in files])
    # Running the recommended commands removes the warnings.
    host.run("ostree", "admin", "kargs", "edit-in-place", "--sysroot=" + root,
             "--append-if-missing=panic=10")
    finds(root, (WARNING, MENU, None, "does not match the entries"))
    make_menu(GRUB)(root)
    finds(root)
    # If the kernel is the same, libostree changes neither entries nor menu.
    for more in {}, {"usr/share/more": b"x"}:
        host.commit("2", more=more)
        host.deploy()
        finds(root)
    # With this setting libostree writes no menu for the next deployment and drops the present one.
    host.set_bootloader("none")
    warning = (WARNING, "ostree/repo/config", None, BOOTLOADER % "none")
    finds(root, warning)
    host.commit("3")
    host.deploy()
    assert not os.path.exists(root + "/" + MENU)
    finds(root, NO_MENU, warning)
    command = re.search('run "([^"]*)"', run("check", root)["findings"][1]["remedy"])[1].split()
    host.run(*command)
    command = re.search('run "([^"]*)"', run("check", root)["findings"][0]["remedy"])[1].split()
    host.run(GRUB.program, *command[1:])
    finds(root)
    entries = run("list", root)["entries"]
    shutil.rmtree(os.path.dirname(f"{root}/boot{entries[0]['linux']}"))
    assert run("check", root)["findings"][0]["severity"] == ERROR


def detected(where):
    """Without a setting, ostree calls our generator where GRUB has a file of its own."""
    for number, path in enumerate(("grub/grub.cfg", "grub2/grub.cfg")):
        for value in "auto", "":
            os.mkdir(f"{where}/{number}{value}")
            host = Host(f"{where}/{number}{value}", GRUB.program)
            if value:
                host.set_bootloader(value)
            tap.write(f"{host.root}/boot/{path}", b"configfile /boot/loader/grub.cfg\n")
            host.commit("1")
            host.deploy("--karg=root=LABEL=x", "--karg=panic=10")
            assert os.path.exists(host.root + "/" + MENU)
            finds(host.root)
            tap.write(host.root + "/boot/syslinux/x", b"")
            os.symlink("x", host.root + "/boot/syslinux/syslinux.cfg")
            finds(host.root, (WARNING, "ostree/repo/config", None, BOOTLOADER % (value or "not set")))


TESTS = [("correct trees", silence)]
TESTS += [(name, functools.partial(case, entries=entries, act=act, expected=expected))
          for name, entries, act, expected in CASES]
TESTS += [(name, functools.partial(menu_case, acts=acts, expected=expected))
          for name, acts, expected in MENUS]
TESTS += [("no menu: " + name, functools.partial(absence, act=act, other=other))
          for name, act, other in ABSENCE]
TESTS += [(f"the repository's configuration: {content}",
           functools.partial(config, content=content, says=says, planner="".join(planner)))
          for content, says, *planner in CONFIGS]
TESTS += [("/boot as a file system of its own", mounted), ("/boot on FAT", on_fat)]
SYSROOT = [("a sysroot made by ostree", real), ("a sysroot in which ostree finds GRUB", detected)]
TESTS += SYSROOT if shutil.which("ostree") else tap.skipped(SYSROOT, "ostree is not installed")
sys.exit(tap.main(TESTS))

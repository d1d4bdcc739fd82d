#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The generator's settings in the deployment, and the options that override them."""
import os
import subprocess
import sys

import sysroot
from testlib import tap
from testlib.hostile import entry

OSTREE = "/ostree/boot.1/os/abc/0"
DEPLOYMENT = "/ostree/deploy/os/deploy/c0ffee.0"
OPTIONS = b"root=/dev/sda ostree=" + OSTREE.encode()


def prepare(where, usr=None, etc=None, entries=None):
    """A sysroot whose default entry boots a deployment with these settings. Returns OUT."""
    out = sysroot.make(where, entries or {"ostree-1.conf": entry(OPTIONS)})
    os.makedirs(where + os.path.dirname(OSTREE))
    os.makedirs(where + DEPLOYMENT)
    os.symlink("../../../deploy/os/deploy/c0ffee.0", where + OSTREE)
    for directory, text in (("usr/lib", usr), ("etc", etc)):
        if text is not None:
            sysroot.write(f"{where}{DEPLOYMENT}/{directory}/rootstock/grub.conf", text)
    return out


def lines(where, *arguments, says=(), **environment):
    """The lines of the menu before its first entry."""
    out = where + "/boot/loader.1/grub.cfg"
    status, _, said = sysroot.generate("-o", out, *arguments, **environment)
    sysroot.check_says(said, says)
    assert status == 0, said
    cfg = sysroot.read(out)
    sysroot.script_check(cfg)
    head = cfg.decode().partition("$1 --id ")[0]
    return [line for line in head.splitlines()
            if line.startswith(("set default=", "set timeout=", "serial", "terminal", "search"))]


def refuses(where, pattern, *arguments):
    out = where + "/boot/loader.1/grub.cfg"
    status, _, said = sysroot.generate("-o", out, *arguments)
    assert status == 1, status
    sysroot.check_says(said, [pattern])
    assert not os.path.exists(out)


def without_files(where):
    prepare(where)
    assert lines(where) == ["set default='0'", "set timeout='5'"]


def all_settings(where):
    prepare(where, usr=b"# ours\ntimeout = 0\ndefault=ostree-os-abc-0\n"
                       b"serial=--unit=0 --speed=115200\nterminal=serial console\n"
                       b"search=C0FFEE-01\n")
    assert lines(where) == [
        "set default='ostree-os-abc-0'", "set timeout='0'",
        "serial '--unit=0' '--speed=115200'",
        "terminal_input 'serial' 'console'", "terminal_output 'serial' 'console'",
        "search --no-floppy --fs-uuid --set=root 'C0FFEE-01'"]


def machine_overrides_image(where):
    prepare(where, usr=b"timeout=1\ndefault=a b'c\n", etc=b"timeout=-1\n")
    assert lines(where) == ["set default='a b'\\''c'", "set timeout='-1'"]


def unknown_setting(where):
    prepare(where, etc=b"\ncolour=red\ntimeout=7\n")
    assert lines(where, says=[r"etc/rootstock/grub\.conf:2: there is no setting called colour"]) \
        == ["set default='0'", "set timeout='7'"]


def not_from_the_caller(where):
    """For an entry without ostree= no settings are read, whatever deployment there is."""
    prepare(where, usr=b"timeout=1\n", entries={"ostree-1.conf": entry(b"root=/dev/sda")})
    assert lines(where) == ["set default='0'", "set timeout='5'"]


def of_the_default_entry(where):
    prepare(where, usr=b"timeout=1\n", entries={
        "ostree-2.conf": entry(b"x ostree=/ostree/boot.1/os/other/0", more=b"version 2\n"),
        "ostree-1.conf": entry(OPTIONS)})
    assert lines(where) == ["set default='0'", "set timeout='5'"]


def deployment_elsewhere(where):
    """A bootlink that leaves the sysroot is reported and not followed."""
    prepare(where)
    os.unlink(where + OSTREE)
    os.symlink("../../../../../../..", where + OSTREE)
    assert lines(where, says=[r"ostree-1\.conf: the deployment that ostree= leads to cannot be "
                              r"opened, so its settings are not read: "]) \
        == ["set default='0'", "set timeout='5'"]


def bad_values(where):
    for number, (text, why) in enumerate((
            (b"timeout=soon", "timeout is a number of seconds"),
            (b"timeout=", "timeout is a number of seconds"),
            (b"timeout=123456", "timeout is a number of seconds"),
            (b"allow-lossy=maybe", "allow-lossy is yes or no"),
            (b"default=saved", "default is the number, name or title of an entry .*, not \"saved\""),
            (b"search=/dev/sda", "search is auto, always, never or a UUID"),
            (b"search=", "search is auto, always, never or a UUID"))):
        root = f"{where}/{number}"
        prepare(root, usr=b"\n" + text + b"\n")
        refuses(root, rf"usr/lib/rootstock/grub\.conf:2: {why}")
    root = where + "/line"
    prepare(root, usr=b"timeout\n")
    refuses(root, r"usr/lib/rootstock/grub\.conf:1: this line is neither NAME=VALUE nor")


def lossy(where):
    entries = {"ostree-1.conf": entry(OPTIONS + b" a=it's b=\\x2d c\"")}
    out = prepare(where, entries=entries)
    said = [r"conf:4: GRUB cannot pass on a single quote$",
            r"conf:4: GRUB cannot pass on a backslash$",
            r"conf:4: a double quote is not closed$"]
    status, _, got = sysroot.generate("-o", out)
    assert status == 1 and not os.path.exists(out)
    # The message names the option that helps.
    helps = "; to pass it on changed, set allow-lossy=yes in grub.conf, or use --allow-lossy"
    assert got[0].endswith("; this entry is left out of the menu" + helps), got
    for arguments, usr in ((["--allow-lossy"], None), ([], b"allow-lossy=yes\n")):
        if usr:
            sysroot.write(f"{where}{DEPLOYMENT}/usr/lib/rootstock/grub.conf", usr)
        status, _, got = sysroot.generate("-o", out, *arguments)
        assert status == 0, got
        sysroot.check_says(got, said)
        words = sysroot.parse(sysroot.read(out))[0][2]
        assert words[3:5] == ["a=it's", "b=\\x2d"], words
        os.unlink(out)


def stale_init(where):
    stale = b"init=" + OSTREE.encode() + b"/usr/lib/ostree/ostree-prepare-root"
    content = b"title T\nversion 1\nlinux /k\noptions a " + stale + b" b -- " + stale + b"\n"
    prepare(where, entries={"ostree-1.conf": content + b"initrd /i1\n"})
    out = where + "/boot/loader.1/grub.cfg"
    status, _, said = sysroot.generate("-o", out)
    assert status == 0
    sysroot.check_says(said, [r"ostree-1\.conf:4: init= starts ostree-prepare-root, which the "
                              r"initramfs does; this word is left out"])
    assert sysroot.parse(sysroot.read(out))[0][2][1:] == ["a", "b", "--", stale.decode()]
    sysroot.write(where + "/boot/loader.1/entries/ostree-1.conf", content)
    status, _, said = sysroot.generate("-o", out)
    assert (status, said) == (0, [])
    assert sysroot.parse(sysroot.read(out))[0][2][1:] == \
        ["a", stale.decode(), "b", "--", stale.decode()]


def kernel_decides_length(where):
    """For a zImage, which is detected, the limit is 1023 bytes, BOOT_IMAGE=/boot/k included."""
    room = 1023 - len("BOOT_IMAGE=/boot/k ")
    out = prepare(where, entries={"ostree-1.conf": entry(b"a" * room)})
    sysroot.write(where + "/boot/k", b"\0" * 0x24 + b"\x18\x28\x6f\x01" + b"\0" * 64)
    assert sysroot.generate("-o", out)[0] == 0
    sysroot.write(where + "/boot/loader.1/entries/ostree-1.conf", entry(b"a" * (room + 1)))
    status, _, said = sysroot.generate("-o", out)
    assert status == 1
    sysroot.check_says(said, [r"ostree-1\.conf:4: the command line is longer than the kernel "
                              r"accepts", "no menu is written"])


def kernel_behind_the_prefix(where):
    """The kernel is found if the entry has the prefix already and /boot lacks the symlink boot."""
    out = prepare(where, entries={"ostree-1.conf": entry(b"a" * 1100).replace(
        b"linux /k", b"linux /boot/k")})
    sysroot.write(where + "/boot/k", b"\0" * 0x24 + b"\x18\x28\x6f\x01" + b"\0" * 64)
    status, _, said = sysroot.generate("-o", out)
    assert status == 1
    sysroot.check_says(said, ["the command line is longer than the kernel", "no menu is written"])


def search_options(where):
    prepare(where, usr=b"search=ABCD\n")
    assert lines(where, "--search", "never") == ["set default='0'", "set timeout='5'"]
    assert lines(where, "--search", "1234-ABCD")[-1].endswith("--set=root '1234-ABCD'")
    out = where + "/boot/loader.1/grub.cfg"
    status, _, said = sysroot.generate("-o", out, "--search", "LABEL=x")
    assert status == 2
    sysroot.check_says(said, [r"--search is auto, always, never or a UUID, not LABEL=x; try"])


def search_in_a_directory(where):
    """search=always is refused if /boot is in a directory of another file system."""
    prepare(where)
    refuses(where, r"its UUID cannot be found \(it is a directory and not a mounted file system\)",
            "--search", "always")


def search_on_another_file_system(where):
    """In libostree's hook on EFI, with OUT on the ESP and the kernels on another file system, the
    search needs a UUID."""
    prepare(where)
    script = """
        set -e
        mkdir "$1/boot/efi" && mount -t tmpfs none "$1/boot/efi"
        export _OSTREE_GRUB2_BOOTVERSION=1
        "$2" -o "$1/boot/efi/grub.cfg.new" && exit 2
        "$2" -o "$1/boot/efi/grub.cfg.new" --search ABCD-0123 || exit 3
        grep -q "^search --no-floppy --fs-uuid --set=root 'ABCD-0123'$" "$1/boot/efi/grub.cfg.new"
        "$2" -o "$1/boot/grub.cfg" || exit 4
        ! grep -q '^search' "$1/boot/grub.cfg"
        mount -t tmpfs none "$1/boot/efi"
        cp -a "$1/boot/loader.1" "$1/boot/loader" "$1/boot/efi"
        mkdir "$1/new" "$1/new/boot" && mount --bind "$1/boot/efi" "$1/new/boot"
        unset _OSTREE_GRUB2_BOOTVERSION
        "$2" -o "$1/new/boot/loader/grub.cfg" --search always && exit 5
        exit 0
    """
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script, "sh", where, sysroot.PROGRAM],
                          capture_output=True, check=False, env=sysroot.clean_environment())
    if done.returncode == 1 and not os.path.exists(where + "/boot/efi"):
        raise tap.Skip("no mounts in a namespace here: " + done.stderr.decode()[:80])
    assert done.returncode == 0, done
    sysroot.check_says(done.stderr.decode().splitlines(), [
        r"its UUID cannot be found \(it is a directory and not a mounted file system\)",
        r"its UUID cannot be found \(it has none\)"])


sys.exit(tap.main([(test.__name__.replace("_", " "), test) for test in (
    without_files, all_settings, machine_overrides_image, unknown_setting, not_from_the_caller,
    of_the_default_entry, deployment_elsewhere, bad_values, lossy, stale_init,
    kernel_decides_length, kernel_behind_the_prefix, search_options, search_in_a_directory,
    search_on_another_file_system)]))

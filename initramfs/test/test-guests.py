#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which of our files dracut and initramfs-tools put into an image, when they refuse to make one,
and the systemd unit."""
import filecmp
import glob
import os
import re
import shutil
import subprocess
import sys

from guestimage import PROGRAM, TOP, foreign, special, standard, tap

UNIT = "ostree-prepare-root.service"
REQUIRED = "etc/systemd/system/initrd-root-fs.target.requires/" + UNIT
HOOKS = "usr/lib/dracut/hooks/"


def has_program(tree):
    """The image has our program (dracut strips it), not libostree's, and overlay for hotfixes."""
    said = [subprocess.run([program, "--version"], check=True, stdout=subprocess.PIPE).stdout
            for program in (os.path.join(tap.BUILD, "ostree-prepare-root"),
                            os.path.join(tree, "usr", PROGRAM))]
    assert said[0] == said[1] and b"rootstock" in said[0], said
    assert glob.glob(tree + "/usr/lib/modules/*/kernel/fs/overlayfs/overlay.ko")


def with_systemd(where):
    """With systemd the image has the unit, and no hooks that would do the same again."""
    tree = standard(where, "dracut-systemd")
    has_program(tree)
    assert os.readlink(os.path.join(tree, REQUIRED)).endswith("/" + UNIT), REQUIRED
    assert filecmp.cmp(os.path.join(TOP, "initramfs", UNIT),
                       os.path.join(tree, "usr/lib/systemd/system", UNIT), shallow=False)
    for name in "accept-root.sh", "prepare-root.sh":
        assert not glob.glob(os.path.join(tree, HOOKS, "*/*" + name)), name


def without_systemd(where):
    """Without systemd the image has hooks, and the one for pre-pivot runs before all others."""
    tree = standard(where, "dracut")
    has_program(tree)
    assert sorted(os.listdir(os.path.join(tree, HOOKS, "pre-pivot")))[0] == "00-prepare-root.sh"
    assert os.path.exists(os.path.join(tree, HOOKS, "pre-mount/00-accept-root.sh"))
    assert not os.path.lexists(os.path.join(tree, REQUIRED))


def initramfs_tools(where):
    """initramfs-tools has our script in its order of scripts."""
    tree = standard(where, "initramfs-tools")
    has_program(tree)
    order = tap.read(os.path.join(tree, "scripts/local-bottom/ORDER")).decode()
    assert "/scripts/local-bottom/rootstock" in order, order


def not_asked(where):
    """dracut adds our program only if the module is requested."""
    tree = special(where, foreign.DRACUT)
    assert not os.path.exists(os.path.join(tree, "usr", PROGRAM))


def refused(where, command, change, sentence):
    """The tool fails with this message, a pattern because the releases word it differently."""
    try:
        special(where, command, change)
    except RuntimeError as failure:
        assert re.search(sentence, str(failure)), failure
        return
    raise AssertionError("an image was made")


def with_upstream(where):
    """dracut refuses libostree's module and ours together, unless one of them is omitted.

    overlay-root is omitted too, because in Debian it would add the module overlay itself.
    """
    both = foreign.DRACUT + ["--add", "ostree rootstock"]
    refused(where, both, lambda files: None,
            "rootstock: dracut's module 'ostree' is in the list too: take one of them")
    os.mkdir(where + "/one")
    has_program(special(where + "/one", both + ["--omit", "ostree overlay-root"]))


def without_program(where):
    """If the program is missing, the tools make no image, because it could not boot."""
    empty = os.path.join(where, "empty")
    tap.write(empty, b"")

    def plain(files):
        files[PROGRAM] = empty

    def directory(files):
        files[PROGRAM + "/x"] = files.pop(PROGRAM)

    refused(where, foreign.COMMANDS["dracut"], plain, "'rootstock' cannot be (found or )?installed")
    os.mkdir(where + "/tools")
    refused(where + "/tools", foreign.COMMANDS["initramfs-tools"], directory,
            "E: rootstock: cannot copy /usr/lib/ostree/ostree-prepare-root into the image")


def configured(where):
    """The machine's prepare-root.conf is copied into the image."""
    text = b"[composefs]\nenabled = signed\n"
    conf = os.path.join(where, "conf")
    tap.write(conf, text)
    for kind in ("dracut", "initramfs-tools"):
        os.mkdir(os.path.join(where, kind))
        tree = special(os.path.join(where, kind), foreign.COMMANDS[kind],
                       lambda files: files.update({"lib/ostree/prepare-root.conf": conf}))
        assert tap.read(tree + "/usr/lib/ostree/prepare-root.conf") == text


def unit(where):
    """systemd accepts the unit, and enabling it makes initrd-root-fs.target require it."""
    if not shutil.which("systemd-analyze"):
        raise tap.Skip("systemd is not installed")
    units = os.path.join(where, "usr/lib/systemd/system")
    os.makedirs(units)
    shutil.copy(os.path.join(TOP, "initramfs", UNIT), units)
    tap.write(units + "/sysroot.mount", b"[Mount]\nWhat=/dev/root\nWhere=/sysroot\n")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", os.path.join(units, UNIT)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout
    subprocess.run(["systemctl", "--quiet", "--root=" + where, "enable", UNIT], check=True)
    assert os.path.lexists(os.path.join(where, REQUIRED))


if __name__ == "__main__":
    sys.exit(tap.main([
        ("dracut with systemd: the unit, required by initrd-root-fs.target", with_systemd),
        ("dracut without systemd: hooks, before those of others", without_systemd),
        ("initramfs-tools: the program, and the script in the order of scripts", initramfs_tools),
        ("dracut: our program only on request", not_asked),
        ("dracut: not together with libostree's module", with_upstream),
        ("dracut, initramfs-tools: no image without the program", without_program),
        ("dracut, initramfs-tools: prepare-root.conf is in the image", configured),
        ("systemd accepts the unit and can enable it", unit),
    ]))

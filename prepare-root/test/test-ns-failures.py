#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""If ostree-prepare-root fails, it prints one message that names the path, exits with 1, and leaves
mounts and files unchanged. With real trees and real mounts."""

import os
import re
import shutil
import sys
import time

from testlib import nsboot
from testlib import nstap
from testlib import nstree
from testlib import tap
from testlib.nssys import write_file

DEPLOY = nstree.DEPLOYMENT
LINK = nstree.BOOTLINK


def relink(target):
    """A change: the bootlink has this target."""
    def change(top):
        os.unlink(top + LINK)
        os.symlink(target, top + LINK)
    return change


def without(name):
    """A change: the deployment lacks this file or directory."""
    def change(top):
        path = f"{top}/{DEPLOY}/{name}"
        shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
    return change


def symlinked(name):
    """A change: this directory of the deployment is replaced by a symlink to it."""
    def change(top):
        os.rename(f"{top}/{DEPLOY}/{name}", f"{top}/{DEPLOY}/real-{name}")
        os.symlink(f"real-{name}", f"{top}/{DEPLOY}/{name}")
    return change


def unlinked(path):
    """A change: the root lacks this link."""
    return lambda top: os.unlink(top + path)


def moved_ostree(top):
    """A change: /ostree is a link, as in a deployment, but the root is not a deployment."""
    os.rename(top + "/ostree", top + "/data")
    os.symlink("data", top + "/ostree")


def not_executable(top):
    """A change: init has no execute permission."""
    os.chmod(f"{top}/{DEPLOY}/usr/sbin/init", 0o644)


def linked_var(target):
    """A change: the stateroot's var is a link."""
    def change(top):
        os.rename(f"{top}/ostree/deploy/demo/var", f"{top}/moved-var")
        os.symlink(target, f"{top}/ostree/deploy/demo/var")
    return change


def configured(path, text):
    """A change: this file of the deployment has this text."""
    def change(top):
        os.makedirs(os.path.dirname(f"{top}/{DEPLOY}/{path}"), exist_ok=True)
        write_file(f"{top}/{DEPLOY}/{path}", text)
    return change


def ostree(value):
    """World keywords: a command line with this ostree=."""
    return {"cmdline": f"root=/dev/vda2 rw ostree={value} quiet"}


BOTH, PID1, UTILITY = nsboot.KINDS, ("pid1",), ("utility",)
UP = "../../../../../"  # from the bootlink to the sysroot

# (name, worlds, changes, World keywords, pattern of the message)
FAILURES = [
    ("no ostree=", BOTH, (), {"cmdline": "root=/dev/vda2 rw"}, r"no ostree="),
    ("ostree= without a value", BOTH, (), ostree(""), r"ostree="),
    ("no such bootlink", BOTH, (), ostree("/ostree/boot.0/x/y/0"), r"/ostree/boot\.0/x/y/0"),
    ("boot.1 missing", BOTH, (unlinked("/ostree/boot.1"),), {}, LINK),
    ("dangling bootlink", BOTH, (relink("../../../deploy/demo/deploy/gone.0"),), {}, LINK),
    ("the bootlink is not a link", BOTH, (), ostree("/" + DEPLOY), rf"/{DEPLOY}.* symbolic link"),
    ("absolute bootlink", BOTH, (relink("/" + DEPLOY),), {}, rf"{LINK}.* leaves the sysroot"),
    ("escape by a link", BOTH, (relink(UP + "../tmp"),), {}, rf"{LINK}.* leaves the sysroot"),
    ("escape and return", BOTH, (relink(UP + "../sysroot/" + DEPLOY),), {}, "leaves the sysroot"),
    ("escape by ..", BOTH, (), ostree("/../sysroot" + LINK), r"/\.\./sysroot.* leaves the sysroot"),
    ("escape by .. within", BOTH, (), ostree("/ostree/../../tmp"), "leaves the sysroot"),
    ("a loop", BOTH, (relink("0"),), {}, rf"{LINK}.*(link|loop)"),
    ("link to a file", BOTH, (relink(UP + "ostree/repo/config"),), {}, LINK),
    ("overlong", BOTH, (), ostree("/ostree/" + "x/" * 2400), r"cannot use ostree=/ostree/x/x.*: File ?name too long"),
    *((f"no /{name}", BOTH, (without(name),), {}, rf"{DEPLOY}.* /{name}\b")
      for name in ("usr", "etc", "var", "run", "sysroot")),
    *((f"/{name} is a link", BOTH, (symlinked(name),), {}, rf"{DEPLOY}.* /{name}\b")
      for name in ("usr", "etc", "var", "run", "sysroot")),
    ("an unknown slot", BOTH, (),
     {"cmdline": nstree.CMDLINE + " androidboot.slot_suffix=_c"}, r"androidboot\.slot_suffix=_c "),
    ("a slot without a name", BOTH, (),
     {"cmdline": nstree.CMDLINE + " androidboot.slot_suffix="}, r"androidboot\.slot_suffix= "),
    ("var leads out by ..", BOTH, (linked_var("../../../../tmp"),), {}, r"var .* leaves the sysroot"),
    ("var is an absolute link", BOTH, (linked_var("/moved-var"),), {}, r"var .* leaves the sysroot"),
    ("var is a dangling link", BOTH, (linked_var("gone"),), {}, r"no stateroot's var"),
    ("var leads to a file", BOTH, (linked_var("../../repo/config"),), {}, r"no stateroot's var"),
    ("composefs on the command line", BOTH, (),
     {"cmdline": nstree.CMDLINE + " ostree.prepare-root.composefs=signed"},
     r"kernel command line: ostree\.prepare-root\.composefs=signed asks for"),
    ("composefs in the tree's /usr", BOTH,
     (configured("usr/lib/ostree/prepare-root.conf", "[composefs]\nenabled=verity\n"),), {},
     r"deployment's /usr/lib/ostree/prepare-root\.conf: line 2: composefs\.enabled=verity"),
    ("composefs in the tree's /etc", BOTH,
     (configured("usr/lib/ostree/prepare-root.conf", "[composefs]\nenabled=no\n"),
      configured("etc/ostree/prepare-root.conf", "[composefs]\nenabled=yes\n")), {},
     r"deployment's /etc/ostree/prepare-root\.conf: line 2: composefs\.enabled=yes"),
    ("the tree's prepare-root.conf is not a keyfile", BOTH,
     (configured("usr/lib/ostree/prepare-root.conf", "enabled=no\n"),), {},
     r"deployment's /usr/lib/ostree/prepare-root\.conf: line 1: "),
    ("the tree's prepare-root.conf is a directory", BOTH,
     (configured("usr/lib/ostree/prepare-root.conf/x", ""),), {},
     r"deployment's /usr/lib/ostree/prepare-root\.conf: it is not a regular file"),
    ("composefs in the initramfs", UTILITY, (),
     {"files": (("/usr/lib/ostree/prepare-root.conf", "[composefs]\nenabled=signed\n", 0o644),)},
     r"initramfs' /usr/lib/ostree/prepare-root\.conf: line 2: composefs\.enabled=signed"),
    ("readonly in the initramfs has a wrong value", UTILITY, (),
     {"files": (("/etc/ostree/prepare-root.conf", "[sysroot]\nreadonly=yes\n", 0o644),)},
     r"initramfs' /etc/ostree/prepare-root\.conf: line 2: sysroot\.readonly"),
    ("no init", PID1, (without("usr/sbin/init"),), {}, rf"{DEPLOY}.*/sbin/init"),
    ("init is not executable", PID1, (not_executable,), {}, rf"{DEPLOY}.*/sbin/init"),
    ("no /ostree", UTILITY, (lambda top: os.rename(top + "/ostree", top + "/not"),), {},
     r"/sysroot .*ostree"),
    ("/ostree is a link", UTILITY, (moved_ostree,), {}, r"/sysroot .*ostree"),
    ("SYSROOT is not a mount point", UTILITY, (), {"stack": lambda things, phys: None},
     r"/sysroot\b.*mount"),
]


def fails(kind, changes, options, pattern):
    """The problems in one of FAILURES."""
    options = dict(options)
    files = [(nsboot.PROGRAM, PARTS[0], 0o755), *options.pop("files", ())]
    with nsboot.world(kind, PARTS, *changes, files=files, **options) as world:
        table, names = nsboot.table(world), world.inside(nsboot.listing)
        physical = world.inside(nsboot.listing, nsboot.PHYSICAL[kind])
        if kind == "utility":
            status, out, said = world.run([nsboot.PROGRAM, "/sysroot"])
        else:
            out = world.go([nsboot.PROGRAM]) and "init runs"
            status = 0 if out else world.exit_status()
            said = world.text()
        kmsg = world.kmsg()
        return (nsboot.differs("exit", (status, out or ""), (1, "")) +
                nsboot.sentence_problems(said, pattern) +
                nsboot.differs("on the console, in the log", [line in said for line in kmsg],
                               [True]) +
                nsboot.differs("mounts", nsboot.changed(table, nsboot.table(world)), []) +
                nsboot.differs("files", nsboot.changed(names, world.inside(nsboot.listing)), []) +
                nsboot.differs("physical root", nsboot.changed(
                    physical, world.inside(nsboot.listing, nsboot.PHYSICAL[kind])), []))


# --- other ways to fail ---


def broken_init():
    """An init that Linux cannot execute is reported, although only after the switch."""
    def change(top):
        write_file(f"{top}/{DEPLOY}/usr/sbin/init", "\x7fELF, but that is all")
    with nsboot.world("pid1", PARTS, change) as world:
        if world.go([nsboot.program_path(world)]):
            return ["init runs"]
        return (nsboot.differs("exit", world.exit_status(), 1) +
                nsboot.sentence_problems(world.text(), "/sbin/init.*Exec format error"))


def no_sysroot():
    """A SYSROOT that does not exist or is not a directory is reported."""
    problems = []
    with nsboot.world("utility", PARTS) as world:
        for path in ("/nowhere", nsboot.PROGRAM):
            status, out, said = world.run([nsboot.PROGRAM, path])
            problems += nsboot.differs(path, (status, out), (1, ""))
            problems += nsboot.sentence_problems(said, path)
    return problems


def running_root():
    """A process other than process 1 is refused on the running root, under any of its names."""
    problems = []
    with nsboot.world("pid1", PARTS, files=[(nsboot.PROGRAM, PARTS[0], 0o755)]) as world:
        world.inside(os.symlink, "/", "/link")
        table = nsboot.table(world)
        for path in ("/", "//", "/.", "/ostree/..", "/link"):
            status, out, said = world.run([nsboot.PROGRAM, path])
            problems += nsboot.differs(path, (status, out), (1, ""))
            problems += nsboot.sentence_problems(said, " is the running root: ")
        problems += nsboot.differs("mounts", nsboot.changed(table, nsboot.table(world)), [])
    return problems


def container_asks_for_help():
    """As process 1 of a container without ostree= the program mounts nothing, whatever its
    arguments."""
    problems = []
    for args in (["--help"], ["--version"], ["/sysroot"]):
        with nsboot.world("pid1", PARTS, cmdline="quiet",
                          files=[(nsboot.PROGRAM, PARTS[0], 0o755)]) as world:
            table = nsboot.table(world)
            if world.go([nsboot.PROGRAM, *args]):
                return ["init runs"]
            problems += nsboot.differs("exit", world.exit_status(), 1)
            problems += nsboot.differs("mounts", nsboot.changed(table, nsboot.table(world)), [])
    return problems


def wrong_usage():
    """A wrong call prints the usage and ends with 2."""
    problems = []
    with nsboot.world("utility", PARTS) as world:
        for args in ([], ["--nonsense", "/sysroot"], ["/sysroot", "ostree=x", "more"]):
            status, out, said = world.run([nsboot.PROGRAM, *args])
            problems += nsboot.differs(f"{args}", (status, out, "usage:" in said), (2, "", True))
    return problems


def no_proc():
    """Without /proc the program mounts it temporarily, and unmounts it after the failure. That
    /proc has the command line of this machine, which has no ostree=."""
    with open("/proc/cmdline", encoding="utf-8") as f:
        if "ostree=" in f.read():
            raise tap.Skip("this machine was booted by ostree")
    with nsboot.world("pid1", PARTS, mounts=("dev",), files=[(nsboot.PROGRAM, PARTS[0], 0o755)]) \
            as world:
        table = nsboot.table(world)
        if world.go([nsboot.PROGRAM]):
            return ["init runs"]
        return (nsboot.differs("exit", world.exit_status(), 1) +
                nsboot.sentence_problems(world.text(), "no ostree=") +
                nsboot.differs("mounts", nsboot.changed(table, nsboot.table(world)), []))


def odd_configuration(kind):
    """A repository configuration that cannot be read is reported, and counts as readonly=false."""
    def directory(top):
        os.unlink(top + "/ostree/repo/config")
        os.mkdir(top + "/ostree/repo/config")

    def binary(top):
        write_file(top + "/ostree/repo/config", bytes(range(256)) * 4)

    def huge(top):
        write_file(top + "/ostree/repo/config", "[sysroot]\nreadonly=true\n" + "#" * 10_000_000)

    def missing(top):
        os.unlink(top + "/ostree/repo/config")
    problems = []
    for change in (directory, binary, huge, missing):
        with nsboot.booted(kind, PARTS, change) as (world, _):
            row = nsboot.table(world)["/sysroot"]
            problems += nsboot.differs(change.__name__, row["options"], "relatime,rw")
            said = [line for line in world.kmsg() if "/ostree/repo/config" in line]
            if change is not missing:
                problems += nsboot.differs(f"{change.__name__}, lines", len(said), 1)
    return problems


# rootstock.onfail= and the exit status of process 1. In a PID namespace reboot(2) kills process 1
# with SIGHUP for a reboot and SIGINT for a halt.
ONFAIL = (("", 1), ("panic", 1), ("halt", -2), ("reboot", -1), ("reboot:1", -1), ("shell", 1),
          ("reboot:x", 1), ("reboot:", 1))


def on_failure():
    """rootstock.onfail= decides how process 1 ends, and after how long."""
    problems = []
    for value, wanted in ONFAIL:
        cmdline = "root=/dev/vda2" + (f" rootstock.onfail={value}" if value else "")
        with nsboot.world("pid1", PARTS, cmdline=cmdline,
                          files=[(nsboot.PROGRAM, PARTS[0], 0o755)]) as world:
            start = time.monotonic()
            if world.go([nsboot.PROGRAM]):
                return ["init runs"]
            ended = world.exit_status()
            took = time.monotonic() - start
            problems += nsboot.differs(value, ended, wanted)
            if value == "reboot:1" and took < 1:
                problems.append(f"{value}: it waited for {took} seconds")
            if "no ostree=" not in world.text():
                problems.append(f"{value}: {world.text()}")
    return problems


def cases():
    """All cases, for nstap.main."""
    found = [(f"{kind} {what}", lambda k=kind, c=changes, o=options, p=pattern: fails(k, c, o, p))
             for what, kinds, changes, options, pattern in FAILURES for kind in kinds]
    found += [(f"{kind} unreadable configuration", lambda k=kind: odd_configuration(k))
              for kind in BOTH]
    return found + [("pid1 init that cannot be executed", broken_init),
                    ("utility no such SYSROOT", no_sysroot), ("utility wrong calls", wrong_usage),
                    ("utility on the running root", running_root),
                    ("pid1 in a container", container_asks_for_help),
                    ("pid1 without /proc", no_proc), ("pid1 onfail", on_failure)]


if __name__ == "__main__":
    PARTS = nstap.program("ostree-prepare-root"), nstap.probe()
    sys.exit(nstap.main(cases()))

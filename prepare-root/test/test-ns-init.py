#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which deployment and which init ostree-prepare-root boots, and what that init receives."""

import os
import sys

from testlib import nsboot
from testlib import nstap
from testlib import nstree
from testlib.nssys import read_file, write_file

@nstap.case("pid1")
def init_gets_what_the_kernel_sent(kind):
    """init gets argv, environment, descriptors, working directory, umask and signals unchanged."""
    argv = ["single", "-b", "a word", "tab\there", "key=value", ""]
    env = {"TERM": "linux", "HOME": "/", "ostree": "x", "empty": ""}
    with nsboot.booted(kind, PARTS, argv=argv, env=env) as (_, report):
        wanted = {"argv": ["/sbin/init", *argv], "env": [f"{k}={v}" for k, v in env.items()],
                  "fd": ["0", "1", "2"], "cwd": ["/"], "umask": ["022"], "pid": ["1"],
                  "sid": ["0"], "pgid": ["0"], "end": [""]}
        return nsboot.differs("report", report, wanted)


def _init_at(*places):
    """A change that moves the tree's init to these places, of four; in the other places of an init
    there is a file that cannot be executed."""
    def change(top):
        deploy = f"{top}/{nstree.DEPLOYMENT}"
        os.rename(f"{deploy}/usr/sbin/init", f"{deploy}/moved")
        for place in ("usr/sbin/init", "etc/init", "usr/bin/init", "usr/bin/sh"):
            if place in places:
                os.link(f"{deploy}/moved", f"{deploy}/{place}")
            elif place.endswith("/init"):
                write_file(f"{deploy}/{place}", "#!/bin/sh\n")
    return change


@nstap.case("pid1")
def init_is_found_in_three_places(kind):
    """The first of /sbin/init, /etc/init and /bin/init is executed."""
    problems = []
    for places, wanted in ((("usr/sbin/init", "etc/init", "usr/bin/init"), "/sbin/init"),
                           (("etc/init", "usr/bin/init"), "/etc/init"),
                           (("usr/bin/init", "usr/bin/sh"), "/bin/init")):
        with nsboot.booted(kind, PARTS, _init_at(*places)) as (_, report):
            problems += nsboot.differs(f"{places}", report["argv"], [wanted])
    return problems


@nstap.case("pid1")
def init_may_be_a_link_in_the_tree(kind):
    """An absolute link /sbin/init is resolved in the tree, not in the physical root."""
    def absolute(top):
        nstree.systemd(top)
        link = f"{top}/{nstree.DEPLOYMENT}/usr/sbin/init"
        os.unlink(link)
        os.symlink("/usr/lib/systemd/systemd", link)
    with nsboot.booted(kind, PARTS, absolute) as (_, report):
        return nsboot.differs("argv", report["argv"], ["/sbin/init"])


# --- which deployment ---


def _slot(top):
    """Add an Android boot slot: /ostree/root.a leads to a deployment of another stateroot."""
    nstree.add_deployment(top, (("usr/sbin/init", PARTS[1]),), "slot", "d" * 64)
    os.symlink(f"deploy/slot/deploy/{'d' * 64}.0", f"{top}/ostree/root.a")


GOOD = nstree.BOOTLINK
DEPLOYMENT_CASES = (
    ("a second ostree= is ignored",
     f"x=1 ostree={GOOD} ostree=/ostree/bad", "demo"),
    ("a quoted value", f'rw ostree="{GOOD}" quiet', "demo"),
    ("a quoted word", f'rw "ostree={GOOD}" quiet', "demo"),
    ("inside another value", f'foo="bar ostree=/ostree/bad" ostree={GOOD}', "demo"),
    ("between tabs", f"rw\tostree={GOOD}\tquiet", "demo"),
    ("slot a", f"androidboot.slot_suffix=_a ostree=true", "slot"),
    ("slot a after ostree=", f"ostree={GOOD} androidboot.slot_suffix=_a", "slot"),
    ("slot b, without root.b", f"androidboot.slot_suffix=_b ostree={GOOD}", "demo"),
    ("more than 16 KiB", f"ostree={GOOD} " + "x=" + "y" * 100 + " z" * 8100, "demo"),
    ("other androidboot words", f"androidboot.mode=normal androidboot.x=_a ostree={GOOD}", "demo"),
)


@nstap.case(*nsboot.KINDS)
def the_deployment_is_the_one_asked_for(kind):
    """Every form of the command line boots the right tree with its own /var."""
    problems = []
    for what, cmdline, wanted in DEPLOYMENT_CASES:
        with nsboot.world(kind, PARTS, _slot, cmdline=cmdline) as world:
            if kind == "utility":
                world.run([nsboot.PROGRAM, "/sysroot"])
            report = world.go(["/sbin/init"] if kind == "utility" else
                              [f"{GOOD}/{nstree.PREPARE_ROOT}"])
            if report is None:
                problems.append(f"{what}: {world.text()}")
                continue
            release = world.inside(lambda: read_file("/usr/lib/os-release").decode())
            var = world.inside(lambda: read_file("/var/whose").decode())
            problems += nsboot.differs(what, (release, var), (f"ID={wanted}\n", wanted))
    return problems


@nstap.case("utility")
def an_argument_replaces_proc_cmdline(kind):
    """ostree-prepare-root SYSROOT KERNEL_CMDLINE does not read /proc/cmdline."""
    with nsboot.world(kind, PARTS, cmdline="rw ostree=/ostree/bad") as world:
        status, _, said = world.run([nsboot.PROGRAM, "/sysroot", nstree.CMDLINE])
        return (nsboot.differs("exit", (status, said), (0, "")) +
                nsboot.differs("prepared", world.inside(nsboot.prepared), True))


# --- run twice ---


@nstap.case("pid1", "utility")
def a_prepared_root_just_boots(kind):
    """On a root that an initramfs has prepared, process 1 (by a stale init=) executes the tree's
    init and mounts nothing; the utility logs one line, exits with 0 and changes nothing."""
    with nsboot.world("utility", PARTS) as world:
        world.run([nsboot.PROGRAM, "/sysroot"])
        if kind == "utility":
            before, files = nsboot.table(world), world.inside(nsboot.listing)
            world.kmsg()
            status, out, err = world.run([nsboot.PROGRAM, "/sysroot"])
            said, files_after = world.kmsg(), world.inside(nsboot.listing)
            return (nsboot.differs("exit", (status, out, err), (0, "", "")) +
                    nsboot.differs("kmsg lines", len(said), 1) +
                    nsboot.differs("mounts", nsboot.changed(before, nsboot.table(world)), []) +
                    nsboot.differs("files", nsboot.changed(files, files_after), []))
        report = world.go(["/" + nstree.PREPARE_ROOT, "single"], {"TERM": "linux"})
        if report is None:
            return [world.text()]
        stale = nsboot.table(world)
        status, _, _ = world.run(["/" + nstree.PREPARE_ROOT, "/"])
        if status or nsboot.changed(stale, nsboot.table(world)):
            return [f"by hand on the running system: exit {status}, or mounts changed"]
    with nsboot.booted("utility", PARTS) as (world, _):
        return (nsboot.differs("mounts", nsboot.changed(nsboot.table(world), stale), []) +
                nsboot.differs("argv", report["argv"], ["/sbin/init", "single"]) +
                nsboot.differs("env", report["env"], ["TERM=linux"]))


if __name__ == "__main__":
    PARTS = nstap.program("ostree-prepare-root"), nstap.probe()
    sys.exit(nstap.main(nstap.CASES))

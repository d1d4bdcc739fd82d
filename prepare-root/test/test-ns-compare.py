#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares our ostree-prepare-root with Debian's: both run on identical trees, and the resulting
mount tables are compared field by field.

Every difference must be in EXPECTED with its reason. Both an unexpected difference and an expected
one that does not occur fail the test, so the list can neither hide a defect nor become outdated.
"""

import fnmatch
import os
import sys

from testlib import nsboot
from testlib import nstable
from testlib import nstap
from testlib import nstree
from testlib.nssys import MS_NOATIME, MS_NODEV, MS_NOSUID, MS_RDONLY, MS_REC, MS_SHARED, mount


def shared_world(phys):
    """Make all mounts shared, as systemd does before the root is mounted."""
    mount(None, os.path.dirname(phys), None, MS_REC | MS_SHARED)


def data_partition(phys):
    """Mount a file system in the physical root before the program starts."""
    mount("data", phys + "/home", "tmpfs", 0, "mode=0755")


BOTH, PID1, UTILITY = ("pid1", "utility"), ("pid1",), ("utility",)

# name: (changes to the tree, keywords for World, worlds)
CONFIGURATIONS = {
    "plain": ((), {}, BOTH),
    "readonly": ((nstree.readonly,), {}, BOTH),
    "hotfix": ((nstree.hotfix,), {}, BOTH),
    "hotfix-readonly": ((nstree.hotfix, nstree.readonly), {}, BOTH),
    "no-loader": ((nstree.no_loader,), {}, BOTH),
    "var-marker": ((nstree.var_marker,), {}, PID1),
    "fstab-var": ((nstree.fstab_var,), {}, BOTH),
    "systemd": ((nstree.systemd,), {}, BOTH),
    "second-stateroot": ((nstree.second,), {}, BOTH),
    "kernel-ro": ((), {"root_flags": MS_RDONLY}, BOTH),
    "kernel-ro-readonly": ((nstree.readonly,), {"root_flags": MS_RDONLY}, BOTH),
    "root-flags": ((), {"root_flags": MS_NOSUID | MS_NODEV | MS_NOATIME}, BOTH),
    "root-flags-readonly": ((nstree.readonly,),
                            {"root_flags": MS_NOSUID | MS_NODEV | MS_NOATIME}, BOTH),
    "run-mounted": ((), {"mounts": ("proc", "dev", "run")}, PID1),
    "no-run": ((), {"mounts": ("proc", "dev")}, UTILITY),
    "shared": ((), {"extra": shared_world}, UTILITY),
    "data-partition": ((), {"extra": data_partition}, BOTH),
    "readonly-systemd": ((nstree.readonly, nstree.systemd), {}, BOTH),
    "readonly-fstab-var": ((nstree.readonly, nstree.fstab_var), {}, BOTH),
    "real-ostree": ((), {"build": nstree.make_real}, BOTH),
    "hotfix-kernel-ro": ((nstree.hotfix,), {"root_flags": MS_RDONLY}, BOTH),
}

SUCCESS = {"pid1": "init runs", "utility": "exit 0"}

# Configurations in which ours mounts /var and the flags of the root are the usual ones.
VAR_CONFIGURATIONS = "plain hotfix no-loader second-stateroot run-mounted no-run shared " \
                     "data-partition real-ostree"
VAR = "/sysroot/ostree/deploy/demo/var"


def var_row(options, super_options):
    """Our mount on /var, in the form of nstable.summary."""
    return ("/var", "mount", None, "fs phys (tmpfs); root /ostree/deploy/demo/var; "
            f"options {options}; super {super_options}; propagation shared; parent /")


RUN_ROW = ("/run", "mount", None, "fs tmpfs; root /; options nodev,nosuid,rw; "
           "super mode=755,rw,size=N; propagation private; parent /")

# (worlds, configurations, differences in the form of nstable.differences, reason). Targets are
# paths in the new root, in both worlds.
EXPECTED = [
    (PID1, "*",
     [(f"/sysroot/{t}", "target", f"/sysroot/{t}", f"/{t}")
      for t in ("dev", "dev/null", "dev/console", "proc", "proc/cmdline")],
     "The kernel's mounts are moved, otherwise the real init would find an empty /dev."),
    (PID1, "* !run-mounted", [RUN_ROW],
     "/run must carry /run/ostree-booted to the real init; Debian leaves that to systemd."),
    (UTILITY, "no-run", [RUN_ROW],
     "If the caller has no /run, the tree's is mounted now, for the same reason."),
    (PID1, "run-mounted", [("/sysroot/run", "target", "/sysroot/run", "/run")],
     "A /run that is mounted already is moved like /dev."),
    (BOTH, VAR_CONFIGURATIONS, [var_row("relatime,rw", "mode=755,rw")],
     "Debian leaves /var to systemd and libostree's generator, which not every tree has."),
    (BOTH, "kernel-ro", [var_row("relatime,rw", "mode=755,ro")],
     "The same on a root that is read-only until the tree remounts it."),
    (BOTH, "hotfix-kernel-ro", [var_row("relatime,rw", "mode=755,rw")],
     "The same on a root that both remount, since the overlay must be writable."),
    (BOTH, "root-flags", [var_row("noatime,nodev,nosuid,rw", "mode=755,rw")],
     "The same with the flags of the root."),
    (PID1, "var-marker", [("/var", "propagation", "private", "shared")],
     "Mounts that are made below /var must reach containers (ostree issue 2086)."),
    (BOTH, "readonly hotfix-readonly root-flags-readonly",
     [(VAR, "target", VAR, "/var"), (VAR, "propagation", "private", "shared")],
     "Debian keeps var writable in /sysroot for the generator's mount; ours is mounted on /var."),
    (PID1, "readonly* hotfix-readonly", [("/sysroot", "options", "relatime,rw", "relatime,ro")],
     "Debian's ignores sysroot.readonly as process 1."),
    (PID1, "root-flags-readonly",
     [("/sysroot", "options", "noatime,nodev,nosuid,rw", "noatime,nodev,nosuid,ro")],
     "Debian's ignores sysroot.readonly as process 1."),
    (BOTH, "kernel-ro", [(t, "options", "relatime,ro", "relatime,rw")
                         for t in ("/", "/boot", "/sysroot")],
     "The tree's own remount makes the super block writable; a bind's ro flag would stay."),
    (BOTH, "hotfix-kernel-ro", [(t, "options", "relatime,ro", "relatime,rw")
                                for t in ("/boot", "/sysroot")],
     "Debian's has made the super block writable, and leaves these two read-only."),
    (BOTH, "kernel-ro-readonly", [("-", "outcome", "exit 1", None)],
     "Debian's refuses to boot, although Linux mounts the root read-only unless told otherwise."),
    (BOTH, "root-flags*", [("/usr", "options", "noatime,ro", "noatime,nodev,nosuid,ro")],
     "Debian's remount drops nosuid and nodev."),
    (BOTH, "root-flags-readonly", [("/etc", "options", "noatime,rw", "noatime,nodev,nosuid,rw"),
                                   (VAR, "options", "noatime,rw", "noatime,nodev,nosuid,rw")],
     "Debian's remount drops nosuid and nodev."),
    (UTILITY, "root-flags-readonly",
     [("/sysroot", "options", "noatime,ro", "noatime,nodev,nosuid,ro")],
     "Debian's remount drops nosuid and nodev."),
]


def applies(patterns, name):
    """True if a pattern matches name and none that begins with "!" does."""
    matches = [p for p in patterns.split() if fnmatch.fnmatchcase(name, p.lstrip("!"))]
    return bool(matches) and not any(p.startswith("!") for p in matches)


def in_new_root(kind, rows):
    """The table with targets as in the new root, which is mounted on the initramfs' /sysroot."""
    if kind == "pid1":
        return rows

    def rename(target):
        if target == "-" or not (target + "/").startswith("/sysroot/"):
            return "initramfs:" + target
        return target[len("/sysroot"):] or "/"
    return {rename(t): {**row, "parent": rename(row["parent"])} for t, row in rows.items()}


def outcome(prepare_root, kind, changes, options):
    """(outcome in words, mount table) of one program in one world."""
    with nsboot.world(kind, (prepare_root, PROBE), *changes, files=LIBRARIES, **options) as world:
        if kind == "utility":
            status, _, _ = world.run([nsboot.PROGRAM, "/sysroot"])
            said = f"exit {status}"
        else:
            report = world.go([nsboot.program_path(world)])
            said = "init runs" if report else f"exit {world.exit_status()}"
        return said, in_new_root(kind, nsboot.table(world))


def compare(name, kind):
    """The problems of one configuration in one world."""
    changes, options, _ = CONFIGURATIONS[name]
    debian = outcome(DEBIAN, kind, changes, options)
    ours = outcome(OURS, kind, changes, options)
    wanted = [difference for kinds, patterns, listed, _ in EXPECTED for difference in listed
              if kind in kinds and applies(patterns, name)]
    if debian[0] == SUCCESS[kind]:
        found = nstable.differences(debian[1], ours[1])
    else:
        found = [("-", "outcome", debian[0], None)]
        wanted = [difference for difference in wanted if difference[1] == "outcome"]
    problems = [] if ours[0] == SUCCESS[kind] else [f"ours: {ours[0]}"]
    problems += [f"unexpected: {difference}" for difference in found if difference not in wanted]
    problems += [f"did not occur: {difference}" for difference in wanted if difference not in found]
    return problems


if __name__ == "__main__":
    OURS, PROBE = nstap.program("ostree-prepare-root"), nstap.probe()
    DEBIAN, LIBRARIES = nstree.debian()
    sys.exit(nstap.main([(f"{kind} {name}", lambda n=name, k=kind: compare(n, k))
                         for name, (_, _, kinds) in CONFIGURATIONS.items() for kind in kinds]))

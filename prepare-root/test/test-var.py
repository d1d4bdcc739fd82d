#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ostree-prepare-root mounts /var exactly if systemd would not: if systemd's plan for the tree
(systemd --test, with the units of systemd-fstab-generator) has no job that mounts /var."""

import concurrent.futures
import os
import subprocess
import sys
import tempfile

SYSTEMD = "/lib/systemd/systemd"
FSTAB_GENERATOR = "/lib/systemd/system-generators/systemd-fstab-generator"
PROGRAM = os.path.join(os.path.abspath(os.environ["BUILD"]), "ostree-prepare-root")

UNIT = "[Unit]\nDefaultDependencies=no\n"
MOUNT = UNIT + "[Mount]\nWhat=tmpfs\nWhere=/var\nType=tmpfs\n"
# Includes a service that needs /var, as every tree has.
BASE = {"basic.target": UNIT + "Requires=user.service\n", "umount.target": UNIT,
        "local-fs.target": UNIT, "local-fs-pre.target": UNIT,
        "user.service": UNIT + "RequiresMountsFor=/var/lib\n[Service]\nExecStart=/bin/true\n"}

# Directories in which systemd looks for units.
ETC, LOCAL, VENDOR = "etc/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system"


def put(path, text):
    """Make a file and its directory."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def alias(path, _tree):
    """Make a link to a unit of another name in the same directory."""
    put(os.path.dirname(path) + "/srv.mount", MOUNT)
    os.symlink("srv.mount", path)


def linked(path, tree):
    """Make a link to a unit elsewhere in the tree, as systemctl link does."""
    put(tree + "/opt/var.mount", MOUNT)
    os.symlink(os.path.relpath(tree + "/opt/var.mount", os.path.dirname(path)), path)


def renamed(path, tree):
    """Make a link to a unit of another name outside systemd's directories."""
    put(tree + "/opt/srv.mount", MOUNT)
    os.symlink(os.path.relpath(tree + "/opt/srv.mount", os.path.dirname(path)), path)


def to_vendor(path, tree):
    """Make a link to the file of the same name in /usr, which may be missing or a mask."""
    target = f"{tree}/{VENDOR}/var.mount"
    os.symlink("gone" if target == path else os.path.relpath(target, os.path.dirname(path)), path)


# Objects at the path of a unit: functions that make them.
KINDS = {
    "nothing": lambda path, _: None,
    "a unit": lambda path, _: put(path, MOUNT),
    "a mask": lambda path, _: os.symlink("/dev/null", path),
    "an empty file": lambda path, _: put(path, ""),
    "a dangling link": lambda path, _: os.symlink("nowhere/var.mount", path),
    "a dangling link out": lambda path, tree: os.symlink(
        os.path.relpath(tree + "/nowhere/var.mount", os.path.dirname(path)), path),
    "a renamed unit": renamed,
    "a link to /usr": to_vendor,
    "an alias": alias,
    "a linked unit": linked,
    "a directory": lambda path, _: os.mkdir(path),
}
FSTABS = ("", "tmpfs /var tmpfs\n", "tmpfs //var/ tmpfs\n", "tmpfs /./var tmpfs\n",
          "# tmpfs /var tmpfs\n", "tmpfs /var/tmp tmpfs\n")


def make(work, kinds, fstab):
    """A sysroot with a deployment that has these objects and this fstab."""
    root = work + "/sysroot"
    tree = root + "/ostree/deploy/os/deploy/c0ffee.0"
    for name in ("usr", "etc", "var", "run", "dev", "sysroot", "usr/sbin", "usr/lib/systemd"):
        os.makedirs(f"{tree}/{name}", exist_ok=True)
    os.makedirs(root + "/ostree/deploy/os/var")
    os.symlink("deploy/os/deploy/c0ffee.0", root + "/ostree/link")
    put(tree + "/usr/lib/systemd/systemd", "x")
    os.chmod(tree + "/usr/lib/systemd/systemd", 0o755)
    os.symlink("usr/sbin", tree + "/sbin")
    os.symlink("../lib/systemd/systemd", tree + "/usr/sbin/init")
    put(tree + "/etc/fstab", fstab)
    for directory, kind in kinds.items():
        os.makedirs(f"{tree}/{directory}", exist_ok=True)
        KINDS[kind](f"{tree}/{directory}/var.mount", tree)
    for name, text in BASE.items():
        put(f"{tree}/{VENDOR}/{name}", text)
    return root, tree


def as_user(argv, **env):
    """Run as an ordinary user, because systemd --test refuses root."""
    if os.geteuid() == 0:
        argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *argv]
    return subprocess.run(argv, env={"PATH": os.environ["PATH"], "HOME": "/", **env},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def systemd_mounts(tree, work):
    """True if systemd's plan mounts /var; None if there is no plan."""
    units = work + "/units"
    os.mkdir(units)
    os.chmod(units, 0o777)
    done = as_user([FSTAB_GENERATOR, units, units, units], SYSTEMD_FSTAB=tree + "/etc/fstab")
    if done.returncode:
        return None
    path = [f"{tree}/{ETC}", units, f"{tree}/{LOCAL}", f"{tree}/{VENDOR}"]
    said = as_user([SYSTEMD, "--test", "--system", "--no-pager", "--unit=basic.target"],
                   SYSTEMD_UNIT_PATH=":".join(path)).stdout
    if "Action: user.service -> start" not in said:
        return None
    return "Action: var.mount -> start" in said


def we_mount(root):
    """True if the plan of ostree-prepare-root mounts /var."""
    done = subprocess.run([PROGRAM, "--dry-run", root,
                           "ostree=/ostree/link init=/ostree-prepare-root"],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return "/ostree/deploy/os/var on " in done.stdout


def try_one(kinds, fstab):
    """The problem with this tree, or ""."""
    with tempfile.TemporaryDirectory() as work:
        os.chmod(work, 0o755)
        root, tree = make(work, kinds, fstab)
        theirs, ours = systemd_mounts(tree, work), we_mount(root)
    if theirs is None:
        return "systemd made no plan"
    return "" if theirs != ours else f"systemd mounts: {theirs}, we mount: {ours}"


def generator(places):
    """True if we mount /var with libostree's generator in these states, {directory: kind}."""
    with tempfile.TemporaryDirectory() as work:
        os.chmod(work, 0o755)
        root, tree = make(work, {}, "")
        for directory, kind in places.items():
            path = f"{tree}/{directory}/systemd/system-generators/ostree-system-generator"
            os.makedirs(os.path.dirname(path))
            if kind == "mask":
                os.symlink("/dev/null", path)
            else:
                put(path, "" if kind == "empty" else "#!/bin/sh\n")
                os.chmod(path, 0o644 if kind == "no program" else 0o755)
        return we_mount(root)


# systemd.generator(7): a name in /etc overrides the same one in /usr, an empty file or a link to
# /dev/null is a mask, and a file that cannot be executed is ignored.
GENERATORS = (({}, True), ({"usr/lib": "program"}, False), ({"usr/local/lib": "program"}, False),
              ({"usr/lib": "program", "etc": "mask"}, True),
              ({"usr/lib": "program", "etc": "empty"}, True),
              ({"usr/lib": "program", "usr/local/lib": "mask"}, True),
              ({"usr/lib": "mask", "etc": "program"}, False),
              ({"usr/lib": "program", "etc": "no program"}, False),
              ({"usr/lib": "empty"}, True), ({"usr/lib": "no program"}, True))


def main():
    """TAP: each kind of object in each directory, alone and with others, and each fstab."""
    cases = [({ETC: a, VENDOR: b}, "") for a in KINDS for b in ("nothing", "a unit", "a mask")]
    cases += [({LOCAL: kind, VENDOR: "a unit"}, "") for kind in KINDS]
    cases += [({VENDOR: kind}, "") for kind in KINDS]
    cases += [({place: kind}, fstab) for fstab in FSTABS[1:]
              for place, kind in ((ETC, "nothing"), (ETC, "a mask"), (VENDOR, "a mask"))]
    print(f"1..{len(cases) + len(GENERATORS)}", flush=True)
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda case: try_one(*case), cases))
    for number, ((kinds, fstab), why) in enumerate(zip(cases, found), 1):
        name = ", ".join(f"{kind} in {place}" for place, kind in kinds.items())
        bad |= bool(why)
        print(f"{'not ' if why else ''}ok {number} - {name}{', ' if fstab else ''}{fstab.strip()}")
        if why:
            print("#   " + why)
    for number, (places, wanted) in enumerate(GENERATORS, len(cases) + 1):
        good = generator(places) == wanted
        bad |= not good
        print(f"{'' if good else 'not '}ok {number} - generator: {places}")
    return bad


if __name__ == "__main__":
    sys.exit(main())

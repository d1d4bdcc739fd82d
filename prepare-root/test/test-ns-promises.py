#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What ostree-prepare-root promises at run time beyond what a comparison with Debian's program
shows: examined from inside a booted deployment, as a utility and as process 1."""

import ctypes
import os
import subprocess
import sys

from testlib import nsboot
from testlib import nstap
from testlib import nstree
from testlib.nssys import (CLONE_NEWNS, MS_BIND, MS_NOATIME, MS_NODEV, MS_NODIRATIME, MS_NOSUID, MS_RDONLY,
                   MS_REMOUNT, MS_STRICTATIME, mount, read_file, umount, unshare, write_file)

VAR = "/sysroot/ostree/deploy/demo/var"


def can_write(paths):
    """For inside(): {path: "" or the error when a file is created there}."""
    result = {}
    for path in paths:
        try:
            write_file(path + "/written", "x")
            result[path] = ""
        except OSError as error:
            result[path] = os.strerror(error.errno)
    return result


# --- mounts ---


@nstap.case(*nsboot.KINDS)
def nothing_is_left_behind(kind):
    """Nothing is written to the physical root, and the initramfs is unchanged."""
    problems = []
    for flags in (0, MS_RDONLY):
        with nsboot.world(kind, PARTS, nstree.readonly, root_flags=flags) as world:
            physical = "/sysroot" if kind == "utility" else "/"
            before = world.inside(nsboot.listing, physical)
            if kind == "utility":
                caller = set(world.inside(nsboot.listing))
                status, _, _ = world.run([nsboot.PROGRAM, "/sysroot"])
                problems += nsboot.differs("exit", status, 0)
                physical = "/sysroot/sysroot"
                caller ^= set(world.inside(nsboot.listing))
                problems += nsboot.differs("initramfs", caller, set())
            else:
                physical = "/sysroot"
                report = world.go([nsboot.program_path(world)])
                problems += nsboot.differs("no init", report is None, False)
            after = world.inside(nsboot.listing, physical)
            # Before the switch these two were mount points, so only their content is compared.
            names = [n for n in nsboot.changed(before, after) if n not in ("dev", "proc")]
            problems += nsboot.differs(f"flags {flags}", names, [])
    return problems


@nstap.case(*nsboot.KINDS)
def flags_of_the_root_are_kept(kind):
    """Every mount of the physical root keeps its nosuid, nodev and atime flags."""
    problems = []
    for flags, present, absent in (
            (MS_NOSUID | MS_NODEV | MS_NOATIME, {"nosuid", "nodev", "noatime"}, {"relatime"}),
            (MS_NOSUID | MS_NODIRATIME, {"nosuid", "nodiratime", "relatime"}, {"nodev"}),
            (MS_STRICTATIME, set(), {"relatime", "noatime", "nosuid", "nodev"})):
        for changes in ((nstree.readonly,), (nstree.readonly, nstree.hotfix)):
            for ro in (0, MS_RDONLY):
                with nsboot.booted(kind, PARTS, *changes, root_flags=flags | ro) as (world, _):
                    rows = {t: set(row["options"].split(","))
                            for t, row in nsboot.table(world).items()
                            if row["fs"].startswith(("phys", "overlay"))}
                problems += [f"{t} {sorted(options)}, root flags {flags}, ro {ro}"
                             for t, options in rows.items()
                             if present - options or absent & options]
                problems += nsboot.differs("mounts", len(rows), 6)
    return problems


@nstap.case(*nsboot.KINDS)
def after_the_trees_remount_only_usr_is_read_only(kind):
    """After mount -o remount,rw / only /usr is read-only, and /sysroot if it is configured so;
    before that, one message says that /etc and /var are read-only."""
    problems = []
    for changes, wanted in (((), {"/usr"}), ((nstree.readonly,), {"/usr", "/sysroot"})):
        with nsboot.booted(kind, PARTS, *changes, root_flags=MS_RDONLY) as (world, _):
            said = [line for line in world.kmsg() if "/etc" in line and "/var" in line]
            problems += nsboot.differs("lines that say so", len(said), 1)
            problems += nsboot.differs("before", world.inside(can_write, ["/etc", "/var"]),
                                       dict.fromkeys(["/etc", "/var"], "Read-only file system"))
            world.inside(mount, None, "/", None, MS_REMOUNT)
            readonly = {t for t, row in nsboot.table(world).items()
                        if "ro" in row["options"].split(",") + row["super"].split(",")}
            problems += nsboot.differs("ro", readonly, wanted)
            places = ["/usr", "/etc", "/var", "/boot", "/run", "/tmp", "/sysroot",
                      "/sysroot/ostree"]
            refused = {p for p, why in world.inside(can_write, places).items() if why}
            problems += nsboot.differs("refused", refused,
                                       {p for p in places for w in wanted if p.startswith(w)})
    return problems


@nstap.case(*nsboot.KINDS)
def var_is_shared_and_apart_from_sysroot(kind):
    """A mount below /var propagates to an existing mount namespace, and does not appear a second
    time below /sysroot."""
    def try_it(world):
        os.mkdir("/var/mnt")
        ready, tell = os.pipe()
        wait, go = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(go)
            unshare(CLONE_NEWNS)
            os.write(tell, b"x")
            os.read(wait, 1)
            os._exit(any(" /var/mnt " in line for line in world.mountinfo_here()))
        os.read(ready, 1)
        mount("new", "/var/mnt", "tmpfs")
        os.close(go)
        seen = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        twice = [line for line in world.mountinfo_here() if VAR + "/mnt" in line]
        umount("/var/mnt")
        return [seen, twice]
    problems = []
    for changes in ((), (nstree.readonly,)):
        with nsboot.booted(kind, PARTS, *changes) as (world, _):
            problems += nsboot.differs("seen, twice", world.inside(try_it, world), [1, []])
    return problems


@nstap.case(*nsboot.KINDS)
def systemd_finds_a_writable_var(kind):
    """Systemd's var.mount binds /sysroot/ostree/deploy/STATEROOT/var; the result must be writable
    although /sysroot is read-only."""
    with nsboot.booted(kind, PARTS, nstree.readonly, nstree.systemd) as (world, _):
        def generated_mount():
            mount(VAR, "/var", None, MS_BIND)
            return can_write(["/var"])
        return (nsboot.differs("/var", "/var" in nsboot.table(world), False) +
                nsboot.differs("write", world.inside(generated_mount), {"/var": ""}))


@nstap.case(*nsboot.KINDS)
def hotfix_makes_usr_writable(kind):
    """Writes to /usr go to the deployment's .usr-ovl-upper, so they are still there at the next
    boot."""
    with nsboot.booted(kind, PARTS, nstree.hotfix) as (world, _):
        upper = f"/sysroot/{nstree.DEPLOYMENT}/.usr-ovl-upper/written"
        return (nsboot.differs("write", world.inside(can_write, ["/usr"]), {"/usr": ""}) +
                nsboot.differs("kept", world.inside(os.path.exists, upper), True))


def _no_overlay_on_this(things, phys):
    """Make the root a stack of two overlays, Linux's limit, so that a third one is refused."""
    for name in ("lower", "upper", "work", "first", "upper2", "work2"):
        os.mkdir(f"{things}/{name}")
    layers = "lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work"
    mount("first", f"{things}/first", "overlay", 0, layers.format(things))
    layers = "lowerdir={0}/first,upperdir={0}/upper2,workdir={0}/work2"
    mount("phys", phys, "overlay", 0, layers.format(things))


@nstap.case(*nsboot.KINDS)
def hotfix_without_overlay_still_boots(kind):
    """If the kernel refuses the overlay, a message says so and /usr is read-only."""
    with nsboot.booted(kind, PARTS, nstree.hotfix, stack=_no_overlay_on_this) as (world, _):
        loud = [line for line in world.kmsg() if "overlay" in line and "/usr" in line]
        return (nsboot.differs("loud lines", len(loud), 1) +
                nsboot.differs("/usr", nsboot.table(world)["/usr"]["options"], "relatime,ro") +
                nsboot.differs("write", world.inside(can_write, ["/usr"]),
                               {"/usr": "Read-only file system"}))


# --- /dev, /proc, /sys, /run ---


@nstap.case("pid1")
def kernel_file_systems_go_along(kind):
    """The mounts on /dev, /proc and /sys move into the tree together with their submounts."""
    def more(phys):
        mount("sys", phys + "/sys", "tmpfs")
        os.mkdir(phys + "/dev/pts")
        mount("pts", phys + "/dev/pts", "tmpfs")
    with nsboot.booted(kind, PARTS, extra=more) as (world, _):
        rows = nsboot.table(world)
        wanted = {"/dev": "dev (tmpfs)", "/dev/pts": "pts (tmpfs)", "/proc": "proc",
                  "/sys": "sys (tmpfs)"}
        return nsboot.differs("moved", {t: rows[t]["fs"] for t in wanted if t in rows}, wanted)


@nstap.case("pid1")
def dev_is_never_empty(kind):
    """Without /dev the program mounts devtmpfs; if the kernel refuses (as in a user namespace), a
    message says so and the boot continues."""
    with nsboot.booted(kind, PARTS, mounts=("proc",)) as (world, _):
        if "/dev" in nsboot.table(world):
            return (nsboot.differs("/dev", nsboot.table(world)["/dev"]["fs"], "devtmpfs") +
                    nsboot.differs("null", world.inside(os.path.exists, "/dev/null"), True))
        said = [line for line in world.text().splitlines() if "/dev" in line]
        return nsboot.differs("lines that say so", len(said), 1)


@nstap.case("pid1")
def a_tree_without_proc_boots(kind):
    """A mount without a directory in the tree is not moved, and a message says so."""
    def without(top):
        for name in ("proc", "sys"):
            os.rmdir(f"{top}/{nstree.DEPLOYMENT}/{name}")
    with nsboot.booted(kind, PARTS, without,
                       extra=lambda phys: mount("sys", phys + "/sys", "tmpfs")) as (world, _):
        said = [line for line in world.kmsg() if "the tree has no directory /" in line]
        return (nsboot.differs("lines", len(said), 2) +
                nsboot.differs("mounted", {"/proc", "/sys"} & nsboot.table(world).keys(), set()))


RUN_WANTED = {".": "drwxr-xr-x", "ostree": "drwxr-xr-x", "ostree/.private": "d---------",
              "ostree-booted": "-rw-r--r--"}


@nstap.case(*nsboot.KINDS)
def run_carries_ostrees_files(kind):
    """/run is a tmpfs with the documented flags; the modes do not depend on the caller's umask."""
    problems = []
    with nsboot.booted(kind, PARTS, nstree.readonly) as (world, _):
        modes = {p: what.split()[0] for p, what in world.inside(nsboot.listing, "/run").items()}
        problems += nsboot.differs("modes, readonly", modes,
                                   {**RUN_WANTED, "ostree-sysroot-ro.stamp": "-rw-r--r--"})
        problems += nsboot.differs("stamp", world.inside(
            lambda: len(read_file("/run/ostree-sysroot-ro.stamp"))), 0)
    with nsboot.booted(kind, PARTS, mounts=("proc", "dev")) as (world, _):
        row = nsboot.table(world)["/run"]
        problems += nsboot.differs("options", row["options"], "nodev,nosuid,rw")
        problems += nsboot.differs("fs, super", (row["fs"], row["super"]),
                                   ("tmpfs", "mode=755,rw,size=N"))
        line = [x for x in world.mountinfo() if " /run " in x][0]
        size = int(line.split("size=")[1].split("k")[0])
        total = int(read_file("/proc/meminfo").split()[1])
        problems += nsboot.differs("size, part of the memory", round(size / total, 4), 0.2)
        modes = {p: what.split()[0] for p, what in world.inside(nsboot.listing, "/run").items()}
        problems += nsboot.differs("modes", modes, RUN_WANTED)
    if kind == "utility":
        with nsboot.world(kind, PARTS) as world:
            world.run([nsboot.PROGRAM, "/sysroot"], umask=0o077)
            modes = {p: what.split()[0] for p, what in world.inside(nsboot.listing, "/run").items()}
            problems += nsboot.differs("modes, umask 077", modes, RUN_WANTED)
            problems += nsboot.differs("tree's /run", "/sysroot/run" in nsboot.table(world), False)
    return problems


def glib_text(data):
    """A serialised a{sv} as GLib prints it, or a note that it is not in normal form."""
    GLIB.g_variant_new_from_data.restype = ctypes.c_void_p
    GLIB.g_variant_print.restype = ctypes.c_char_p
    keep = ctypes.create_string_buffer(data, len(data))
    value = GLIB.g_variant_new_from_data(b"a{sv}", keep, ctypes.c_size_t(len(data)), 0, None, None)
    if not GLIB.g_variant_is_normal_form(ctypes.c_void_p(value)):
        return "not in normal form"
    return GLIB.g_variant_print(ctypes.c_void_p(value), 1).decode()


@nstap.case(*nsboot.KINDS)
def ostree_booted_is_read_by_glib(kind):
    """The metadata names device and inode of the deployment, by which libostree recognizes it."""
    problems = []
    for changes, readonly in (((), "false"), ((nstree.readonly,), "true")):
        with nsboot.booted(kind, PARTS, *changes) as (world, _):
            data = bytes(world.inside(lambda: list(read_file("/run/ostree-booted"))))
            device, inode = world.inside(lambda: [os.stat("/").st_dev, os.stat("/").st_ino])
        problems += nsboot.differs(
            "dictionary", glib_text(data),
            f"{{'backing-root-device-inode': <(uint64 {device}, uint64 {inode})>, "
            "'root.transient': <false>, 'root.transient-ro': <false>, "
            f"'sysroot-ro': <{readonly}>}}")
    return problems


@nstap.case("utility")
def run_may_have_leftovers(kind):
    """An existing /run/ostree and /run/ostree-booted are not errors (ostree issue 3122)."""
    def leftovers():
        os.makedirs("/run/ostree/.private")
        write_file("/run/ostree-booted", "x" * 5000)
    with nsboot.world(kind, PARTS) as world:
        world.inside(leftovers)
        status, _, said = world.run([nsboot.PROGRAM, "/sysroot"])
        data = bytes(world.inside(lambda: list(read_file("/run/ostree-booted"))))
        return (nsboot.differs("exit", (status, said), (0, "")) +
                nsboot.differs("normal form", glib_text(data)[:1], "{"))


# --- what the caller may leave out or spell differently ---


@nstap.case(*nsboot.KINDS)
def a_tree_without_boot_boots(kind):
    """Without a directory /boot in the tree, /boot is not mounted."""
    def no_boot(top):
        os.rmdir(f"{top}/{nstree.DEPLOYMENT}/boot")
    with nsboot.booted(kind, PARTS, no_boot) as (world, _):
        return nsboot.differs("/boot", "/boot" in nsboot.table(world), False)


def _boot_elsewhere(top):
    """Make the root's /boot a link to a directory of the caller that has a loader link as well."""
    os.rename(top + "/boot", top + "/kept")
    os.symlink("/tmp", top + "/boot")
    os.symlink("loader.1", (top[:-len("/sysroot")] if top.endswith("/sysroot") else top) +
               "/tmp/loader")


@nstap.case(*nsboot.KINDS)
def boot_is_never_somewhere_else(kind):
    """A link /boot that leaves the root file system is reported and not followed; one that stays
    inside is followed."""
    with nsboot.booted(kind, PARTS, _boot_elsewhere) as (world, _):
        said = [line for line in world.kmsg() if "/boot is a link that leaves it" in line]
        problems = (nsboot.differs("lines", len(said), 1) +
                    nsboot.differs("/boot", "/boot" in nsboot.table(world), False))

    def inside(top):
        os.rename(top + "/boot", top + "/home/boot")
        os.symlink("home/boot", top + "/boot")
    with nsboot.booted(kind, PARTS, inside) as (world, _):
        return problems + nsboot.differs("/boot", nsboot.table(world)["/boot"]["root"],
                                         "/home/boot")


@nstap.case(*nsboot.KINDS)
def var_may_be_a_link_in_the_sysroot(kind):
    """A stateroot's var that is a link is followed, as in upstream's program."""
    def linked(top):
        os.rename(top + VAR[len("/sysroot"):], top + "/home/state")
        os.symlink("../../../home/state", top + VAR[len("/sysroot"):])
    with nsboot.booted(kind, PARTS, linked) as (world, _):
        return nsboot.differs("/var", (nsboot.table(world)["/var"]["root"],
                                       world.inside(can_write, ["/var"])),
                              ("/home/state", {"/var": ""}))


@nstap.case(*nsboot.KINDS)
def the_marker_means_that_var_is_ours(kind):
    """If the marker file exists, /var is mounted in spite of systemd and fstab, because libostree's
    generator then does not mount it."""
    def marker(phys):
        run = "/run" if kind == "pid1" else "/../run"
        os.makedirs(phys + run + "/ostree")
        write_file(phys + run + "/ostree/initramfs-mount-var", "")
    problems = []
    for change in (nstree.systemd, nstree.fstab_var):
        with nsboot.booted(kind, PARTS, change, extra=marker) as (world, _):
            problems += nsboot.differs(change.__name__, "/var" in nsboot.table(world), True)
    return problems


def _hotfix_elsewhere(top):
    """Make the overlay's upper directory a link out of the tree."""
    nstree.hotfix(top)
    os.rmdir(f"{top}/{nstree.DEPLOYMENT}/.usr-ovl-upper")
    os.symlink("/tmp", f"{top}/{nstree.DEPLOYMENT}/.usr-ovl-upper")


@nstap.case(*nsboot.KINDS)
def a_hotfix_is_never_somewhere_else(kind):
    """An upper directory that is a link is reported, and /usr is read-only."""
    with nsboot.booted(kind, PARTS, _hotfix_elsewhere) as (world, _):
        said = [line for line in world.kmsg() if ".usr-ovl-upper" in line]
        return (nsboot.differs("lines", len(said), 1) +
                nsboot.differs("write", world.inside(can_write, ["/usr"]),
                               {"/usr": "Read-only file system"}))


CONF = "/etc/ostree/prepare-root.conf"


@nstap.case("utility")
def prepare_root_conf_is_obeyed(kind):
    """prepare-root.conf of the initramfs can set readonly; the file in /etc overrides the vendor's,
    and either overrides the deployment's."""
    on, off = "[sysroot]\nreadonly=true\n", "[composefs]\nenabled=maybe\n"
    vendor = "/usr/lib/ostree/prepare-root.conf"

    def refused(top):
        os.makedirs(f"{top}/{nstree.DEPLOYMENT}/etc/ostree")
        write_file(f"{top}/{nstree.DEPLOYMENT}{CONF}", "[composefs]\nenabled=signed\n")
    problems = []
    for files, readonly, lines in (({CONF: on}, True, 0), ({vendor: on}, True, 0),
                                   ({vendor: on, CONF: off}, False, 1),
                                   ({vendor: off, CONF: on}, True, 0), ({CONF: ""}, False, 0)):
        with nsboot.booted(kind, PARTS, refused, files=[
                (path, text, 0o644) for path, text in files.items()]) as (world, _):
            row = nsboot.table(world)["/sysroot"]
            problems += nsboot.differs(f"{files}", row["options"],
                                       "relatime,ro" if readonly else "relatime,rw")
            problems += nsboot.differs(f"{files}, stamp", world.inside(
                os.path.exists, "/run/ostree-sysroot-ro.stamp"), readonly)
            said = [line for line in world.kmsg() if "prepare-root.conf" in line]
            problems += nsboot.differs(f"{files}, lines", len(said), lines)
    return problems


@nstap.case(*nsboot.KINDS)
def the_trees_prepare_root_conf_is_for_refusing(kind):
    """Without a file in the initramfs, each setting of the deployment's file that has no effect is
    reported."""
    def tree(top):
        os.makedirs(f"{top}/{nstree.DEPLOYMENT}/etc/ostree")
        write_file(f"{top}/{nstree.DEPLOYMENT}{CONF}",
                   "[sysroot]\nreadonly=true\n[etc]\ntransient=true\n")
    with nsboot.booted(kind, PARTS, tree) as (world, _):
        said = [line for line in world.kmsg() if CONF in line]
        return (nsboot.differs("lines", len(said), 2) +
                nsboot.differs("/sysroot", nsboot.table(world)["/sysroot"]["options"],
                               "relatime,rw"))


@nstap.case("utility")
def sysroot_may_be_spelled_in_many_ways(kind):
    """The result depends neither on the spelling nor on the working directory, which changes during
    a hotfix."""
    tables = {}
    for path in ("/sysroot", "/sysroot/", "sysroot", "//sysroot//", "/./sysroot", "tmp/../sysroot",
                 "/link"):
        with nsboot.world(kind, PARTS, nstree.readonly, nstree.hotfix) as world:
            world.inside(os.symlink, "sysroot", "/link")
            status, _, said = world.run([nsboot.PROGRAM, path])
            tables[path] = status, said, nsboot.table(world)
    return [f"{path}: {status} {said}" for path, (status, said, table) in tables.items()
            if status or said or table != tables["/sysroot"][2] or "/sysroot/usr" not in table]


@nstap.case("utility")
def a_reader_of_messages_may_go(kind):
    """A message to a pipe without a reader does not stop the program."""
    def without_reader():
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run([nsboot.PROGRAM, "/sysroot"], stderr=write, check=False)
        os.close(write)
        return done.returncode
    said = [(CONF, "[etc]\ntransient=true\n", 0o644)]
    with nsboot.world(kind, PARTS, files=said) as world:
        return (nsboot.differs("exit", world.inside(without_reader, in_pidns=True), 0) +
                nsboot.differs("prepared", world.inside(nsboot.prepared), True) +
                nsboot.differs("lines", len(world.kmsg()), 2))


# --- dry run ---


@nstap.case("utility")
def a_dry_run_changes_nothing(kind):
    """--dry-run prints a plan; mounts and files stay as they are."""
    with nsboot.world(kind, PARTS, nstree.readonly) as world:
        before, files = nsboot.table(world), world.inside(nsboot.listing)
        status, plan, said = world.run([nsboot.PROGRAM, "--dry-run", "/sysroot"])
        return (nsboot.differs("exit", (status, bool(plan), said), (0, True, "")) +
                nsboot.differs("mounts", nsboot.changed(before, nsboot.table(world)), []) +
                nsboot.differs("files", nsboot.changed(files, world.inside(nsboot.listing)), []))


if __name__ == "__main__":
    PARTS = nstap.program("ostree-prepare-root"), nstap.probe()
    GLIB = ctypes.CDLL("libglib-2.0.so.0")
    sys.exit(nstap.main(nstap.CASES))

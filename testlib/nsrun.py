# SPDX-License-Identifier: LGPL-2.1-or-later
"""Worlds for the namespace ring: a private mount and process namespace with a physical root made
of a tmpfs, in which a prepare-root program runs with real mounts and a real pivot_root.

There are two kinds, as the program has two modes. "pid1": the physical root is / and the program is
process 1, as the kernel starts it from init=. "utility": a tmpfs is the initramfs, the physical
root is mounted on its /sysroot, and the program is an ordinary process there; afterwards the
world's process 1 may switch root as an initramfs does.

Nothing outside the namespaces changes, and nothing is left after them. The tests examine a world by
entering it (World.inside), so they see the kernel's state and do not rely on the program's output.
"""

import contextlib
import json
import os
import re
import select
import signal
import time
import traceback

from testlib.nssys import (CLONE_NEWNS, CLONE_NEWPID, MS_BIND, MS_MOVE, MS_NODEV, MS_NOSUID, MS_REMOUNT,
                   call, mount, unshare, write_file)

from testlib.slowness import limit

SCRATCH = "/tmp"  # where a world is built; a mount in its namespace hides the real directory
TIME_LIMIT = limit(20)  # seconds for anything that takes milliseconds


class World:
    """One world, from before the program's start until close(). See the module's docstring.

    build(dir) makes the physical root in dir and may return a kernel command line that replaces
    the given one. root_flags are the MS_ flags of its file system when the program starts, per
    mount and (ro) in the superblock, as after the kernel's mount of root=. mounts names those of
    proc, dev and run that are mounted when the program starts. files are (path, data, mode) of
    files to make in the program's root directory. extra(dir) is called with the finished physical
    root; stack(things, dir) mounts a file system other than a tmpfs for it, and may use the
    directory things.
    """

    def __init__(self, kind, build, cmdline, *, root_flags=0, mounts=("proc", "dev", "run"),
                 files=(), extra=None, stack=None):
        self.kind, self.build, self.cmdline = kind, build, cmdline
        self.root_flags, self.mounts, self.extra = root_flags, mounts, extra
        self.files, self.stack = files, stack
        self.output = {1: b"", 2: b""}
        self._proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
        go_read, self._go = os.pipe()
        ready, ready_write = os.pipe()
        in_read, self._stdin = os.pipe()
        out, out_write = os.pipe()
        err, err_write = os.pipe()
        self._pipes = {1: out, 2: err}
        self.middle = os.fork()
        if self.middle == 0:
            os.close(self._go)
            os.close(self._stdin)
            _exit_after(lambda: self._middle(ready_write, go_read, (in_read, out_write, err_write)))
        for fd in (go_read, ready_write, in_read, out_write, err_write):
            os.close(fd)
        said = sorted(_read_all(ready).decode().splitlines())
        os.close(ready)
        if len(said) != 2 or not said[1].startswith("ready "):
            raise RuntimeError("the world did not come up:\n" + "\n".join(said))
        self.process_1 = int(said[0])
        self.cmdline = said[1][len("ready "):]
        self._mntns = os.open(f"/proc/{self.process_1}/ns/mnt", os.O_RDONLY)
        self._pidns = os.open(f"/proc/{self.process_1}/ns/pid", os.O_RDONLY)
        self._kmsg = None
        if "dev" in mounts:
            self._kmsg = os.open(f"/proc/{self.process_1}/root/dev/kmsg", os.O_RDWR)

    # --- the side of the world ---------------------------------------------------------------

    def _middle(self, ready, go, stdio):
        """Own the namespaces, wait for the world's process 1 and end with its status."""
        unshare(CLONE_NEWNS | CLONE_NEWPID)
        child = os.fork()
        if child == 0:
            _exit_after(lambda: self._process_1(ready, go, stdio), ready)
        os.write(ready, f"{child}\n".encode())
        for fd in (ready, go, *stdio):
            os.close(fd)
        status = os.waitpid(child, 0)[1]
        os._exit(os.waitstatus_to_exitcode(status) & 0xff)

    def _process_1(self, ready, go, stdio):
        _settle(0o022)
        cmdline = self._make_world()
        os.write(ready, f"ready {cmdline}\n".encode())
        os.close(ready)
        command = json.loads(_read_all(go) or "null")
        if command is None:
            return
        _set_stdio(stdio)
        if self.kind == "utility":
            _switch_root(command["argv"][0])
        os.execve(command["argv"][0], command["argv"], command["env"])

    def _make_world(self):
        top = SCRATCH
        things = top + "/things"
        mount("scratch", top, "tmpfs", 0, "mode=0755")
        for name in ("world", "things"):
            os.mkdir(f"{top}/{name}")
        mount("things", things, "tmpfs")
        root = top + "/world"
        phys = root
        if self.kind == "utility":
            mount("initramfs", root, "tmpfs", 0, "mode=0755")
            for name in ("proc", "sys", "dev", "run", "tmp", "sysroot"):
                os.mkdir(f"{root}/{name}")
            phys = root + "/sysroot"
        if self.stack:
            self.stack(things, phys)
        else:
            mount("phys", phys, "tmpfs", 0, "mode=0755")
        cmdline = self.build(phys) or self.cmdline
        for path, data, mode in self.files:
            os.makedirs(os.path.dirname(root + path), exist_ok=True)
            write_file(root + path, data, mode)
        if self.root_flags:
            mount(None, phys, None, MS_REMOUNT | self.root_flags)
        write_file(things + "/cmdline", cmdline + "\n")
        for name in self.mounts:
            _MOUNTERS[name](f"{root}/{name}", things)
        if self.extra:
            self.extra(phys)
        # As the kernel does with root=, and every initramfs with the real root.
        os.chdir(root)
        mount(".", "/", None, MS_MOVE)
        os.chroot(".")
        os.chdir("/")
        return cmdline

    # --- the side of the test ----------------------------------------------------------------

    def inside(self, function, *args, in_pidns=False, meanwhile=None):
        """Run function(*args) in a process that has entered the world; return its value.

        The value is passed as JSON. An exception in the function is raised here too. meanwhile is
        called here while the function runs.
        """
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            def run():
                signal.setitimer(signal.ITIMER_REAL, TIME_LIMIT)
                if in_pidns:
                    call("setns", self._pidns, CLONE_NEWPID)
                call("setns", self._mntns, CLONE_NEWNS)
                try:
                    answer = {"value": function(*args)}
                except Exception:  # pylint: disable=broad-except
                    answer = {"error": traceback.format_exc()}
                os.write(write, json.dumps(answer).encode())
            os.close(read)
            _exit_after(run)
        os.close(write)
        if meanwhile:
            meanwhile()
        said = _read_all(read)
        os.close(read)
        os.waitpid(child, 0)
        answer = json.loads(said or '{"error": "the process inside died"}')
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    def mountinfo_here(self):
        """Lines of /proc/self/mountinfo for a function that runs inside(): that process is not in
        the world's own /proc."""
        fd = os.open("self/mountinfo", os.O_RDONLY, dir_fd=self._proc)
        with open(fd, encoding="utf-8", errors="surrogateescape") as f:
            return f.read().splitlines()

    def mountinfo(self):
        """Lines of /proc/self/mountinfo of a process with the world's root."""
        return self.inside(self.mountinfo_here)

    def run(self, argv, *, umask=0o022, before=None):
        """Run argv in the world as an ordinary process: (exit status, stdout, stderr). before is
        called with its process id before the program starts."""
        wait, start = os.pipe()
        pid_read, pid_write = os.pipe()

        def program(outs):
            _read_all(wait)
            _set_stdio((os.open("/dev/null", os.O_RDONLY), *outs))
            os.execve(argv[0], argv, {})

        def spawn():
            # Before the fork, so that strace only sees the program's own calls.
            _settle(umask)
            os.close(start)
            outs = [os.memfd_create(name) for name in ("out", "err")]
            child = os.fork()
            if child == 0:
                _exit_after(lambda: program(outs))
            os.write(pid_write, str(child).encode())
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            texts = [os.pread(fd, 1 << 20, 0).decode(errors="replace") for fd in outs]
            return [status, *texts]

        def release():
            os.close(pid_write)
            pid = os.read(pid_read, 32)
            if before and pid:
                before(int(pid))
            for fd in (wait, start, pid_read):
                os.close(fd)
        return tuple(self.inside(spawn, in_pidns=True, meanwhile=release))

    def go(self, argv, env=None):
        """Let the world's process 1 execute argv; in a utility world it switches root first, and
        argv[0] is a path in the new root. Returns the report of the real init as a dict of lists,
        or None if the process ended without one (then see exit_status() and text())."""
        os.write(self._go, json.dumps({"argv": argv, "env": env or {}}).encode())
        os.close(self._go)
        self._go = None
        end = time.monotonic() + TIME_LIMIT
        waiting = dict(self._pipes)
        while waiting and not self.output[1].endswith(b"\nend\n"):
            readable = select.select(list(waiting.values()), [], [],
                                     max(0, end - time.monotonic()))[0]
            if not readable:
                raise RuntimeError("time limit: " + self.text())
            for number, fd in list(waiting.items()):
                if fd in readable:
                    data = os.read(fd, 65536)
                    self.output[number] += data
                    if not data:
                        del waiting[number]
        if not self.output[1].endswith(b"\nend\n"):
            return None
        return _parse_report(self.output[1].decode())

    def text(self):
        """All that the program and the real init have written to standard error so far."""
        while select.select([self._pipes[2]], [], [], 0)[0]:
            data = os.read(self._pipes[2], 65536)
            if not data:
                break
            self.output[2] += data
        return self.output[2].decode(errors="replace")

    def kmsg(self):
        """The lines written to the world's /dev/kmsg since the last call, without their
        priorities. A line without a priority raises an exception."""
        said = os.pread(self._kmsg, 1 << 20, 0).decode(errors="replace")
        os.ftruncate(self._kmsg, 0)
        return [re.fullmatch(r"<\d+>(.*)", line)[1] for line in said.splitlines()]

    def exit_status(self):
        """Wait for process 1 and return its exit status (its namespace stays until close()), or
        the negative number of the signal that ended it: the kernel sends one for reboot(2). If the
        real init runs, which only ends with close(), this raises after TIME_LIMIT."""
        if self.middle:
            ended = os.pidfd_open(self.middle)
            in_time = select.select([ended], [], [], TIME_LIMIT)[0]
            os.close(ended)
            if not in_time:
                raise RuntimeError("time limit: process 1 has not ended")
            status = os.waitstatus_to_exitcode(os.waitpid(self.middle, 0)[1])
            self.middle = None
            self._status = status - 256 if status > 256 - signal.NSIG else status
        return self._status

    def close(self):
        """End all processes of the world, and the world."""
        if self.middle:
            os.kill(self.process_1, signal.SIGKILL)
            self.exit_status()
        for fd in (self._go, self._stdin, self._proc, self._mntns, self._pidns, self._kmsg,
                   *self._pipes.values()):
            if fd is not None:
                os.close(fd)
        self._go = self._stdin = self._proc = self._mntns = self._pidns = self._kmsg = None
        self._pipes = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _mount_proc(target, things):
    mount("proc", target, "proc")
    mount(things + "/cmdline", target + "/cmdline", None, MS_BIND)


def _mount_dev(target, _things):
    """A /dev whose kmsg is a file, to keep messages out of the host's log."""
    mount("dev", target, "tmpfs", MS_NOSUID, "mode=0755")
    for name in ("null", "console"):
        write_file(f"{target}/{name}", "")
        mount("/dev/null", f"{target}/{name}", None, MS_BIND)
    write_file(f"{target}/kmsg", "")


def _mount_run(target, _things):
    mount("run", target, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755")


_MOUNTERS = {"proc": _mount_proc, "dev": _mount_dev, "run": _mount_run}


def _switch_root(init):
    """As an initramfs does last: move the file systems to /sysroot and make that the root."""
    for name in ("dev", "proc", "sys", "run"):
        if os.path.ismount("/" + name) and not os.path.ismount("/sysroot/" + name):
            mount("/" + name, "/sysroot/" + name, None, MS_MOVE)
    os.chdir("/sysroot")
    mount(".", "/", None, MS_MOVE)
    os.chroot(".")
    os.chdir("/")
    os.stat(init)


def _settle(umask):
    """Reset signals, umask and working directory to those of a program that the kernel starts."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(umask)
    os.chdir("/")


def _set_stdio(descriptors):
    """Use these as standard streams and close all other descriptors, so that none of our caller's
    seems to come from the program under test."""
    for target, fd in enumerate(descriptors):
        os.dup2(fd, target)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))


def _exit_after(function, tell=None):
    """Run the function in a forked child and exit: the child must never return to the caller."""
    try:
        function()
        code = 0
    except BaseException:  # pylint: disable=broad-except
        text = traceback.format_exc()
        with contextlib.suppress(OSError):
            if tell is not None:
                os.write(tell, text.encode())
        with contextlib.suppress(OSError):
            os.write(2, text.encode())
        code = 125
    os._exit(code)


def _read_all(fd):
    """Read until the end; with readv(2), so that a trace of read(2) has only the program's."""
    data, part = b"", bytearray(65536)
    while True:
        got = os.readv(fd, [part])
        if not got:
            return data
        data += part[:got]


def _parse_report(text):
    report = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        report.setdefault(key, []).append(
            re.sub(r"\\x(..)", lambda m: chr(int(m[1], 16)), value))
    return report

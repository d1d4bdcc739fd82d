# SPDX-License-Identifier: LGPL-2.1-or-later
"""Worlds for the namespace ring: a private mount and process namespace with a physical root made
of a tmpfs, in which a prepare-root program runs with real mounts and a real pivot_root.

Two kinds, as the program knows two. "pid1": the physical root is / and the program is process 1,
as the kernel starts it from init=. "utility": a tmpfs plays somebody's initramfs, the physical
root is mounted on its /sysroot, and the program is an ordinary process there; afterwards the
world's process 1 may switch root as such an initramfs does.

Nothing outside the namespaces changes, and nothing survives them. The tests look at a world by
entering it (World.inside), so they see what the kernel has and not what the program says.
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

SCRATCH = "/tmp"  # where a world is put together; in its own namespace this hides the real one
TIME_LIMIT = limit(20)  # seconds for anything that takes milliseconds


class World:
    """One world, from before the program's start until close(). See the module's text.

    build(dir) makes the physical root in dir and may return a kernel command line that replaces
    the given one. root_flags are the MS_ flags that its file system has when the program starts,
    per mount and (ro) in the super block, as after the kernel's mount of root=. mounts says which
    of proc, dev, run are mounted where the program starts. files are (path, data, mode) to be put
    there. extra(dir) is called with the finished physical root; stack(things, dir) mounts another
    file system than a tmpfs for it, and may use the directory things.
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
        """Own the namespaces, wait for the world's process 1 and end as it ended."""
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
        # As the kernel does with root=, and every initramfs with the next root.
        os.chdir(root)
        mount(".", "/", None, MS_MOVE)
        os.chroot(".")
        os.chdir("/")
        return cmdline

    # --- the side of the test ----------------------------------------------------------------

    def inside(self, function, *args, in_pidns=False, meanwhile=None):
        """Run function(*args) in a process that entered the world; return what it returned.

        The value travels as JSON. An exception there is an exception here. meanwhile is called
        here while it runs there.
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
        """Lines of /proc/self/mountinfo for a function that runs inside(): the world's own /proc
        knows nothing of that process."""
        fd = os.open("self/mountinfo", os.O_RDONLY, dir_fd=self._proc)
        with open(fd, encoding="utf-8", errors="surrogateescape") as f:
            return f.read().splitlines()

    def mountinfo(self):
        """Lines of /proc/self/mountinfo as a process sees them whose root is the world's."""
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
            # Before the fork: strace, where it is attached, is to see the program alone.
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
        """Let the world's process 1 execute argv; in a utility world it switches root first and
        argv[0] is looked up there. Returns the report of the real init as a dict of lists, or
        None where the process ended without one (then see exit_status() and text())."""
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
        """The lines that went to the world's /dev/kmsg since the last call, without their
        priorities, as the kernel prints them. One without a priority raises."""
        said = os.pread(self._kmsg, 1 << 20, 0).decode(errors="replace")
        os.ftruncate(self._kmsg, 0)
        return [re.fullmatch(r"<\d+>(.*)", line)[1] for line in said.splitlines()]

    def exit_status(self):
        """Wait for process 1 and return its exit status (its namespace stays until close()), or
        the negative number of the signal that ended it: the kernel sends one for reboot(2). Where
        the real init runs, which ends with close(), this raises after TIME_LIMIT."""
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
        """End everything that runs in the world, and the world."""
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
    """A /dev whose kmsg is a file, since the real one is the log of the machine we run on."""
    mount("dev", target, "tmpfs", MS_NOSUID, "mode=0755")
    for name in ("null", "console"):
        write_file(f"{target}/{name}", "")
        mount("/dev/null", f"{target}/{name}", None, MS_BIND)
    write_file(f"{target}/kmsg", "")


def _mount_run(target, _things):
    mount("run", target, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755")


_MOUNTERS = {"proc": _mount_proc, "dev": _mount_dev, "run": _mount_run}


def _switch_root(init):
    """What an initramfs does last: take the file systems along and make /sysroot the root."""
    for name in ("dev", "proc", "sys", "run"):
        if os.path.ismount("/" + name) and not os.path.ismount("/sysroot/" + name):
            mount("/" + name, "/sysroot/" + name, None, MS_MOVE)
    os.chdir("/sysroot")
    mount(".", "/", None, MS_MOVE)
    os.chroot(".")
    os.chdir("/")
    os.stat(init)


def _settle(umask):
    """What a program inherits as the kernel would start it, and not as Python or nohup runs."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(umask)
    os.chdir("/")


def _set_stdio(descriptors):
    """Standard streams from these, and no other descriptor: what our own caller left open must
    not look as if the program under test had left it."""
    for target, fd in enumerate(descriptors):
        os.dup2(fd, target)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))


def _exit_after(function, tell=None):
    """The end of a forked child: never back into the caller's code, whatever happens."""
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
    """All that comes; by readv(2), so that a trace of read(2) counts the program's own calls."""
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

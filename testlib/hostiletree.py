# SPDX-License-Identifier: LGPL-2.1-or-later
"""A tree with one hostile object, and a judge of the programs that read it.

Next to the tree is its twin, with the same files and a mark in each: a program that follows a link
out of the tree finds the file in the twin. strace shows which files a program opens. Afterwards the
judge checks that the twin is unchanged and that the mark is in no output."""
import codecs
import glob
import os
import re
import shutil
import socket
import subprocess
import types
import unicodedata

from testlib import tap
from testlib.slowness import limit

MARK = b"OUTSIDE"
# A line of output that starts with this shows that a line feed in a name or value was printed raw.
FORGED = b"FORGED"
ODD = b"\x1b[2J\x07\x9b31m\xc2\x9b1m\x7f\r\xff"
ODD_NAMES = [b"\x1b[2J", b"\n" + FORGED, b"\x9b31m", b"\xc2\x9b31m", b"\r\x7f\x07", b"\xff\xfe",
             b"-rf", b"*", b"a b", b"%s%n", b"$(touch x)", b"'\"`", b"x" * 200]


class Tree:
    """where/root, and the twin where/outside. files is {path: bytes, or None for a directory},
    links is {path: target}, and mark(path, bytes) returns the twin's content of a file."""

    def __init__(self, where, files, links, mark=None):
        self.where, self.root, self.outside = where, where + "/root", where + "/outside"
        for top in (self.root, self.outside):
            for path, content in files.items():
                if content is None:
                    os.makedirs(f"{top}/{path}", exist_ok=True)
                else:
                    tap.write(f"{top}/{path}", content if top == self.root else
                              (mark or mark_lines)(path, content))
                    os.chmod(f"{top}/{path}", 0o755)
            for path, target in links.items():
                os.makedirs(os.path.dirname(f"{top}/{path}"), exist_ok=True)
                os.symlink(target, f"{top}/{path}")
        os.symlink("..", self.root + "/way")
        self.before = state(self.outside)
        self.places = sorted({"/".join(path.split("/")[:n + 1]) for path in [*files, *links]
                              for n in range(path.count("/") + 1)})

    def run(self, kind, places, programs, out=types.MappingProxyType({})):
        """Runs each program with the kind of object in each place; returns what is wrong. out: the
        files that the programs may write, with their initial content."""
        wrong, count = [], 0
        for place in places:
            path, kept = f"{self.root}/{place}", self.where + "/kept"
            os.rename(path, kept)
            for program in programs:
                if kind(path, kept, f"{self.outside}/{place}"):
                    count += 1
                    wrong += [f"{place}: {os.path.basename(program[0])} {' '.join(program[1:])}: "
                              f"{why}" for why in self.judge(program, out)]
                remove(path)
            os.rename(kept, path)
            for file, content in out.items():
                tap.write(file, content)
        assert count, "nothing was tried"
        return wrong

    def judge(self, program, out=()):
        """The faults of a program: forbidden opens, output or changes. out: files it may write."""
        trace = self.where + "/trace"
        os.makedirs(trace)
        command = ["strace", "-ff", "--seccomp-bpf", "-qq", "-y", "-s", "9", "-e", "signal=none",
                   "-e", "trace=open,openat,openat2,creat", "-o", trace + "/t", *program]
        wrong, said = [], (b"", b"")
        try:
            done = subprocess.run(command, capture_output=True, check=False,
                                  stdin=subprocess.DEVNULL, timeout=limit(30))
            said = done.stdout, done.stderr
            if done.returncode not in (0, 1):
                wrong.append(f"status {done.returncode}")
            if done.returncode == 1 and not any(said):
                wrong.append("fails without a word")
        except subprocess.TimeoutExpired:
            wrong.append("does not end")
        for text in said:
            wrong += raw(text)
        outputs = [tap.read(path) for path in out
                   if os.path.isfile(path) and os.path.realpath(path).startswith(self.root + "/")]
        if any(MARK in text for text in [*said, *outputs]):
            wrong.append("the mark of the files outside is in an output")
        for file in glob.glob(glob.escape(trace) + "/*"):
            wrong += self.opened(tap.read(file))
        if state(self.outside) != self.before:
            wrong.append("something outside has changed")
        shutil.rmtree(trace)
        return wrong

    def opened(self, trace):
        """The forbidden opens in a trace: files outside, and devices and FIFOs of the tree."""
        for flags, path in re.findall(
                rb"^((?:open|openat|openat2|creat)\(.*)= \d+<(/.*?)(?:<(?:char|block) .*>)?>"
                rb"(?:\(deleted\))?$", trace, re.MULTILINE):
            path = codecs.escape_decode(path)[0].decode("utf-8", "surrogateescape")
            if (path + "/").startswith(self.outside + "/"):
                yield f"opens {path}"
            elif (path + "/").startswith(self.root + "/") and b"O_PATH" not in flags and \
                    os.path.lexists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
                yield f"opens {path}, which is neither file nor directory"


def mark_lines(path, content):
    """Text with the mark at the end of each of its lines."""
    return re.sub(rb"(?<=.)$", b" " + MARK, content, flags=re.MULTILINE)


def state(top):
    """Mode, time and size of everything below a directory, so that any write is noticed."""
    return {path: (os.lstat(path).st_mode, os.lstat(path).st_mtime_ns, os.lstat(path).st_size)
            for folder, folders, files in os.walk(top)
            for path in [folder, *(os.path.join(folder, name) for name in folders + files)]}


def raw(text):
    """The parts of an output that would control a terminal or forge a line."""
    for line in text.splitlines():
        if line.startswith(FORGED):
            yield f"a line feed of a name begins a line: {line!r}"
        try:
            shown = line.decode()
        except UnicodeDecodeError:
            yield f"bytes that are no text: {line!r}"
            continue
        if any(unicodedata.category(char) == "Cc" and char != "\t" for char in shown):
            yield f"control characters: {line!r}"


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


# --- kinds of objects: each function replaces kept, at path, and returns whether it could --------

def absolute(path, kept, twin):
    os.symlink(twin, path)
    return True


def relative(path, kept, twin):
    os.symlink(os.path.relpath(twin, os.path.dirname(path)), path)
    return True


def by_the_way(path, kept, twin):
    """A link that leaves the tree only by another link in its path."""
    where = os.path.dirname(kept)
    os.symlink(os.path.relpath(where + "/root/way", os.path.dirname(path)) +
               twin[len(where):], path)
    return True


def circle(path, kept, twin):
    os.symlink(os.path.basename(path), path)
    return True


def fifo(path, kept, twin):
    os.mkfifo(path)
    return True


def unix_socket(path, kept, twin):
    with socket.socket(socket.AF_UNIX) as server:
        folder = os.open(os.path.dirname(path), os.O_PATH)
        server.bind(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
        os.close(folder)
    return True


def device(path, kept, twin):
    """/dev/zero, which has no end."""
    os.mknod(path, 0o20666, os.makedev(1, 5))
    return True


def exchanged(path, kept, twin):
    """A directory for a file, a file for a directory."""
    if os.path.isdir(kept):
        tap.write(path, b"")
    else:
        os.mkdir(path)
    return True


def garbage(path, kept, twin):
    if os.path.isfile(kept):
        tap.write(path, ODD + b"\0" + ODD * 99 + b"\n" + ODD)
    return os.path.isfile(kept)


def odd_values(path, kept, twin):
    """The same file with odd bytes added to each value and in lines of their own."""
    if not os.path.isfile(kept) or os.path.islink(kept):
        return False
    more = [ODD, b"x" + ODD + b"=" + ODD, b"x" + ODD + b" " + ODD]
    tap.write(path, b"\n".join(part for line in tap.read(kept).split(b"\n") if line
                               for part in (line, line + ODD, line + b" /" + ODD, *more)))
    return True


def odd_names(path, kept, twin):
    """The same directory with more files that have odd names: FIFOs, links out, and copies."""
    if not os.path.isdir(kept) or os.path.islink(kept):
        return False
    shutil.copytree(kept, path, symlinks=True)
    files = [name for name in sorted(os.listdir(kept)) if os.path.isfile(f"{kept}/{name}")]
    end = os.path.splitext(files[0])[1].encode() if files else b""
    for number, name in enumerate(ODD_NAMES):
        odd = os.path.join(path.encode(), b"ostree-9" + name + end)
        if number % 4 == 1:
            os.mkfifo(odd)
        elif number % 4 == 2:
            os.symlink(f"{twin}/{files[0] if files else ''}".encode(), odd)
        else:
            with open(odd, "wb") as file:
                file.write(tap.read(f"{kept}/{files[0]}").replace(b"linux", b"linus")
                           if files else b"")
    return True


KINDS = {
    "absolute links": absolute, "links that climb": relative, "links by other links": by_the_way,
    "links in a circle": circle, "FIFOs": fifo, "sockets": unix_socket, "devices": device,
    "directories for files, and files for directories": exchanged, "garbage": garbage,
    "odd bytes in values": odd_values, "odd names": odd_names,
}


def fail_for(wrong):
    wrong = sorted(set(wrong))
    assert not wrong, f"{len(wrong)} times:\n" + "\n".join(ascii(line) for line in wrong[:40])


def tests(run):
    """A test for each kind of object; run(where, kind) returns what is wrong."""
    def test(kind, where):
        if kind is device and os.getuid():
            raise tap.Skip("only root can make a device")
        fail_for(run(where, kind))
    return [(name, lambda where, kind=kind: test(kind, where)) for name, kind in KINDS.items()]


def caught(where):
    """The judge detects each kind of fault."""
    for number, (kind, command, why) in enumerate([
            (absolute, "cat FILE", "opens "), (relative, "cat FILE", "the mark of"),
            (by_the_way, "wc FILE", "opens "), (absolute, "echo x >FILE", "has changed"),
            (fifo, "true <>FILE", "neither file nor directory"),
            (device, "head -c 1 FILE", "neither file nor directory"),
            (garbage, "cat FILE", "no text"), (exchanged, "exit 1", "without a word"),
            (circle, "kill -9 $$", "status -9"), (odd_names, "ls FILE", "begins a line"),
            (odd_values, "tr -d '\\200-\\377' <FILE", "control characters")]):
        tree = Tree(f"{where}/{number}", {"a/file": b"one\n"}, {})
        place = "a" if kind is odd_names else "a/file"
        if kind is device and os.getuid():
            continue
        wrong = tree.run(kind, [place], [["sh", "-c", command.replace(
            "FILE", f"{tree.root}/{place}")]])
        assert any(why in line for line in wrong), (command, wrong)

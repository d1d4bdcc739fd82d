# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random kernel arguments through the generator and real GRUB, to test WHAT ARRIVES AT THE KERNEL
in ostree-grub-generator(8). kernelargs.py gives the expected results and shares no code with it."""
import os
import re
import shutil

import emu
import kernelargs
import sysroot
from testlib.tap import read, write

ENTRIES = 500  # of a menu, which may have 512
BYTES = bytes(set(range(1, 256)) - {10})
ASCII = bytes(range(32, 127))
PARTS = (b'"', b'"', b" ", b"=", b"=", b"\t", b"'", b"\\", b"$x", b"${root}", b";", b"#", b"{",
         b"}", b"<", b"|", b"&", b"*", b"--", b"\\x20", b"\r", b"\xa0", b"\xc3\xa4", b"\x7f",
         b"if", b"fi", b"init=", b"ostree=/ostree/boot.1/os/0/0", b"root=UUID=1-2", b"rw", b"")


def plain(random, alphabet):
    return bytes(random.choice(alphabet) for _ in range(random.randrange(1, 12)))


def word(random, alphabet):
    """A random word, mostly one that GRUB can pass on, in the forms that people write; if the
    alphabet has a TAB, also with blanks that are not blanks to GRUB."""
    safe = bytes(set(alphabet) - set(b"\"'\\\t\v\f\r \xa0"))
    form, text = random.randrange(10 if 9 in alphabet else 8), plain(random, safe)
    if form < 3:
        return text
    blank = plain(random, safe) + b" " * random.randrange(1, 4) + plain(random, safe + b" ")
    if form == 3:
        return text.replace(b"=", b"") + b'x="' + blank + b'"'
    if form == 4:
        return b'"' + text + b"=" + blank + b'"'
    if form == 5:
        return b'"' + blank + b'"'
    if form == 6:
        return text + b"=" + plain(random, safe)
    if form > 7:
        odd = [b"\t", b"\v", b"\f", b"\xa0", b"\t \xa0", b""]
        return text + random.choice(odd) + b'="' + text + random.choice(odd) + text + b'"'
    return text + b"=" + b"".join(random.choices([b"#", b";", b"$", b"{", b"&", b"~", text], k=5))


def options(random, alphabet):
    """Random options: a few words, or pieces that do not form words."""
    kind = random.random()
    if kind < 0.7:
        return random.choice([b" ", b"  ", b" \t"]).join(
            word(random, alphabet) for _ in range(random.randrange(1, 6)))
    if kind < 0.9:
        parts = [part for part in PARTS if all(byte in alphabet for byte in part)]
        return b"".join(random.choice(parts + [plain(random, alphabet)])
                        for _ in range(random.randrange(1, 12)))
    return bytes(random.choice(alphabet) for _ in range(random.randrange(1, 40)))


def generate(where, lines):
    """Returns the grub.cfg (empty if there is none), and the numbers of the entries left out."""
    out = sysroot.make(where, {f"e{number}.conf": b"title T\nlinux /k\noptions " + line + b"\n"
                               for number, line in enumerate(lines)})
    _, _, said = sysroot.generate("-o", out)
    cfg = read(out) if os.path.exists(out) else b""
    shutil.rmtree(where)
    return cfg, {int(number) for number in re.findall(r"e(\d+)\.conf:3: .* this entry is left out",
                                                     "\n".join(said))}


def deliverable(where, random, alphabet):
    """Those of random lines that can be passed on, with the generator's linux command of each.

    The generator must refuse exactly the others."""
    lines = [options(random, alphabet) for _ in range(ENTRIES)]
    # Blanks at the end of a line are a part of the entry's format, not of the value.
    lines = [line.strip(b" \t\r") or b"x" for line in lines]
    cfg, refused = generate(where + "/menu", lines)
    found = dict(re.findall(rb"--id 'e(\d+)'.*?\n\t\t(linux [^\n]*)\n", cfg, re.DOTALL))
    arriving = []
    for number, line in enumerate(lines):
        arrives = kernelargs.through_grub(line) is not None
        assert (number in refused) != arrives, (line, "refused" if number in refused else "taken")
        assert (b"%d" % number in found) == arrives, line
        if arrives:
            arriving.append((line, found[b"%d" % number]))
    return arriving


def emulated(where, random):
    """GRUB's shell passes the expected words of a menu in printable ASCII to its linux command.

    A function "words" replaces linux, because grub-emu 2.12 has a command of that name."""
    arriving = deliverable(where, random, ASCII)
    script = (b"function words {\n\techo \"<$#>\"\n\twhile [ $# -gt 0 ]; do\n"
              b'\t\techo "<$1>"\n\t\tshift\n\tdone\n}\n')
    for number, (_, command) in enumerate(arriving):
        script += b'echo "<<<%d>>>"\nwords %s\n' % (number, command.removeprefix(b"linux "))
    said = emu.run(where + "/emu", script)
    for number, (line, _) in enumerate(arriving):
        words = [kernelargs.join(*it) for it in kernelargs.parse(line)]
        expected = b"<<<%d>>><%d></boot/k>%s" % (
            number, len(words) + 1, b"".join(b"<%s>" % word for word in words))
        assert expected in said, (line, expected, said[said.find(b"<<<%d>>>" % number):][:300])
    return len(arriving)


def booted(where, random, grub):
    """One boot passes on as many lines of bytes 1 to 255 as a command line takes."""
    line, count = b"", 0
    for more, _ in deliverable(where, random, BYTES):
        longer = line + b" " + more
        if len(b"BOOT_IMAGE=/boot/k " + longer) <= kernelargs.LINE_MAX:
            line, count = longer, count + 1
    cfg, refused = generate(where + "/one", [line])
    assert not refused, line
    root = where + "/root"
    write(root + "/boot/grub/grub.cfg", cfg)
    write(root + "/boot/grub/custom.cfg", b"set timeout=0\n")
    write(root + "/boot/k", grub.kernel)
    found = grub.boot(root)
    shutil.rmtree(root)
    assert found, line
    expected = [(b"BOOT_IMAGE", b"/boot/k")] + kernelargs.parse(line)
    assert kernelargs.parse(found[0]) == expected, (line, found[0])
    return count

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random kernel arguments through the generator and real GRUB, for what ostree-grub-generator(8)
says under WHAT ARRIVES AT THE KERNEL. kernelargs.py is the judge and shares no code with it."""
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
    """Mostly what has a way through GRUB, in the forms that a person would write; where the
    alphabet has a TAB, also blanks that are none to GRUB."""
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
    """A few words, or pieces that make no words."""
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
    """Returns the grub.cfg, empty when there is none, and which entries were left out."""
    out = sysroot.make(where, {f"e{number}.conf": b"title T\nlinux /k\noptions " + line + b"\n"
                               for number, line in enumerate(lines)})
    _, _, said = sysroot.generate("-o", out)
    cfg = read(out) if os.path.exists(out) else b""
    shutil.rmtree(where)
    return cfg, {int(number) for number in re.findall(r"e(\d+)\.conf:3: .* this entry is left out",
                                                     "\n".join(said))}


def deliverable(where, random, alphabet):
    """The lines that arrive, of random ones, and their linux commands by the generator.

    It must have refused the others, and none of these."""
    lines = [options(random, alphabet) for _ in range(ENTRIES)]
    # The end of a line that is blank belongs to the entry's format, not to the value.
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
    """GRUB's shell on a menu in printable ASCII: words as its linux command gets them.

    grub-emu 2.12 has a linux command, which would go before a function of that name."""
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
    """One boot with as many of the lines as a command line takes, bytes 1 to 255."""
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

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random options through ostree-uboot-generator and a real U-Boot, and what arrives."""
import os
import shutil

from testlib import realuboot
import sysroot

# As many as the file has names for, and as fit into the smallest table of variables in U-Boot.
ENTRIES = 9
PIECES = [b"\\", b"\\\\", b"'", b'"', b" ", b"  ", b"\t", b"=", b"#", b"$", b"${x}", b";", b"\r",
          b"\\n", b"\\x2d", b"root=LABEL=x", b"a", b"\x01", b"\x03", b"\x04", b"\xff", b"\xa0"]
BLANKS = b" \t\r"


def options(rnd):
    """Bytes that may stand in one line of an entry: any but NUL and LF, without blanks around."""
    if rnd.random() < 0.5:
        value = bytes(rnd.choices([*range(1, 10), *range(11, 256)], k=rnd.randint(1, 120)))
    else:
        value = b"".join(rnd.choices(PIECES, k=rnd.randint(1, 40)))
    return value.strip(BLANKS) or b"a"


def run(where, values):
    """(exit status, printed, said) of the generator for entries with these options; its file."""
    root = where + "/root"
    shutil.rmtree(root, ignore_errors=True)
    out = sysroot.make(root, {
        f"ostree-{len(values) - i}.conf": b"linux /k%d\noptions %s\n" % (i, value)
        for i, value in enumerate(values)})
    return sysroot.generate("-o", out), out


def generate(where, values):
    (status, _, said), out = run(where, values)
    assert status == 0, said
    return sysroot.read(out)


def expected(values):
    """All that a U-Boot whose environment was empty has then."""
    found = {b"rootstock_complete": b"1"}
    for i, value in enumerate(values):
        suffix = str(i + 1).encode() if i else b""
        found |= {b"kernel_image" + suffix: b"/boot/k%d" % i, b"bootdir" + suffix: b"/boot/",
                  b"bootargs" + suffix: value}
    return found


def imported(where, arch, sets):
    """Each set of options is one file, and all of its variables arrive, and no others."""
    found = realuboot.imports(where, arch, [generate(where, values) for values in sets])
    assert len(found) == len(sets)
    for values, environment in zip(sets, found):
        assert environment.pop(b"rootstock_crc32")
        assert environment == expected(values), (values, environment)


def chosen(where, arch, values):
    """Each of the options is the first of its file, and arrives in /chosen/bootargs."""
    found = realuboot.chosen(where, arch, [generate(where, [value]) for value in values])
    assert found == values, [(v, f) for v, f in zip(values, found) if v != f]


def rewritten(where, arch, values):
    """A board's own "setenv bootargs ${bootargs} more" changes nothing of which we do not warn.

    Returns the number of values without a warning."""
    lines, size, plain, memory = [], 4096, [], b""
    for value in values:
        (status, _, said), out = run(where, [value])
        assert status == 0, said
        if not said:
            plain.append(value)
            memory += sysroot.read(out).ljust(size, b"\n")
    for i in range(len(plain)):
        lines += [f"env import -t {realuboot.INPUT + i * size:x} {size:x} bootargs",
                  "setenv bootargs ${bootargs} more",
                  f"env export -b {realuboot.OUTPUT + i * size:x} bootargs"]
    with realuboot.source(where, arch, lines, memory) as machine:
        dump = machine.memory(realuboot.OUTPUT, len(plain) * size)
    for i, value in enumerate(plain):
        found = realuboot.read_exported(dump[i * size:(i + 1) * size])
        assert found == {b"bootargs": value + b" more"}, (value, found)
    return len(plain)


def both(where, arch, rnd, files):
    """files times ENTRIES values in the environment, and as many again in /chosen."""
    os.makedirs(where, exist_ok=True)
    imported(where, arch, [[options(rnd) for _ in range(ENTRIES)] for _ in range(files)])
    chosen(where, arch, [options(rnd) for _ in range(files)])
    return files * (ENTRIES + 1)

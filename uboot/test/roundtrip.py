# SPDX-License-Identifier: LGPL-2.1-or-later
"""Passes random options through ostree-uboot-generator and a real U-Boot, and checks the result."""
import os
import shutil

from testlib import realuboot
import sysroot

# The number of entries for which the file has names, and whose variables fit into U-Boot's smallest
# table.
ENTRIES = 9
PIECES = [b"\\", b"\\\\", b"'", b'"', b" ", b"  ", b"\t", b"=", b"#", b"$", b"${x}", b";", b"\r",
          b"\\n", b"\\x2d", b"root=LABEL=x", b"a", b"\x01", b"\x03", b"\x04", b"\xff", b"\xa0"]
BLANKS = b" \t\r"


def options(rnd):
    """Random options: any bytes except NUL and LF, without blanks at the start or end."""
    if rnd.random() < 0.5:
        value = bytes(rnd.choices([*range(1, 10), *range(11, 256)], k=rnd.randint(1, 120)))
    else:
        value = b"".join(rnd.choices(PIECES, k=rnd.randint(1, 40)))
    return value.strip(BLANKS) or b"a"


def run(where, values):
    """Runs the generator on entries with these options; returns its (status, output, messages), and
    the path of its file."""
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
    """The complete environment after an import into an empty one."""
    found = {b"rootstock_complete": b"1"}
    for i, value in enumerate(values):
        suffix = str(i + 1).encode() if i else b""
        found |= {b"kernel_image" + suffix: b"/boot/k%d" % i, b"bootdir" + suffix: b"/boot/",
                  b"bootargs" + suffix: value}
    return found


def imported(where, arch, sets):
    """Each set of options, as one file, gives exactly the expected variables in U-Boot."""
    found = realuboot.imports(where, arch, [generate(where, values) for values in sets])
    assert len(found) == len(sets)
    for values, environment in zip(sets, found):
        assert environment.pop(b"rootstock_crc32")
        assert environment == expected(values), (values, environment)


def chosen(where, arch, values):
    """Each of the options, as first entry of a file, arrives in /chosen/bootargs."""
    found = realuboot.chosen(where, arch, [generate(where, [value]) for value in values])
    assert found == values, [(v, f) for v, f in zip(values, found) if v != f]


def rewritten(where, arch, values):
    """A board's own "setenv bootargs ${bootargs} more" only changes values for which we warn.

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
    """Checks ENTRIES values in the environment and one in /chosen for each of `files` files;
    returns the number of values."""
    os.makedirs(where, exist_ok=True)
    imported(where, arch, [[options(rnd) for _ in range(ENTRIES)] for _ in range(files)])
    chosen(where, arch, [options(rnd) for _ in range(files)])
    return files * (ENTRIES + 1)

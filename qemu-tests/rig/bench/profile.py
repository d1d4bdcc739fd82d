# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the instructions of one boot went, from the output of count.c with profile=on: by single
system call in order, by kind of system call, and by function of the kernel and of the program."""

import bisect
import collections
import re
import subprocess

TOP = 25


def functions(program):
    """[(address, name)] of the functions of a static program with symbols, sorted."""
    listed = subprocess.run(["nm", "--defined-only", program], text=True, check=True,
                            stdout=subprocess.PIPE).stdout
    found = (line.split() for line in listed.splitlines())
    return sorted((int(words[0], 16), words[2]) for words in found if words[1] in "tTwW")


def name_of(table, address):
    """The function at an address."""
    index = bisect.bisect_right(table, (address, "\uffff")) - 1
    return table[index][1] if index >= 0 else f"{address:x}"


def blocks(text, kernel, program):
    """({function of the kernel: instructions}, {function of the program: instructions})."""
    found = collections.Counter(), collections.Counter()
    for address, count in re.findall(r"^block (\w+) (\d+)$", text, re.MULTILINE):
        address, inside = int(address, 16), 0
        if address < 1 << 63:
            table, inside = program, 1
        elif address < kernel[-1][0]:
            table = kernel
        else:
            table = [(0, "a module")]
        found[inside][name_of(table, address)] += int(count)
    return found


def sequence(text):
    """[(system call, its kernel instructions, page faults after it, their instructions, user
    instructions after it)]. Page faults and interrupts are counted with the call before them.
    """
    rows = []
    for reason, kernel, user in re.findall(r"^trap (\S+) kernel=(\d+) user=(\d+)$", text,
                                           re.MULTILINE):
        if rows:
            rows[-1][4] += int(user)
        if reason in ("exc_page_fault", "other") or reason.startswith(("common_", "sysvec_")):
            if rows:
                rows[-1][2] += reason == "exc_page_fault"
                rows[-1][3] += int(kernel)
                continue
        rows.append([reason, int(kernel), 0, 0, 0])
    return rows


def show(text, kernel, program):
    """The profile as text; `kernel` and `program` are tables of functions."""
    rows = sequence(text)
    out = ["every system call: its instructions, then until the next one: page faults, their "
           "instructions (and interrupts'), the program's own",
           "%4s %-18s %9s %6s %9s %9s" % ("", "", "kernel", "faults", "theirs", "user")]
    for number, row in enumerate(rows):
        out.append("%4d %-18s %9d %6d %9d %9d" % (number, *row))
    totals = collections.defaultdict(lambda: [0] * 5)
    for row in rows:
        totals[row[0]] = [a + b for a, b in zip(totals[row[0]], [1] + row[1:])]
    out.append("\nby system call\n%4s %-18s %9s %6s %9s %9s" % (
        "n", "", "kernel", "faults", "theirs", "user"))
    for name, row in sorted(totals.items(), key=lambda item: -item[1][1] - item[1][3]):
        out.append("%4d %-18s %9d %6d %9d %9d" % (row[0], name, *row[1:]))
    out.append("%4d %-18s %9d %6d %9d %9d" % (
        sum(row[0] for row in totals.values()), "all",
        *[sum(row[i] for row in totals.values()) for i in range(1, 5)]))
    for title, found in zip(("kernel", "program"), blocks(text, kernel, program)):
        out.append(f"\ninstructions by function of the {title} (its own, without those it calls)")
        out += ["%9d  %s" % (count, name) for name, count in found.most_common(TOP)]
        out.append("%9d  all" % sum(found.values()))
    return "\n".join(out)

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mount tables in a form in which two runs can be compared: the content of /proc/self/mountinfo
without the numbers that differ between runs.

A table is {target: row}. A second mount on the same target is called "target#2" and so on, in the
order of the kernel's list (the last one is on top). A row is a dict of strings:
    fs           source and type of the file system
    root         the directory of that file system which is mounted
    options      per-mount options, sorted
    super        super block options, sorted, with N for a size that depends on the machine
    propagation  "private", or those of "slave of TARGET", "shared" and "unbindable" that apply;
                 TARGET is a mount of the master's group, or "?" if there is none in the table
    parent       the target of the mount on which it is mounted
"""

import re

FIELDS = ("fs", "root", "options", "super", "propagation", "parent")


def table(lines, shorten=()):
    """The table of mountinfo lines. shorten is (pattern, replacement) pairs for text that differs
    between runs."""
    mounts = [_parse(line, shorten) for line in lines]
    masters = {}
    names = {}
    rows = {}
    for m in mounts:
        name = m["target"]
        count = 2
        while name in rows:
            name = f"{m['target']}#{count}"
            count += 1
        rows[name] = m
        names[m["id"]] = name
        if "shared" in m["groups"]:
            masters.setdefault(m["groups"]["shared"], name)
    for m in rows.values():
        m["parent"] = names.get(m["parent"], "-")
        m["propagation"] = _propagation(m["groups"], masters)
    return {name: {field: m[field] for field in FIELDS} for name, m in rows.items()}


def _parse(line, shorten):
    for pattern, replacement in shorten:
        line = re.sub(pattern, replacement, line)
    left, _, right = line.partition(" - ")
    ident, parent, _, root, target, options, *tags = left.split(" ")
    fstype, source, super_options = right.split(" ")
    groups = dict(re.fullmatch(r"(shared|master|propagate_from):(\d+)|(unbindable)", tag)
                  .group(1, 2) for tag in tags)
    return {"id": ident, "parent": parent, "root": root, "target": target, "groups": groups,
            "fs": f"{source} ({fstype})" if source != fstype else fstype,
            "options": _sorted(options),
            "super": re.sub(r"\bsize=\d+k", "size=N", _sorted(super_options))}


def _sorted(options):
    return ",".join(sorted(options.split(",")))


def _propagation(groups, masters):
    words = []
    if "master" in groups:
        words.append(f"slave of {masters.get(groups['master'], '?')}")
    if "shared" in groups:
        words.append("shared")
    if None in groups:
        words.append("unbindable")
    return ", ".join(words) or "private"


def summary(row):
    """One row as one line."""
    return "; ".join(f"{field} {row[field]}" for field in FIELDS)


def differences(left, right):
    """[(target, field, left's value, right's value)].

    A mount with another target on the right is reported as field "target"; all its other fields
    except parent are compared too. A mount that only one side has is reported as field "mount",
    with None for the other side.
    """
    found = []
    lost = {_identity(t, left[t]): t for t in sorted(left.keys() - right.keys())}
    new = {_identity(t, right[t]): t for t in sorted(right.keys() - left.keys())}
    pairs = [(t, t) for t in left.keys() & right.keys()]
    pairs += [(t, new[identity]) for identity, t in lost.items() if identity in new]
    for a, b in pairs:
        fields = FIELDS if a == b else [f for f in FIELDS if f != "parent"]
        found += [(a, f, left[a][f], right[b][f]) for f in fields if left[a][f] != right[b][f]]
        if a != b:
            found.append((a, "target", a, b))
    found += [(t, "mount", summary(left[t]), None) for i, t in lost.items() if i not in new]
    found += [(t, "mount", None, summary(right[t])) for i, t in new.items() if i not in lost]
    return sorted(found, key=str)


def _identity(target, row):
    return row["fs"], row["root"], target.rsplit("/", 1)[-1]

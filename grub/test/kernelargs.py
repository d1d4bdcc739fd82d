# SPDX-License-Identifier: LGPL-2.1-or-later
"""The names and values that Linux finds in a command line, and the form in which GRUB's linux
command passes on a word: an independent version of next_arg in Linux, lib/cmdline.c, and of GRUB's
lib/cmdline.c."""
import re

QUOTED = re.compile(rb'"[^"]*"?')
BLANKS = b"\t\n\v\f\r \xa0"  # the kernel's isspace
LINE_MAX = 2047              # of realgrub.S, and of a kernel that cannot be read


def split(line):
    """The words as written, each with whether all its quotes are closed."""
    words, word, quoted = [], b"", False
    for byte in (line[i:i + 1] for i in range(len(line))):
        if byte in BLANKS and not quoted:
            if word:
                words.append((word, True))
            word = b""
            continue
        quoted ^= byte == b'"'
        word += byte
    return words + [(word, not quoted)] if word else words


def pair(word):
    """Name and value of a word; the value is None if there is no equals sign."""
    equals = word.find(b"=", 2 if word[:1] == b'"' else 1)
    whole = word[:1] == b'"'
    if whole:
        word, equals = word[1:], equals - 1
    closed = word[-1:] == b'"'
    name, value = (word, None) if equals < 1 else (word[:equals], word[equals + 1:])
    if value is None:
        return (name[:-1] if whole and closed else name), None
    if value[:1] == b'"':
        value = value[1:]
        return name, value[:-1] if value[-1:] == b'"' else value
    return name, value[:-1] if whole and closed and value else value


def parse(line):
    return [pair(word) for word, _ in split(line)]


def join(name, value):
    return name if value is None else name + b"=" + value


def by_grub(word):
    """The text that GRUB puts on the command line for one word of its shell."""
    for byte in (b"\\", b"'", b'"'):
        word = word.replace(byte, b"\\" + byte)
    return b'"' + word + b'"' if b" " in word else word


def through_grub(line):
    """The complete command line for a kernel /boot/k, or None if its meaning would change.

    Two forms that could be passed on with more effort are refused too: a CR between words, and a
    blank that is neither " " nor TAB in a word with quotes."""
    given = []
    for word in re.findall(rb'(?:[^ \t"]|"[^"]*"?)+', line):
        if b"\r" in word or b'"' in word and re.search(rb"[\v\f\xa0]", QUOTED.sub(b"", word)):
            return None
    for word, closed in split(line):
        content = join(*pair(word))
        given.append(by_grub(content))
        if not closed or not content or parse(given[-1]) != [pair(word)]:
            return None
    made = b" ".join([b"BOOT_IMAGE=/boot/k"] + given)
    return made if len(made) <= LINE_MAX else None

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Entries that break libostree's generator script, silently or loudly, and the expected results.

Each case is tested on the text of grub.cfg and of uEnv.txt, and in a real GRUB if it has titles.
"""
from dataclasses import dataclass, field


@dataclass
class Case:
    name: str
    entries: dict            # file name: bytes
    titles: list             # of GRUB's menu, in order; empty: no menu, exit status 1
    cmdline: bytes = b""     # of the first entry that boots, after BOOT_IMAGE=/boot/k
    initrd: int = 0          # the size of its initrd
    says: list = field(default_factory=list)  # regular expressions, one for each line of stderr
    kernel: str = "/boot/k"  # its path
    uboot: list = None       # U-Boot's bootargs of each entry; None: as for GRUB
    uboot_says: list = None  # as says, for U-Boot; None: the same


def entry(options=b"", title=b"T", more=b""):
    return b"title " + title + b"\nversion 1\nlinux /k\noptions " + options + b"\n" + more


FRAGILE = [r"ostree-1\.conf:4: a board's own \"setenv bootargs \${bootargs} \.\.\.\" would change"]


def passes(name, options, cmdline=None, fragile=(), says=()):
    """Options that both loaders pass on; only GRUB may change them, to cmdline."""
    return Case(name, {"ostree-1.conf": entry(options)}, ["T"],
                options if cmdline is None else cmdline, says=list(says), uboot=[options],
                uboot_says=fragile or list(says))


def refused(name, options, why, fragile=FRAGILE):
    """Options that GRUB cannot pass on, but U-Boot can."""
    return Case(name, {"ostree-1.conf": entry(options)}, [],
                says=[rf"ostree-1\.conf:4: {why}; this entry is left out", "no menu is written"],
                uboot=[options], uboot_says=fragile)


def titled(name, title, shown=None):
    return Case(name, {"ostree-1.conf": entry(b"a=1", title.encode())}, [shown or title], b"a=1")


GOOD = entry(b"a=1")
TOO_LONG = [r"ostree-1\.conf:4: the command line is longer than the kernel accepts", "no menu"]

CASES = [
    titled("single quote in the title", "Bob's OS"),
    titled("quotes and braces in the title", "'''} \"${x}\" {"),
    titled("percent signs in the title", "100% %s %d %n"),
    titled("backslashes in the title", r"\n \t \x41 \\"),
    titled("glob characters in the title", "* ? [ab]"),
    titled("title that looks like an option", "--id"),
    titled("title that looks like a short option", "-n"),
    titled("title that ends options", "--"),
    titled("control bytes in the title", "a\x1b[2Jb\x07", "a [2Jb "),
    Case("no title", {"ostree-1.conf": b"linux /k\noptions a=1\n"}, ["ostree-1"], b"a=1"),

    passes("percent signs", b"x=100% %s %d y=%n"),
    passes("glob characters as words", b"* ? [a-z] ~ !"),
    passes("semicolon, pipe, ampersand", b"a;reboot b|c d&e && || ; |"),
    passes("braces, redirections, parentheses", b"{ } a{b} <x >y (z) `id`"),
    passes("dollar signs", b"$x=a a=${prefix} $! $$ a$"),
    passes("variables", b"$x ${prefix}",
           says=[r"ostree-1\.conf:4: the kernel gets \$name as it is written"]),
    passes("number signs", b"a #b c#d # e", fragile=FRAGILE),
    passes("words of GRUB's shell", b"if then fi menuentry function"),
    passes("words like options", b"- -- --id -n --root=x"),
    passes("bytes above 127", b"a=\xc3\xa4 b=\xff\x80"),
    passes("no-break space outside quotes", b"a=\xc3\xa0 b"),
    passes("control bytes", b"a=\x01\x02\x1b\x7f b"),
    passes("several blanks and TABs between words", b"a  b\t\tc \t d", b"a b c d", fragile=FRAGILE),
    passes("blanks inside quotes",
           b'dyndbg="file  a.c +p" x', b'"dyndbg=file  a.c +p" x', fragile=FRAGILE),
    passes("quotes around a word", b'"a=b  c" "d"', b'"a=b  c" d', fragile=FRAGILE),
    passes("TAB inside quotes beside a blank", b'a="b\tc d"', b'"a=b\tc d"', fragile=FRAGILE),
    passes("empty value", b'a="" b=', b"a= b=", fragile=FRAGILE),
    passes("quotes without need", b'a="b" "c=d"', b"a=b c=d", fragile=FRAGILE),

    refused("backslash n", rb"x=a\nb", "GRUB cannot pass on a backslash"),
    refused("backslash x", rb"systemd.mask=dev-disk-by\x2dlabel-x.swap",
            "GRUB cannot pass on a backslash"),
    refused("single quote in a word", b"x=it's", "GRUB cannot pass on a single quote"),
    refused("double quote inside a word", b'x=a"b c"d',
            "GRUB cannot pass on a double quote inside a word"),
    refused("value with more after its quotes", b'foo="a b",c',
            "GRUB cannot pass on a double quote inside a word"),
    refused("quotes after an equals sign without a name", b'="a b"',
            "GRUB cannot pass on a double quote inside a word"),
    refused("open quote", b'a b="c d', "a double quote is not closed"),
    refused("empty word", b'a "" b', "GRUB cannot pass on an empty word"),
    refused("TAB inside quotes without a blank", b'a="b\tc"', "GRUB cannot pass on a mixture.*"),
    refused("form feed beside quotes", b'a\f="b"', "GRUB cannot pass on a mixture.*"),
    refused("no-break space beside quotes", b'a\xa0="b c"', "GRUB cannot pass on a mixture.*"),
    refused("carriage return inside a line", b"a=b\rc d", "GRUB cannot pass on a carriage return",
            fragile=()),
    refused("backslashes at the end", rb"a=b \\\\", "GRUB cannot pass on a backslash"),

    Case("two initrd lines", {"ostree-1.conf": entry(b"a", more=b"initrd /i1\ninitrd /i2\n")},
         ["T"], b"a", 4000 + 1000),
    Case("two options lines", {"ostree-1.conf": entry(b"a=1", more=b"options b=2\n")}, ["T"],
         b"a=1 b=2"),
    Case("two linux and two devicetree lines",
         {"ostree-1.conf": b"title T\nlinux /gone\nlinux /k\ndevicetree /gone\ndevicetree /i1\n"},
         ["T"], b""),
    Case("quote open from one options line to the next",
         {"ostree-1.conf": entry(b'a="1', more=b'options 2"\n')}, ["T"], b'"a=1 2"',
         uboot=[b'a="1 2"'],
         uboot_says=[r"ostree-1\.conf:5: a board's own"]),
    Case("last line without line feed", {"ostree-1.conf": b"title T\nlinux /k\noptions root=/x o"},
         ["T"], b"root=/x o"),
    Case("CR LF", {"ostree-1.conf": entry(b"a b").replace(b"\n", b"\r\n")}, ["T"], b"a b"),
    Case("no linux line", {"ostree-2.conf": b"title X\nversion 2\noptions a\n",
                           "ostree-1.conf": GOOD}, ["T"], b"a=1",
         says=[r"ostree-2\.conf: there is no linux line; this entry is left out"]),
    Case("path without slash", {"ostree-1.conf": b"title T\nlinux k\ninitrd i1\noptions a\n"},
         ["T"], b"a", 4000),
    Case("path that has the prefix already",
         {"ostree-1.conf": b"title T\nlinux /boot/k\ninitrd /boot/i1\noptions a\n"},
         ["T"], b"a", 4000),
    Case("path with a blank", {"ostree-1.conf": b"title T\nlinux /my k\noptions a\n"}, ["T"], b"a",
         kernel="/boot/my k", uboot=[],
         uboot_says=[r"ostree-1\.conf:2: a U-Boot script cannot use a path with", "no menu"]),
    Case("path with a parenthesis", {"ostree-1.conf": b"title T\nlinux /k\ninitrd /i)\n"}, [],
         says=[r'ostree-1\.conf:3: GRUB cannot use a path with "\)"', "no menu"], uboot=[b""],
         uboot_says=[]),
    Case("path with a quote", {"ostree-1.conf": b"title T\nlinux /k\"\n"}, [],
         says=[r"ostree-1\.conf:2: GRUB cannot pass on a kernel path", "no menu"],
         uboot_says=[r"ostree-1\.conf:2: a U-Boot script cannot use a path with", "no menu"]),
    Case("path that climbs", {"ostree-1.conf": b"title T\nlinux /a/../../k\n"}, [],
         says=[r'ostree-1\.conf:2: a path must not contain "\.\."', "no menu"]),
    Case("blank in a file name", {"ostree 2.conf": GOOD, "ostree-1.conf": GOOD}, ["T"], b"a=1",
         says=[r"ostree 2\.conf: the file name of an entry"]),
    Case("files that are not entries", {"README": b"x", "ostree-2.conf~": GOOD, ".x.conf": GOOD,
                                       "ostree-1.conf": GOOD}, ["T"], b"a=1"),
    Case("no tries left", {"ostree-2+0-3.conf": b"title bad\nversion 2\nlinux /k\noptions b\n",
                            "ostree-1.conf": GOOD}, ["T", "bad"], b"a=1", uboot=[b"a=1", b"b"]),
    Case("no entry with tries left", {"ostree-1+0-3.conf": GOOD}, ["T"], b"a=1"),
    Case("two entries with one title", {"ostree-2.conf": entry(b"b", more=b"version 2\n"),
                                        "ostree-1.conf": GOOD, "x.conf": b"title X\nlinux /k\n",
                                        "w.conf": b"title X\nlinux /k\n"},
         ["X (x)", "X (w)", "T (2)", "T (1)"], b"", uboot=[b"", b"", b"b", b"a=1"]),
    Case("title of an entry that is not in the menu",
         {"ostree-2.conf": entry(b"a\\b", more=b"version 2\n"), "ostree-1.conf": GOOD,
          "efi.conf": b"title T\nefi /x.efi\n"}, ["T"], b"a=1",
         says=[r"ostree-2\.conf:4: GRUB cannot pass on a backslash"], uboot=[b"a\\b", b"a=1"],
         uboot_says=[r"ostree-2\.conf:4: a board's own"]),
    Case("entries with one title and one version",
         {"c.conf": GOOD, "b.conf": entry(b"b", more=b"version 2\n"), "b+1-1.conf": GOOD,
          "b+2.conf": GOOD, "a.conf": entry(b"a", b"T (2)")},
         ["T (1) (c)", "T (1) (b+2)", "T (1) (b+1-1)", "T (2) (b)", "T (2) (a)"], b"a=1",
         uboot=[b"a=1", b"a=1", b"a=1", b"b", b"a"]),
    Case("titles that differ in a control byte",
         {"b.conf": entry(b"a=1", b"T\x01"), "a.conf": entry(b"a", b"T\x02")},
         ["T  (1) (b)", "T  (1) (a)"], b"a=1", uboot=[b"a=1", b"a"]),
    Case("version order", {"linux-6.9.conf": entry(b"9", b"old"), "linux-6.10.conf": GOOD,
                           "linux-5.19.conf": entry(b"5", b"older")}, ["T", "old", "older"],
         b"a=1", uboot=[b"a=1", b"9", b"5"]),
    Case("sort-key", {"z.conf": entry(b"z", b"Z"), "a.conf": entry(b"a=1", more=b"sort-key s\n")},
         ["T", "Z"], b"a=1", uboot=[b"a=1", b"z"]),
    Case("entry for another machine", {"ostree-2.conf": entry(b"x", b"A", b"architecture aa64\n"),
                                       "ostree-1.conf": GOOD}, ["A", "T"], b"a=1",
         uboot=[b"x", b"a=1"]),
    Case("entry for this machine", {"ostree-1.conf": entry(b"x", more=b"architecture X64\n")},
         ["T"], b"x"),
    Case("unknown architecture", {"ostree-1.conf": entry(b"x", more=b"architecture vax\n")}, [],
         says=[r"ostree-1\.conf:5: this architecture is not", "no menu"], uboot=[b"x"],
         uboot_says=[]),
    Case("EFI program", {"shell.conf": b"title S\nefi /shell.efi\n", "ostree-1.conf": GOOD}, ["T"],
         b"a=1"),
    Case("device tree on a PC", {"ostree-1.conf": entry(b"x", more=b"devicetree /i1\n")},
         ["T"], b"x"),
    Case("device tree overlay",
         {"ostree-1.conf": entry(b"x", more=b"devicetree-overlay /i1 /i2\n")}, ["T"], b"x",
         says=[r"ostree-1\.conf:5: GRUB cannot apply device tree overlays; "],
         uboot_says=[r"ostree-1\.conf:5: uEnv\.txt has no field for device tree overlays; "]),
    Case("missing kernel", {"ostree-2.conf": b"title A\nversion 2\nlinux /gone\n",
                            "ostree-1.conf": GOOD}, ["A", "T"], b"a=1",
         uboot=[b"", b"a=1"]),
    Case("missing initrd",
         {"ostree-2.conf": entry(b"x", b"A", b"version 2\ninitrd /i1\ninitrd /gone\n"),
          "ostree-1.conf": GOOD}, ["A", "T"], b"a=1", uboot=[b"x", b"a=1"]),
    Case("longest command line", {"ostree-1.conf": entry(b"a " + b"x" * 2026)}, ["T"],
         b"a " + b"x" * 2026),
    Case("too long a command line for GRUB", {"ostree-1.conf": entry(b"a " + b"x" * 2027)}, [],
         says=TOO_LONG, uboot=[b"a " + b"x" * 2027], uboot_says=[]),
    Case("too long a command line with the quotes that GRUB adds",
         {"ostree-1.conf": entry(b'a="1 2" ' + b"x" * 2022)}, [], says=TOO_LONG,
         uboot=[b'a="1 2" ' + b"x" * 2022], uboot_says=FRAGILE),
    Case("longest command line for U-Boot", {"ostree-1.conf": entry(b"x" * 2047)}, [],
         says=TOO_LONG, uboot=[b"x" * 2047], uboot_says=[]),
    Case("too long a command line", {"ostree-1.conf": entry(b"x" * 2048)}, [], says=TOO_LONG),
    Case("longest command line for a 32-bit ARM kernel",
         {"ostree-1.conf": entry(b"x" * 1023, more=b"architecture arm\n")}, [], says=TOO_LONG,
         uboot=[b"x" * 1023], uboot_says=[]),
    Case("too long a command line for a 32-bit ARM kernel",
         {"ostree-1.conf": entry(b"x" * 1024, more=b"architecture arm\n")}, [], says=TOO_LONG),
    passes("as many words as a board's setenv takes", b"a" + b" x" * 12),
    passes("more words than a board's setenv takes", b"a" + b" x" * 13,
           fragile=[r"ostree-1\.conf:4: .* more than the 13 words that many boards take"]),
]

# SPDX-License-Identifier: LGPL-2.1-or-later
"""A directory like an OSTree sysroot with entries in it, and the generator run on it."""
import os
import re
import shlex
import subprocess

from tap import PROGRAM

OURS = ("_OSTREE_GRUB2_BOOTVERSION", "OSTREE_BOOT_PARTITION")


def clean_environment(**more):
    """The environment without the variables the generator looks at."""
    return {k: v for k, v in os.environ.items() if k not in OURS} | more


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def make(root, entries, version=1):
    """boot/loader.VERSION with these entries, and boot/loader -> loader.VERSION. Returns OUT."""
    loader = f"{root}/boot/loader.{version}"
    os.makedirs(loader + "/entries")
    for name, content in entries.items():
        write(f"{loader}/entries/{name}", content)
    os.symlink(f"loader.{version}", root + "/boot/loader")
    return loader + "/grub.cfg"


def generate(*arguments, cwd=None, **environment):
    """Returns (exit status, standard output, lines of standard error)."""
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, check=False, cwd=cwd,
                          env=clean_environment(**environment))
    return done.returncode, done.stdout, done.stderr.decode("latin-1").splitlines()


def check_says(said, expected):
    assert len(said) == len(expected), f"said {said}, expected {expected}"
    for line, pattern in zip(said, expected):
        assert re.search(pattern, line), f"said {line!r}, expected {pattern!r}"
        assert line.startswith("ostree-grub-generator: "), line


def script_check(cfg):
    """grub-script-check, GRUB's own parser, on the text."""
    done = subprocess.run(["grub-script-check", "/dev/stdin"], input=cfg, capture_output=True,
                          check=False)
    assert done.returncode == 0, done.stderr


def parse(cfg):
    """The menu as (title, id, words of the linux command, words of the initrd command).

    A POSIX shell and GRUB read single quotes alike, so the shell's lexer does for what we write."""
    menu, tested = [], []
    for line in cfg.decode("latin-1").split("\n"):
        lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
        lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, ""
        if line.startswith("menuentry "):
            words = list(lexer)
            assert words[1] == "--id" and words[3:5] == ["--unrestricted", "--"], line
            assert words[6:] == ["{"], line
            menu.append([words[5], words[2], [], []])
        elif line.startswith(("\t\tlinux ", "\t\tinitrd ")):
            words = list(lexer)
            assert not menu[-1][2 if words[0] == "linux" else 3], "a second command"
            menu[-1][2 if words[0] == "linux" else 3] = words[1:]
        elif line.startswith("\tif [ "):
            words = list(lexer)
            tested = [words[i + 1] for i, word in enumerate(words) if word == "-f"]
            assert " ".join(words).count(" -a -f ") >= len(tested) - 1, line
        elif line.startswith("\t\t\tdevicetree "):
            tested.remove(list(lexer)[1])
        elif line == "\telse":
            # An entry tests the files it uses, and no others.
            assert tested == menu[-1][2][:1] + menu[-1][3], (tested, menu[-1])
    return menu


def to_kernel(words):
    """The command line GRUB makes of words that need nothing but its quotes around blanks."""
    return " ".join(f'"{word}"' if " " in word else word for word in words).encode("latin-1")

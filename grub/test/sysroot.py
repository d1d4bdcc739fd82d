# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs ostree-grub-generator on a directory like a sysroot, and reads its grub.cfg.
"""
import shlex
import subprocess


from testlib.generator import GRUB, clean_environment
from testlib.tap import read, write

PROGRAM, make, generate = GRUB.program, GRUB.make, GRUB.generate
check_says, fails = GRUB.check_says, GRUB.fails


def script_check(cfg):
    """Asserts that grub-script-check, GRUB's own parser, accepts the text."""
    done = subprocess.run(["grub-script-check", "/dev/stdin"], input=cfg, capture_output=True,
                          check=False)
    assert done.returncode == 0, done.stderr


def parse(cfg):
    """The menu as (title, id, words of the linux command, words of the initrd command).

    A POSIX shell and GRUB read single quotes alike, so the shell's lexer can read our menus."""
    menu, tested = [], []
    for line in cfg.decode("latin-1").split("\n"):
        lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
        lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, ""
        if line.startswith("$1 --id "):
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
            tested = [words[i + 1] for i, word in enumerate(words) if word == "-s"]
            assert " ".join(words).count(" -a -s ") >= len(tested) - 1, line
        elif line.startswith("\t\t\tdevicetree "):
            tested.remove(list(lexer)[1])
        elif line == "\telse":
            # An entry tests exactly the files that it uses.
            assert tested == menu[-1][2][:1] + menu[-1][3], (tested, menu[-1])
    return menu


def to_kernel(words):
    """GRUB's command line of these words, of which only those with blanks need quotes."""
    return " ".join(f'"{word}"' if " " in word else word for word in words).encode("latin-1")

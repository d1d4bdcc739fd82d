# SPDX-License-Identifier: LGPL-2.1-or-later
"""Code that tests of several folders share. Each test folder has a link `testlib` to this one, so
that a test also runs alone, from any directory. Nothing here depends on qemu-tests/."""
import sys

# Tests must not leave compiled modules in the tree.
sys.dont_write_bytecode = True

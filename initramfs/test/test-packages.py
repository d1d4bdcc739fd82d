#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# ring: long
"""The recipe for OpenEmbedded and the package for Buildroot, without the two systems: their
commands are run as these would run them, and must install the files that the packages list."""
import fnmatch
import hashlib
import os
import re
import shutil
import subprocess
import sys

from guestimage import TOP, foreign, tap

RECIPE = os.path.join(TOP, "initramfs/yocto/rootstock_git.bb")
PACKAGE = os.path.join(TOP, "initramfs/buildroot/rootstock.mk")
OPTIONS = os.path.join(TOP, "initramfs/buildroot/Config.in")
# Variables of OpenEmbedded's own configuration, for a target like this host.
BITBAKE = {"PN": "rootstock", "S": TOP, "prefix": "/usr", "bindir": "/usr/bin",
           "datadir": "/usr/share", "mandir": "/usr/share/man", "nonarch_libdir": "/usr/lib",
           "systemd_system_unitdir": "/usr/lib/systemd/system"}
# The part of Buildroot that the package uses. The compiler comes on make's command line.
BUILDROOT = """
TARGET_MAKE_ENV = PATH="$(PATH)"
TARGET_CONFIGURE_OPTS = $(TARGET_MAKE_ENV) CC="gcc" CPPFLAGS="-DTARGET" CFLAGS="-O2 -g0" \\
	LDFLAGS="" PKG_CONFIG="pkg-config" STRIP="strip"
BR2_x86_64 = y
define generic-package
$(HERE)/.stamp_installed: $(HERE)/.stamp_built
	$$(ROOTSTOCK_INSTALL_TARGET_CMDS)
$(HERE)/.stamp_built:
	$$(ROOTSTOCK_BUILD_CMDS)
endef
include %s
""" % PACKAGE
# The options of Buildroot that the package names, with their dependencies.
KCONFIG = """
choice
	prompt "architecture"
config BR2_x86_64
	bool "x86_64"
config BR2_aarch64
	bool "aarch64"
config BR2_arm
	bool "arm"
config BR2_mips
	bool "mips"
endchoice
config BR2_USE_MMU
	bool "MMU"
choice
	prompt "libraries"
config BR2_STATIC_LIBS
	bool "static"
config BR2_SHARED_LIBS
	bool "shared"
config BR2_SHARED_STATIC_LIBS
	bool "both"
endchoice
config BR2_PACKAGE_UTIL_LINUX
	bool "util-linux"
if BR2_PACKAGE_UTIL_LINUX && BR2_USE_MMU
config BR2_PACKAGE_UTIL_LINUX_LIBBLKID
	bool "libblkid"
config BR2_PACKAGE_UTIL_LINUX_LIBMOUNT
	bool "libmount"
endif
source "%s"
""" % OPTIONS
OFFERED = {"BR2_PACKAGE_ROOTSTOCK", "BR2_PACKAGE_UTIL_LINUX", "BR2_PACKAGE_UTIL_LINUX_LIBBLKID",
           "BR2_PACKAGE_UTIL_LINUX_LIBMOUNT"}


def environment(**more):
    """The environment without the variables by which the outer make would affect the inner one."""
    return {name: value for name, value in dict(os.environ, **more).items()
            if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "BUILD")}


def run(command, **options):
    """Runs a command, which must succeed; otherwise its output is shown."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)
    assert done.returncode == 0, done.stdout[-2000:]


def installed(tree):
    """The files in a tree, as absolute paths from its top."""
    return sorted("/" + os.path.relpath(os.path.join(path, name), tree)
                  for path, _, names in os.walk(tree) for name in names)


def recipe(**known):
    """(variables, functions) of the recipe, with variables and overrides expanded."""
    text = re.sub(r"^#.*\n", "", tap.read(RECIPE).decode(), flags=re.MULTILINE)
    functions = dict(re.findall(r"^(do_\w+)\(\) \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL))
    variables = dict(BITBAKE, **known)
    for name, value in re.findall(r'^([\w:${}-]+) = "(.*?)"$', text.replace("\\\n", ""),
                                  re.MULTILINE):
        variables[name.replace(":x86-64", "")] = value

    def expand(value):
        while "${" in value:
            value = re.sub(r"\$\{(\w+)\}", lambda match: variables[match[1]], value)
        return value
    return ({expand(name): expand(value) for name, value in variables.items()},
            {name: expand(body) for name, body in functions.items()})


def bitbake(where):
    """do_compile and do_install work; each file is in one package, each pattern matches a file."""
    tree = where + "/image"
    # BitBake sets THISDIR, from which the recipe makes EXTERNALSRC; externalsrc then sets S.
    variables, functions = recipe(B=where + "/b", D=tree, THISDIR=os.path.dirname(RECIPE))
    assert os.path.realpath(variables["EXTERNALSRC"]) == TOP, variables["EXTERNALSRC"]
    # BitBake exports the target's strip, whose name the Makefile cannot know.
    tap.write(where + "/strip", b'#!/bin/sh\n: >"$0.ran"\nexec strip "$@"\n')
    os.chmod(where + "/strip", 0o755)
    for name in ("do_compile", "do_install"):
        run(["sh", "-euc", 'oe_runmake() { make $EXTRA_OEMAKE "$@"; }\n' + functions[name]],
            env=environment(EXTRA_OEMAKE="-j2 " + variables["EXTRA_OEMAKE"], CC="gcc",
                            CFLAGS="-O2 -g0", LDFLAGS="-Wl,-O1", STRIP=where + "/strip"))
    assert os.path.exists(where + "/strip.ran")
    files = installed(tree)
    patterns = {name: value.split() for name, value in variables.items()
                if name.startswith("FILES:")}
    names = variables["PACKAGE_BEFORE_PN"].split() + ["rootstock", "rootstock-doc"]
    assert sorted(patterns) == sorted("FILES:" + name for name in names), patterns
    used = set()
    for file in files:
        # A directory includes everything below it.
        owners = [(name, pattern) for name in patterns for pattern in patterns[name]
                  if fnmatch.fnmatch(file, pattern) or file.startswith(pattern + "/")]
        assert len(owners) == 1, (file, owners)
        used.update(owners)
    unused = {(name, pattern) for name in patterns for pattern in patterns[name]} - used
    assert not unused, unused


def buildroot(where):
    """The commands work in Buildroot's copy of the sources, and install what make install does."""
    here = where + "/rootstock"
    shutil.copytree(TOP, here, symlinks=True, ignore=shutil.ignore_patterns("build", ".git"))
    tap.write(where + "/Makefile", BUILDROOT.encode())
    made = where + "/target"
    run(["make", "-j2", "-f", where + "/Makefile", "HERE=" + here, "TARGET_DIR=" + made,
         here + "/.stamp_installed"], env=environment())
    wanted = where + "/wanted"
    run(["make", "-C", here, "BUILD=" + here + "/build/buildroot", "-o", "all", "install",
         "WITH_OTA=no", "DESTDIR=" + wanted], env=environment())
    assert installed(made) == installed(wanted), installed(made)
    # The test images of the guests have these files in the same places.
    assert {"/usr/" + name for name in foreign.guests("")} < set(installed(wanted))
    flags = tap.read(here + "/build/buildroot/flags")
    assert b"gcc -I. " in flags and b"-DTARGET" in flags and b"-O2 -g0" in flags, flags


def configured(where, *options):
    """The lines of the .config that Kconfig makes for these options and the package."""
    tap.write(where + "/.config", "".join(
        option + "=y\n" for option in [*options, "BR2_PACKAGE_ROOTSTOCK"]).encode())
    # As in Buildroot, options do not begin with CONFIG_.
    done = subprocess.run(["kconfig-conf", "--olddefconfig", "Config.in"], cwd=where, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env=environment(CONFIG_="", KCONFIG_CONFIG=".config"))
    assert done.returncode == 0 and "warning" not in done.stdout, done.stdout
    lines = tap.read(where + "/.config").decode().splitlines()
    assert {option + "=y" for option in options} <= set(lines), lines
    return lines


def kconfig(where):
    """The package can be selected, with its dependencies, only where its programs can be built; if
    only static libraries are missing, a comment says so."""
    if not shutil.which("kconfig-conf"):
        raise tap.Skip("kconfig-frontends-nox not installed")
    tap.write(where + "/Config.in", KCONFIG.encode())
    reason = "# rootstock needs static libraries"
    for machine in ("x86_64", "aarch64", "arm", "mips"):
        for libraries in ("STATIC", "SHARED", "SHARED_STATIC"):
            for rest in (["BR2_USE_MMU"], []):
                lines = configured(where, "BR2_" + machine, "BR2_%s_LIBS" % libraries, *rest)
                possible = machine != "mips" and rest != []
                wanted = OFFERED if possible and libraries != "SHARED" else set()
                found = {line[:-2] for line in lines if re.match("BR2_PACKAGE_.*=y$", line)}
                assert found == wanted, (machine, libraries, rest, lines)
                assert (reason in lines) is (possible and libraries == "SHARED"), lines


def agreed(where):
    """The packages have the version and the licence of the sources."""
    version = re.search(r"^VERSION := (.*)$", tap.read(TOP + "/Makefile").decode(), re.MULTILINE)[1]
    variables, _ = recipe(B="", D="", THISDIR="")
    assert variables["PV"] == version, variables["PV"]
    assert f"ROOTSTOCK_VERSION = {version}\n" in tap.read(PACKAGE).decode()
    path, md5 = re.fullmatch(r"file://(.*);md5=(.*)", variables["LIC_FILES_CHKSUM"]).groups()
    assert hashlib.md5(tap.read(os.path.join(TOP, path))).hexdigest() == md5, path
    assert f"ROOTSTOCK_LICENSE_FILES = {path}\n" in tap.read(PACKAGE).decode()


if __name__ == "__main__":
    sys.exit(tap.main([
        ("OpenEmbedded: the recipe's functions, and each file in one package", bitbake),
        ("Buildroot: the package's commands, and the files of make install", buildroot),
        ("Buildroot: where Kconfig offers the package, and what it selects", kconfig),
        ("the packages have the version and the licence of the sources", agreed),
    ]))

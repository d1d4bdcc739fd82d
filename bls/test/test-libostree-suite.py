#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# ring: long
"""libostree's own tests of deployments, with our generators as its hook.

The tests come from Debian's package ostree-tests, of an old release and of sid, each with its own
libostree, in a read-only tree of that release's packages: nothing is installed on this host. The
tests are not changed; a wrapper of the command "ostree" sets sysroot.bootloader=grub2 in each new
sysroot, and names our hook. The hook also compares the number of menu entries with libostree's.

The tests of the old release always run; those of sid, which may change any day, only with LONG=1.
"""
import concurrent.futures
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile

from testlib import tap
from testlib import tools

TOOLS = """attr bash coreutils dash diffutils dpkg findutils gpg gpg-agent grep gzip libc-bin mawk ostree
    parallel procps python3-minimal sed tar util-linux xz-utils""".split()
# Packages that the tests of a release need besides TOOLS.
RELEASES = {"bookworm": ["libsoup2.4-1"], "sid": ["jq", "libsoup-3.0-0"]}
# The program, its file, and a pattern that the file has once for each entry.
GENERATORS = {"grub": ("ostree-grub-generator", "grub.cfg", "^\t\tlinux "),
              "uboot": ("ostree-uboot-generator", "uEnv.txt", "^kernel_image[0-9]*=.")}
SUITES = [(release, generator) for release in ("bookworm", *(["sid"] if tap.LONG else []))
          for generator in GENERATORS]
# Tests that must fail: a text at the end of their output, and why they must.
DIFFERENCES = {
    ("grub", "test-admin-deploy-uboot.sh"): (
        "uEnv.txt", "it looks into libostree's own uEnv.txt, and the generator for GRUB writes none"),
}
# Tests in which no generator may be called, and why.
UNCALLED = {"test-admin-deploy-none.sh": "it sets sysroot.bootloader=none"}

SUITE = "usr/libexec/installed-tests/libostree"
OSTREE = """#!/bin/sh
export OSTREE_GRUB2_EXEC=/tmp/bin/hook
/usr/bin/ostree "$@" || exit
if [ "$1 $2" = "admin init-fs" ]; then
	for sysroot; do :; done
	exec /usr/bin/ostree --repo="$sysroot/ostree/repo" config set sysroot.bootloader grub2
fi
"""
# libostree calls "hook -o BOOT/loader.N/grub.cfg" and discards its output.
HOOK = """#!/bin/sh
exec 2>>/tmp/said
echo "# hook $*" >&2
/tmp/bin/generator "$@" || exit
loader=$(dirname "$2")
menu=$(grep -c '%s' "$loader/%s") entries=$(ls "$loader/entries" | wc -l)
[ "$menu" = "$entries" ] || { echo "$menu of $entries entries are in the menu" >&2; exit 1; }
"""
# $1 is the tree, $2 a directory for this test, $3 the unpacked ostree-tests, $4 the test.
ENTER = """
mount --bind "$1" "$1" && mount --bind "$2" "$1/tmp" && mount --bind "$3" "$1/mnt" &&
mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mount -o remount,bind,ro "$1" &&
exec chroot "$1" sh -c 'cd /tmp/work && exec "$0"' "/mnt/%s/$4"
""" % SUITE
NAMESPACES = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
if os.geteuid():
    NAMESPACES.append("--map-root-user")


@functools.cache
def unpacked(release):
    """The directories of the tools and of the tests."""
    try:
        tree, tests = tools.unpacked(release, "closure:" + ",".join(TOOLS + RELEASES[release]),
                                     "ostree-tests")
    except (OSError, subprocess.CalledProcessError) as reason:
        raise tap.Skip(f"the packages cannot be fetched: {reason}") from reason
    for name in ("tmp", "mnt", "proc", "dev"):
        os.makedirs(f"{tree}/{name}", exist_ok=True)
    return tree, tests


def script(path, text):
    tap.write(path, text.encode())
    os.chmod(path, 0o755)


def prepare(where, generator):
    """Makes the commands for one test. Debian's which and awk are alternatives, whose links do not
    exist in unpacked packages."""
    program, file, mark = GENERATORS[generator]
    script(where + "/bin/ostree", OSTREE)
    script(where + "/bin/hook", HOOK % (mark, file))
    script(where + "/bin/which", '#!/bin/sh\ncommand -v "$@"\n')
    script(where + "/bin/awk", '#!/bin/sh\nexec mawk "$@"\n')
    shutil.copy(f"{tap.BUILD}/{program}", where + "/bin/generator")
    os.mkdir(where + "/work")


def run(release, generator, name):
    """Returns the exit status, the test's output, and the hook's messages."""
    tree, tests = unpacked(release)
    with tempfile.TemporaryDirectory() as where:
        prepare(where, generator)
        suite = f"/mnt/{SUITE}"
        done = subprocess.run(
            [*NAMESPACES, "sh", "-c", ENTER, "sh", tree, where, tests, name], check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={"PATH": "/tmp/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp/work", "TMPDIR": "/tmp",
                 "G_TEST_SRCDIR": suite, "G_TEST_BUILDDIR": suite})
        said = where + "/said"
        hook = tap.read(said).decode("latin-1") if os.path.exists(said) else ""
    return done.returncode, done.stdout.decode("latin-1"), hook


def judge(generator, name, status, output, hook):
    results = re.findall(r"^(ok|not ok)\b(?:.*(# (?i:SKIP)))?", output, re.MULTILINE)
    passed = not status and results and all(result == ("ok", "") for result in results)
    end = "\n".join(line for line in output.splitlines() if line[:1] != "+")[-2000:] + hook[-1000:]
    if (generator, name) in DIFFERENCES:
        says, why = DIFFERENCES[generator, name]
        assert not passed, f"it passes, and should not: {why}"
        assert says in end, end
    else:
        assert passed, end
    assert bool(hook) != (name in UNCALLED), f"the hook has been called: {bool(hook)}"


def suite_tests(pool, release, generator):
    """Starts the suite's tests, the longest first, and returns them. They run at the same time,
    because they mostly sleep."""
    try:
        directory = f"{unpacked(release)[1]}/{SUITE}"
        subprocess.run([*NAMESPACES, "true"], check=True, capture_output=True)
    except tap.Skip as reason:
        return tap.skipped([(f"{release}, {generator}", None)], str(reason))
    except subprocess.CalledProcessError:
        return tap.skipped([(f"{release}, {generator}", None)], "no namespace can be made here")
    sources = {name: tap.read(f"{directory}/{name}").decode() for name in os.listdir(directory)
               if name.startswith("test-") and name.endswith(".sh")}
    names = [name for name, source in sources.items()
             if re.search(r"^setup_os_repository", source, re.MULTILINE)]

    def test(where, name, future):
        judge(generator, name, *future.result())

    return [(f"{release}, {generator}: {name}",
             functools.partial(test, name=name, future=pool.submit(run, release, generator, name)))
            for name in sorted(names, key=lambda name: ("admin-test.sh" not in sources[name], name))]


with concurrent.futures.ThreadPoolExecutor(4 * os.cpu_count()) as executor:
    TESTS = []
    for chosen in SUITES:
        TESTS += suite_tests(executor, *chosen)
    sys.exit(tap.main(TESTS))

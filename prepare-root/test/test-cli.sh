#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The command line of ostree-prepare-root, and --dry-run on a tree of files.
set -u
. "${0%/*}/testlib/tap.sh"

program=$(readlink -f "${BUILD:?}/ostree-prepare-root")
# gives STATUS STREAM PATTERN ARGUMENTS...: checks the exit status, that a line on the stream (out
# or err) matches, and that the other stream is empty.
gives() {
	local status=$1 stream=$2 pattern=$3 got
	shift 3
	"$program" "$@" >"$work/out" 2>"$work/err" </dev/null
	got=$?
	[ "$got" = "$status" ] || { echo "status $got, not $status"; return 1; }
	grep -qE -e "$pattern" "$work/$stream" || { cat "$work/out" "$work/err"; return 1; }
	[ "$stream" = err ] || [ ! -s "$work/err" ] || { cat "$work/err"; return 1; }
	[ "$stream" = out ] || [ ! -s "$work/out" ] || { cat "$work/out"; return 1; }
}

tree=$work/tree
deployment=$tree/ostree/deploy/os/deploy/c0ffee.0
bootlink=/ostree/boot.1/os/feed/0
mkdir -p "$deployment"/{usr/sbin,etc,var,run,dev,sysroot,boot} "$tree"/ostree/{deploy/os/var,repo} \
	"$tree/ostree/boot.1.1/os/feed" "$tree/boot/loader.1"
ln -s boot.1.1 "$tree/ostree/boot.1"
ln -s ../../../deploy/os/deploy/c0ffee.0 "$tree/ostree/boot.1.1/os/feed/0"
ln -s loader.1 "$tree/boot/loader"
ln -s usr/sbin "$deployment/sbin"
install -m 755 /dev/null "$deployment/usr/sbin/init"
pid1="ostree=$bootlink init=$bootlink/usr/lib/ostree/ostree-prepare-root"

listing() {
	(cd "$tree" && find . -printf '%p %m %T@ %l\n' | sort)
}

changes_nothing() {
	listing >"$work/before"
	"$program" --dry-run "$tree" "$pid1" >/dev/null && listing | cmp - "$work/before"
}

# If the deployment cannot be booted, the reason is printed instead of a plan.
broken() {
	local sentence=$1 path=$2
	mv "$path" "$work/aside"
	gives 1 err "$sentence" --dry-run "$tree" "$pid1"
	local status=$?
	mv "$work/aside" "$path"
	return $status
}

another_user() {
	[ "$(id -u)" = 0 ] || return 0 # this is one already
	chmod 755 "$work"
	cp "$program" "$work/program"
	setpriv --reuid 65534 --regid 65534 --clear-groups "$work/program" --dry-run "$tree" "$pid1" |
		grep -q '^execute /sbin/init'
}

closed_output() {
	"$program" --dry-run "$tree" "$pid1" >/dev/full 2>"$work/err" && return 1
	grep -q 'cannot print the plan' "$work/err"
}

# A name in the tree may have any bytes, and a FIFO must not be opened.
hostile() {
	local name=$'c0ffee\e[31m\a\n<1>forged\302\233.0' status
	mv "$deployment" "${deployment%/*}/$name"
	ln -sfn "../../../deploy/os/deploy/$name" "$tree/ostree/boot.1.1/os/feed/0"
	mkfifo "${deployment%/*}/$name/etc/fstab"
	"$program" --dry-run "$tree" "$pid1" >"$work/out" 2>"$work/err"
	status=$?
	"$program" --dry-run "$tree" $'ostree=/\e[2J' >>"$work/out" 2>>"$work/err"
	[ "$status" = 0 ] || return 1
	grep -q 'c0ffee\\x1b\[31m\\x07\\x0a<1>forged\\xc2\\x9b.0' "$work/out" || return 1
	grep -q 'ostree=/\\x1b\[2J' "$work/err" || return 1
	! LC_ALL=C grep -n '[^ -~]' "$work/out" "$work/err"
}

pipes() {
	mkdir -p "$deployment/etc/ostree"
	mkfifo "$deployment/etc/ostree/prepare-root.conf"
	gives 1 err 'prepare-root.conf: it is not a regular file' --dry-run "$tree" "$pid1"
	local status=$?
	rm "$deployment/etc/ostree/prepare-root.conf"
	return $status
}

# A relative SYSROOT is resolved from the working directory, not from /.
from_inside() (
	cd "$tree" || return
	for name in . ./ ./. ../"${tree##*/}" boot/..; do
		gives 0 out "^move /sysroot.tmp to " --dry-run "$name" "ostree=$bootlink" || return
	done
)

check '--help prints the usage' gives 0 out '^usage: ostree-prepare-root' --help
check '--version prints the version' gives 0 out '^ostree-prepare-root .*[0-9]+\.[0-9]+\.[0-9]+$' --version
check 'no argument is a wrong call' gives 2 err '^usage:'
check 'three arguments are a wrong call' gives 2 err '^usage:' a b c
check 'an unknown option is a wrong call' gives 2 err '^usage:' --force /sysroot
check 'the message names an unknown option' \
	gives 2 err '^rootstock: --force is no option$' --force /sysroot
check 'the message names the option that was probably meant' \
	gives 2 err 'did you mean --dry-run\?$' --dryrun /sysroot
check '--dry-run without SYSROOT is a wrong call' gives 2 err '^usage:' --dry-run
check 'dry run: the plan of PID 1' gives 0 out '^pivot to /ostree/deploy/os/deploy/c0ffee.0' \
	--dry-run "$tree" "$pid1"
check 'dry run: the plan of the utility' gives 0 out "^move /sysroot.tmp to $tree: " \
	--dry-run "$tree/" "quiet ostree=$bootlink"
check 'dry run: changes nothing' changes_nothing
check 'dry run: works for an ordinary user' another_user
check 'dry run: an output that cannot be written is an error' closed_output
check 'no ostree=' gives 1 err 'no ostree= on the kernel command line' --dry-run "$tree" "quiet"
check 'SYSROOT does not exist' gives 1 err "cannot open $work/none: No such file" --dry-run "$work/none" x
check 'SYSROOT is not a sysroot' gives 1 err "$work has no directory ostree" --dry-run "$work" "$pid1"
check 'dangling bootlink' broken "cannot use ostree=$bootlink: .*missing" "$tree/ostree/boot.1.1"
check 'no /usr in the tree' broken 'c0ffee.0 has no directory /usr' "$deployment/usr"
check 'no /sysroot in the tree' broken 'c0ffee.0 has no directory /sysroot' "$deployment/sysroot"
check 'no init in the tree' broken 'c0ffee.0 has no init' "$deployment/usr/sbin/init"
check 'no var in the stateroot' broken 'no stateroot.s var' "$tree/ostree/deploy/os/var"
check 'a directory instead of a bootlink' gives 1 err 'not a symbolic link' --dry-run "$tree" \
	"ostree=/ostree/deploy/os/deploy/c0ffee.0"
printf '[core]\nmode=bare\n\n[sysroot]\nreadonly=maybe\n' >"$tree/ostree/repo/config"
check 'a bad value in the configuration is reported, and the program continues' \
	bash -c "'$program' --dry-run '$tree' '$pid1' 2>&1 >/dev/null | grep -q 'config: line 5: '"
printf '[core]\nmode=bare\n' >"$tree/ostree/repo/config"
check 'the utility refuses the running root' gives 1 err '^rootstock: / (is the running root|has no directory ostree)' \
	--dry-run / "ostree=$bootlink"
check 'relative names of SYSROOT' from_inside
check 'an unknown slot' gives 1 err 'androidboot.slot_suffix=_c ' --dry-run "$tree" \
	"ostree=$bootlink androidboot.slot_suffix=_c"
check 'composefs is refused' gives 1 err 'ostree.prepare-root.composefs=signed asks for' \
	--dry-run "$tree" "ostree=$bootlink ostree.prepare-root.composefs=signed"
check 'a FIFO is not opened' pipes
check 'control characters in names are escaped' hostile
tap_end

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The command line of ostree-prepare-root, and --dry-run on a tree of files, for an ordinary user.
set -u
. "${0%/*}/testlib/tap.sh"

program=$(readlink -f "${BUILD:?}/ostree-prepare-root")
# gives STATUS STREAM PATTERN ARGUMENTS...: the exit status, and a line on out or err, nothing else there.
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

# A plan of its own must not be printed when the deployment cannot be booted.
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

# A tree may hold any name, and what is no file must not be opened.
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

# A relative name begins in the working directory, whatever it would be in /.
from_inside() (
	cd "$tree" || return
	for name in . ./ ./. ../"${tree##*/}" boot/..; do
		gives 0 out "^move /sysroot.tmp to " --dry-run "$name" "ostree=$bootlink" || return
	done
)

check '--help says how to call it' gives 0 out '^usage: ostree-prepare-root' --help
check '--version says which' gives 0 out '^ostree-prepare-root .*[0-9]+\.[0-9]+\.[0-9]+$' --version
check 'no argument is a wrong call' gives 2 err '^usage:'
check 'three arguments are a wrong call' gives 2 err '^usage:' a b c
check 'an unknown option is a wrong call' gives 2 err '^usage:' --force /sysroot
check 'an unknown option is named' gives 2 err '^rootstock: --force is no option$' --force /sysroot
check 'the option that was meant is named' gives 2 err 'did you mean --dry-run\?$' --dryrun /sysroot
check 'an option alone is a wrong call' gives 2 err '^usage:' --dry-run
check 'dry run: the plan of PID 1' gives 0 out '^pivot to /ostree/deploy/os/deploy/c0ffee.0' \
	--dry-run "$tree" "$pid1"
check 'dry run: the plan of the utility' gives 0 out "^move /sysroot.tmp to $tree: " \
	--dry-run "$tree/" "quiet ostree=$bootlink"
check 'dry run: changes nothing' changes_nothing
check 'dry run: for another user' another_user
check 'dry run: an output that takes nothing is an error' closed_output
check 'no ostree=' gives 1 err 'no ostree= on the kernel command line' --dry-run "$tree" "quiet"
check 'no such directory' gives 1 err "cannot open $work/none: No such file" --dry-run "$work/none" x
check 'no sysroot' gives 1 err "$work has no directory ostree" --dry-run "$work" "$pid1"
check 'dangling bootlink' broken "cannot use ostree=$bootlink: .*missing" "$tree/ostree/boot.1.1"
check 'no /usr in the tree' broken 'c0ffee.0 has no directory /usr' "$deployment/usr"
check 'no /sysroot in the tree' broken 'c0ffee.0 has no directory /sysroot' "$deployment/sysroot"
check 'no init in the tree' broken 'c0ffee.0 has no init' "$deployment/usr/sbin/init"
check 'no var in the stateroot' broken 'no stateroot.s var' "$tree/ostree/deploy/os/var"
check 'a directory instead of a link' gives 1 err 'not a symbolic link' --dry-run "$tree" \
	"ostree=/ostree/deploy/os/deploy/c0ffee.0"
printf '[core]\nmode=bare\n\n[sysroot]\nreadonly=maybe\n' >"$tree/ostree/repo/config"
check 'a bad value in the configuration is said and goes on' \
	bash -c "'$program' --dry-run '$tree' '$pid1' 2>&1 >/dev/null | grep -q 'config: line 5: '"
printf '[core]\nmode=bare\n' >"$tree/ostree/repo/config"
check 'the running root is none for the utility' gives 1 err '^rootstock: / (is the running root|has no directory ostree)' \
	--dry-run / "ostree=$bootlink"
check 'a relative name of the sysroot' from_inside
check 'a slot that is none' gives 1 err 'androidboot.slot_suffix=_c ' --dry-run "$tree" \
	"ostree=$bootlink androidboot.slot_suffix=_c"
check 'composefs is refused' gives 1 err 'ostree.prepare-root.composefs=signed asks for' \
	--dry-run "$tree" "ostree=$bootlink ostree.prepare-root.composefs=signed"
check 'a pipe is not opened' pipes
check 'nothing raw reaches a terminal' hostile
tap_end

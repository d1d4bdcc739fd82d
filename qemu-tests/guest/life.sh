#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# One boot of a device's life. /var/life, which the rig wrote, has the steps of each boot: lines of
# shell that use the functions below and the tree's own programs. Each line is a check, which passes
# if its status is 0; the report goes to the second serial port. Finally it lets systemd end the
# machine, or writes to /run/life.end how the machine is to end.
set -u

life=/var/life
# shellcheck source=/dev/null # the rig writes it
. $life/settings
export OSTREE_GRUB2_EXEC="${generator:?}"
: "${server:?} ${port:?}"

# --- functions for steps --------------------------------------------------------------------------

not() {
	! "$@"
}

# Prints the deployment that is mounted on /, by the kernel's mountinfo, not by libostree.
deployment() {
	sed -n 's|^[^ ]* [^ ]* [^ ]* /ostree/deploy/demo/deploy/\([^ ]*\) / .*|\1|p' \
		/proc/self/mountinfo | tail -n 1
}

# commit VERSION, release VERSION: prints the version's commit, or its kernel's release.
commit() {
	sed -n "s/^$1 \([^ ]*\) .*/\1/p" $life/versions
}

release() {
	sed -n "s/^$1 [^ ]* //p" $life/versions
}

version() {
	sed -n 's/^VERSION=//p' /usr/lib/os-release
}

# booted VERSION...: the kernel, libostree and the tree agree that one of these is running.
booted() {
	for wanted; do
		[ "$(version)" = "$wanted" ] || continue
		ostree admin status
		deployment
		case $(deployment) in
		"$(commit "$wanted")".*) ostree admin status | grep -q "^\* demo $(deployment)" && return ;;
		esac
	done
	echo "running: $(version)"
	return 1
}

is() {
	echo "$1 is '$(cat "$1")'"
	[ "$(cat "$1")" = "$2" ]
}

lacks() {
	[ ! -e "$1" ]
}

write() {
	echo "$2" >"$1" && sync
}

kernel() {
	uname -r
	[ "$(uname -r)" = "$(release "$1")" ]
}

# started PROGRAM: the kernel has started it as init.
started() {
	dmesg | grep 'as init process' | tee /dev/stderr | grep -q "Run $1"
}

counts() {
	wanted=$1
	shift
	echo "$#: $*"
	[ $# = "$wanted" ]
}

says() {
	expected=$1
	shift
	out=$("$@" 2>&1)
	echo "$out"
	case $out in
	*"$expected"*) ;;
	*) return 1 ;;
	esac
}

# Brings the network up. With udev the card already has its driver.
network() {
	if [ -z "$(card)" ] && [ -e /usr/lib/life/order ]; then
		while read -r module; do
			busybox insmod "/usr/lib/life/$module" || return
		done </usr/lib/life/order
	fi
	busybox ip link set lo up
	busybox ip address add 10.0.2.15/24 dev "$(card)" 2>/dev/null || :
	busybox ip link set "$(card)" up
}

card() {
	for path in /sys/class/net/*; do
		[ ! -e "$path/device" ] || basename "$path"
	done
}

# server cut BYTES | up | resumed: see rig/vm/server.py.
server() {
	network && busybox wget -q -O - "$server/-/$1/${2-}"
}

pull() {
	network && ostree pull factory "demo/$1"
}

# deploy VERSION [OPTION...]
deploy() {
	version=$1
	shift
	ostree admin deploy --os=demo "$@" "factory:demo/$version"
}

other() {
	[ "$(version)" = A ] && echo B || echo A
}

# Goes back to a version whose deployment still exists, with the command for it if this ostree has
# one.
rollback() {
	if ostree admin --help 2>&1 | grep -q '^ *rollback'; then
		ostree admin rollback
	elif ostree admin --help 2>&1 | grep -q '^ *set-default'; then
		ostree admin set-default 1
	else
		deploy "$1"
	fi
}

# --- the boot -------------------------------------------------------------------------------------

check() {
	checks=$((checks + 1))
	if out=$(eval "$1" 2>&1); then
		echo "ok $checks - $1"
	else
		echo "not ok $checks - $1"
		echo "$out" | sed 's/^/#   /'
	fi >&3
}

checks=0 boot=$(($(cat $life/boot) + 1))
write $life/boot $boot
exec 3>"$port"
stty raw -F "$port" 2>/dev/null || :
echo "TAP version 13" >&3
echo "# deployment $(deployment)" >&3
end=poweroff
if [ -e $life/$boot.steps ]; then
	read -r end <$life/$boot.end
	while read -r line; do
		check "$line" </dev/null
	done <$life/$boot.steps
else
	check "false # the scenario has no boot $boot"
fi
echo "1..$checks" >&3
if [ -d /run/systemd/system ]; then
	exec systemctl "$end"
fi
echo "$end" >/run/life.end

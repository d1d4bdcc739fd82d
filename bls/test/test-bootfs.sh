#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# bls/bootfs.h in a static program: its UUIDs are those that GRUB reads, and it finds the file
# system of real mounts, as root and as an ordinary user in a user namespace.
set -u -o pipefail
PATH=$PATH:/usr/sbin:/sbin
. "${0%/*}/testlib/tap.sh"

# image TEXT COMMAND...: the command makes a file system in the image that is its last argument.
image() {
	local text=$1 uuid tool
	shift
	for tool in grub-fstest "$1"; do
		command -v "$tool" >/dev/null || { skip "$text" "there is no $tool"; return; }
	done
	rm -f "$base/image"
	truncate -s 4M "$base/image"
	"$@" "$base/image" >/dev/null 2>&1
	uuid=$(grub-fstest "$base/image" ls '(loop0)' | sed -n 's/.* UUID \([^ ]*\) .*/\1/p')
	is "GRUB reads the same UUID of $text" "0 ${uuid:-nothing}" "$show" uuid "$base/image"
}

images() {
	image ext2 mke2fs -F -t ext2 -U 0FC63DAF-8483-4772-8E79-3D69D8477DE4
	image ext4 mke2fs -F -t ext4 -U 00000000-0000-0000-0000-00000000000a
	image "a FAT" mkfs.vfat -i 00ab0cd0
}

mounts() {
	local top=$base/m root="$base/m/a root\\"
	mount -t tmpfs tmpfs "$top"
	mkdir "$root"
	mount -t tmpfs tmpfs "$root"
	mkdir -p "$root"/{boot/loader,other/boot,deployment/boot,bind,tree}
	ln -s boot "$root/link"

	is 'a directory of the root file system' '/boot tmpfs - - 0' "$show" find "$root/boot"
	is 'a symlink to it' '/boot tmpfs - - 0' "$show" find "$root/link"
	is 'a directory in it' '- - - - 0' "$show" find "$root/boot/loader"
	is 'a tree in a directory' '- - - - 0' "$show" find "$root/other/boot"
	is 'two directories' 1 "$show" same "$root/boot" "$root/other"
	is 'two file systems' 0 "$show" same "$root" "$top"

	mount --bind "$root/boot" "$root/deployment/boot"
	is 'a bind mount of it' '/boot tmpfs - - 0' "$show" find "$root/deployment/boot"
	is 'a directory in the bind mount' '- - - - 0' "$show" find "$root/deployment/boot/loader"
	is 'two mounts of one file system' 1 "$show" same "$root" "$root/deployment/boot"
	mount --bind "$root/other" "$root/bind"
	is 'a bind mount of a tree' '- - - - 0' "$show" find "$root/bind/boot"
	mount -t tmpfs tmpfs "$root/tree"
	mkdir "$root/tree/boot"
	is 'a tree that is a file system' '/boot tmpfs - - 0' "$show" find "$root/tree/boot"

	mount -t tmpfs tmpfs "$root/boot"
	is 'a file system of its own' '/ tmpfs - - 0' "$show" find "$root/boot"
	mount --bind "$root/other" "$root/boot"
	is 'a bind mount over it' '/other tmpfs - - 0' "$show" find "$root/boot"
	umount "$root/boot"
	is 'the file system after that is unmounted' '/ tmpfs - - 0' "$show" find "$root/boot"

	mkdir -p "$top"/{image,lower/boot,lower/proc}
	cp "$show" "$top/lower/show"
	mount -t overlay -o "lowerdir=$top/lower:$top/image" overlay "$top/image"
	is 'an overlay' '/boot overlay - - 0' "$show" find "$top/image/boot"
	is 'an overlay and its lower directory' 0 "$show" same "$top/image" "$top/lower"

	mount --rbind /proc "$top/image/proc"
	mount --rbind /proc "$top/lower/proc"
	is 'a chroot into a mount' '/boot overlay - - 0' chroot "$top/image" /show find /boot
	is 'a chroot into a directory' -2 chroot "$top/lower" /show find /boot

	mount -t tmpfs tmpfs /proc
	is 'no /proc' -2 "$show" find "$root/boot"
	is 'no /proc and two file systems' -2 "$show" same "$root" "$top"
	is 'no /proc and one file system' 1 "$show" same "$root" "$root/other"
}

# line NUMBER SOURCE: looks up /boot in a table with this device number and source.
line() {
	echo "20 1 $1 / /boot rw - ext4 $2 rw" >"$base/m/table"
	"$show" look-up "$base/m/table" 20 /boot
}

# There is no driver for the major number 511, so opening its nodes gives ENXIO.
nodes() {
	local node=$base/m/node
	mount -t tmpfs tmpfs "$base/m"
	mknod "$node" b 511 1
	is 'a device' "/ ext4 $node - -6" line 511:1 "$node"
	is 'a device with an anonymous number' "/ ext4 $node - -6" line 0:40 "$node"
	is 'the name of another device' '/ ext4 - - 0' line 511:2 "$node"
	is 'the name of no device' '/ ext4 - - 0' line 511:1 /dev/root
}

# as TEXT FUNCTION COMMAND...: runs the function in a namespace that the command makes, in a copy of
# this script, because another user may not be able to read the original.
as() {
	local text=$1 function=$2 line status
	shift 2
	if ! "$@" true 2>/dev/null; then
		skip "$text: $function" "no namespace can be made"
		return
	fi
	"$@" bash "$base/test" "$function" >"$base/out"
	status=$?
	while IFS= read -r line; do
		case $line in
		'ok '*) tap_result ok "$text: ${line#* - }" ;;
		'not ok '*) tap_result 'not ok' "$text: ${line#* - }" ;;
		*) echo "$line" ;;
		esac
	done <"$base/out"
	[ "$status" = 0 ] || tap_result 'not ok' "$text: $function ended early"
}

if [ $# = 1 ]; then
	base=$(dirname "$0")
	show=$base/show
	"$1"
	exit
fi
base=$work
show=$base/show
mkdir -p "$base"/{m,testlib}
cp "${BUILD:?}/bls/test/show-bootfs" "$show"
cp "$0" "$base/test"
cp "${0%/*}/testlib/tap.sh" "$base/testlib/"
chmod -R a+rX "$base"

images
as 'as root' nodes unshare -m
as 'as root' mounts unshare -m
if [ "$(id -u)" = 0 ]; then
	as 'as user' mounts setpriv --reuid 65534 --regid 65534 --clear-groups unshare -rm
else
	as 'as user' mounts unshare -rm
fi
tap_end

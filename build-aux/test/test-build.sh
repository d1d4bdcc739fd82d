#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ring: qemu
#
# What a packager relies on: static programs for each architecture, make install, reproducible builds,
# and the caller's CC and flags.
set -u
. "${0%/*}/testlib/tap.sh"

programs="ostree-prepare-root rootstock-init ostree-grub-generator ostree-uboot-generator rootstock-bls"

# Runs make without the environment of the make that runs this test.
build() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make --no-print-directory "$@"
}

# build_and_run ARCH EMULATOR NAME: NAME is what `file` calls the architecture.
build_and_run() {
	local program emulator
	emulator=$(command -v "$2-static" || command -v "$2") # newer releases have the second alone
	build ARCH="$1" all || return 1
	for program in $programs; do
		file "build/$1/$program" | grep "$3" | grep 'statically linked' &&
			"$emulator" "build/$1/$program" --help 2>&1 | grep -E "^(usage: )?$program" || return 1
	done
}

installs() {
	build install DESTDIR="$work/dest" PREFIX=/opt/x BOOTLOADER=uboot WITH_OTA=no || return 1
	(cd "$work/dest/opt/x" && find . -type f -printf "%m %p\n" | LC_ALL=C sort) | diff /dev/fd/3 - 3<<-'END' || return 1
		644 ./lib/systemd/system/ostree-finalize-staged.service.d/50-rootstock.conf
		644 ./lib/systemd/system/ostree-prepare-root.service
		644 ./lib/systemd/system/rpm-ostreed.service.d/50-rootstock.conf
		644 ./share/man/man5/rootstock-grub.conf.5
		644 ./share/man/man5/rootstock-uEnv.txt.5
		644 ./share/man/man5/rootstock-uboot.conf.5
		644 ./share/man/man7/rootstock-boot.cmd.7
		644 ./share/man/man7/rootstock-initramfs.7
		644 ./share/man/man7/rootstock-stub.cfg.7
		644 ./share/man/man7/rootstock.7
		644 ./share/man/man8/ostree-grub-generator.8
		644 ./share/man/man8/ostree-prepare-root.8
		644 ./share/man/man8/ostree-uboot-generator.8
		644 ./share/man/man8/rootstock-bls.8
		644 ./share/man/man8/rootstock-init.8
		644 ./share/man/man8/rootstock-mkinitramfs.8
		644 ./share/rootstock/boot.cmd
		644 ./share/rootstock/boot.scr
		644 ./share/rootstock/stub.cfg
		755 ./bin/rootstock-bls
		755 ./bin/rootstock-mkinitramfs
		755 ./lib/dracut/modules.d/50rootstock/accept-root.sh
		755 ./lib/dracut/modules.d/50rootstock/module-setup.sh
		755 ./lib/dracut/modules.d/50rootstock/prepare-root.sh
		755 ./lib/ostree/ostree-grub-generator
		755 ./lib/ostree/ostree-prepare-root
		755 ./lib/ostree/ostree-uboot-generator
		755 ./lib/rootstock/list-image
		755 ./lib/rootstock/rootstock-init
		755 ./share/initramfs-tools/hooks/rootstock
		755 ./share/initramfs-tools/scripts/local-bottom/rootstock
	END
	# rootstock-mkinitramfs finds its other files below the prefix.
	"$work/dest/opt/x/bin/rootstock-mkinitramfs" -o "$work/image" || return 1
	"$work/dest/opt/x/bin/rootstock-mkinitramfs" --list "$work/image" | grep ' init$' || return 1
	"$work/dest/opt/x/bin/rootstock-mkinitramfs" --version |
		grep -x 'rootstock-mkinitramfs (rootstock) [0-9.]*' || return 1
	grep -x 'Environment=OSTREE_GRUB2_EXEC=/opt/x/lib/ostree/ostree-uboot-generator' \
		"$work/dest/opt/x/lib/systemd/system/rpm-ostreed.service.d/50-rootstock.conf"
}

# Where the libraries of ota are, its program is installed too, and nothing else.
installs_ota() {
	build install DESTDIR="$work/more" PREFIX=/opt/x BOOTLOADER=uboot || return 1
	diff <(cd "$work/dest" && find . -type f | LC_ALL=C sort) \
		<(cd "$work/more" && find . -type f | LC_ALL=C sort) | sed -n 's/^[<>] //p' |
		diff /dev/fd/3 - 3<<-'END' || return 1
			./opt/x/bin/rootstock-image
			./opt/x/share/man/man1/rootstock-image.1
		END
	"$work/more/opt/x/bin/rootstock-image" --version | grep -x 'rootstock-image (rootstock) [0-9.]*'
}

# With any umask, the installed files have the same modes, and other users can read and run them.
any_umask() {
	local mask
	for mask in 022 077 000; do
		(umask $mask && build install DESTDIR="$work/$mask" BOOTLOADER=grub) || return 1
		(cd "$work/$mask" && find . -printf '%m %y %p\n' | sort) >"$work/modes-$mask"
		diff "$work/modes-022" "$work/modes-$mask" || return 1
	done
	grep -q '^755 f ./usr/lib/rootstock/rootstock-init$' "$work/modes-022" &&
		grep -q '^755 d ./usr/lib/rootstock$' "$work/modes-022"
}

# copy DIRECTORY: copies the sources there, without the build folder.
copy() {
	rm -rf "$1"
	mkdir -p "$1"
	cp -r Makefile build-aux bls grub initramfs prepare-root qemu-tests testlib uboot "$1"
}

same_bytes() {
	local program
	copy "$work/elsewhere/deeper"
	build -C "$work/elsewhere/deeper" all || return 1
	for program in $programs rootstock-init; do
		cmp "${BUILD:?}/$program" "$work/elsewhere/deeper/$BUILD/$program" || return 1
	done
}

obeys_the_caller() {
	copy "$work/flags"
	build -C "$work/flags" V=1 CC='gcc -DMARK' CFLAGS=-O1 LDFLAGS=-Wl,-Map=map all >"$work/log" ||
		return 1
	# make prints the continued lines of a recipe as they are written; this joins them.
	sed ':a; /\\$/ { N; s/\\\n//; ba }' "$work/log" >"$work/commands"
	grep -q '^gcc -DMARK .*-O1 .*-c ' "$work/commands" && grep -q 'Map=map' "$work/commands" &&
		! grep -q musl "$work/commands"
}

no_heap() {
	! nm "${BUILD:?}/ostree-prepare-root" | grep -E ' (malloc|calloc|realloc|free|printf|fopen)$'
}

# Looks at one file with arrays in each folder. It uses readelf, because nm shows the code for link-time
# optimisation, which does not have the stack protector yet.
stack_protected() {
	local object
	for object in prepare-root/facts initramfs/search bls/menu grub/menuentry uboot/uenv; do
		readelf -sW "${BUILD:?}/obj/$object.o" | grep -q "UND __stack_chk_fail$" || {
			echo "$object.o has no stack protector"
			return 1
		}
	done
}

check 'armhf: the programs are static and run' build_and_run armhf qemu-arm 'ARM, EABI5'
check 'arm64: the programs are static and run' build_and_run arm64 qemu-aarch64 'ARM aarch64'
check 'riscv64: the programs are static and run' build_and_run riscv64 qemu-riscv64 'UCB RISC-V'
check 'make install installs all files, and they work' installs
check 'make install installs rootstock-image where its libraries are' installs_ota
check 'make install gives the same modes with any umask' any_umask
if [ -n "${LONG:-}" ]; then
	check 'another checkout builds the same bytes' same_bytes
	check 'the caller'"'"'s CC, CFLAGS and LDFLAGS are used' obeys_the_caller
fi
check 'ostree-prepare-root uses neither heap nor stdio' no_heap
check 'objects have the stack protector' stack_protected
tap_end

# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The list of all Debian packages that are needed. "A|B" is B if a release has no A.

cross_arm64 := gcc-aarch64-linux-gnu libc6-dev-arm64-cross
cross_armhf := gcc-arm-linux-gnueabihf libc6-dev-armhf-cross
cross_riscv64 := gcc-riscv64-linux-gnu libc6-dev-riscv64-cross
packages_build := gcc libc6-dev linux-libc-dev musl-tools patch xz-utils \
	$(if $(filter $(HOST),$(ARCH)),,$(cross_$(ARCH)))
packages_ota := libarchive-dev libblkid-dev libext2fs-dev libostree-dev pkg-config
packages_try := $(packages_build) busybox-static e2fsprogs fdisk grub-common grub-pc-bin ostree \
	python3 qemu-system-x86 seabios
packages_check := $(packages_try) $(packages_ota) acl attr gnupg $(cross_arm64) $(cross_armhf) $(cross_riscv64) \
	bc bcache-tools bison btrfs-progs cpio \
	cryptsetup-bin device-tree-compiler dosfstools dracut-core erofs-utils exfatprogs f2fs-tools file flex genisoimage \
	genromfs grub-efi-amd64-bin grub-emu initramfs-tools-core jfsutils kconfig-frontends-nox kmod libblkid-dev \
	libcmocka-dev libglib2.0-dev libmount-dev lz4 mmdebstrap mount mtd-utils mtools nilfs-tools \
	ntfs-3g ostree-boot ovmf pkg-config qemu-efi-aarch64 qemu-system-arm qemu-system-misc \
	qemu-user-static|qemu-user reiserfsprogs squashfs-tools strace systemd u-boot-qemu u-boot-tools udev \
	udftools uidmap util-linux util-linux-extra valgrind virtiofsd|qemu-system-common xfsprogs zstd
packages_lint := $(packages_check) clang clang-format clang-tidy cppcheck mandoc shellcheck

## deps: install the packages below (root on Debian 12 and 13) or print the command for it
## deps-build: install what a build for ARCH needs
## deps-try: the same for make try
## deps-check: the same for make check
## deps-lint: the same for make lint and make fuzz
deps: deps-lint
deps-build deps-try deps-check deps-lint: deps-%:
	$(Q)build-aux/deps $(packages_$*:%='%')

.PHONY: deps deps-build deps-try deps-check deps-lint

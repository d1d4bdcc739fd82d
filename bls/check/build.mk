# SPDX-License-Identifier: LGPL-2.1-or-later
includes_bls/check = bls initramfs prepare-root $(loaders)
lib_bls/check = $(filter-out bls/check/main.c,$(wildcard bls/check/*.c)) \
	$(sort $(foreach l,$(loaders),$(lib_$(l))) $(lib_prepare-root) \
		initramfs/rootparams.c initramfs/rootspec.c)
libs_bls/check := -lmount -lblkid
mount_users += bls/check/fstab.c
measured += bls/check

PROGRAMS += rootstock-bls
src_rootstock-bls = bls/check/main.c $(lib_bls/check)
HELPERS += bls/check/test/show-bootfs-limits
src_bls/check/test/show-bootfs-limits = bls/check/test/show-bootfs-limits.c $(lib_bls/check)
MANUALS += bls/check/rootstock-bls.8

install-bls/check:
	install -d $(BIN_DIR)
	install -m 755 $(BUILD)/rootstock-bls $(BIN_DIR)/

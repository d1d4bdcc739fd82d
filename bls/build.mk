# SPDX-License-Identifier: LGPL-2.1-or-later
includes_bls := prepare-root
lib_bls := $(filter-out bls/check.c,$(wildcard bls/*.c)) \
	$(addprefix prepare-root/,cmdline.c conf.c join.c path.c)
libs_bls := -lmount -lblkid
mount_users += bls/bootfs.c
measured += bls

PROGRAMS += rootstock-bls
src_rootstock-bls = bls/check.c $(sort $(lib_grub) $(lib_uboot))
HELPERS += bls/test/show-bootfs bls/test/show-layout
src_bls/test/show-bootfs := bls/test/show-bootfs.c bls/bootfs.c
src_bls/test/show-layout := bls/test/show-layout.c bls/layout.c bls/findings.c bls/known.c
MANUALS += bls/rootstock-bls.8

# The largest menus run no line that others do not.
uncounted += bls/test/test-scale.py bls/test/test-libostree-suite.py

BOOTLOADER ?=
$(if $(filter-out grub uboot,$(BOOTLOADER)),$(error BOOTLOADER is grub or uboot))
install-bls:
	install -d $(BIN_DIR)
	install -m 755 $(BUILD)/rootstock-bls $(BIN_DIR)/
	for s in $(if $(BOOTLOADER),ostree-finalize-staged rpm-ostreed); do \
		dir=$(LIB_DIR)/systemd/system/$$s.service.d && install -d $$dir && \
		sed 's|@PREFIX@|$(PREFIX)|; s|@BOOTLOADER@|$(BOOTLOADER)|' bls/generator.conf.in \
			>$(BUILD)/generator.conf && \
		install -m 644 $(BUILD)/generator.conf $$dir/50-rootstock.conf || exit 1; \
	done

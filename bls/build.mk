# SPDX-License-Identifier: LGPL-2.1-or-later
includes_bls := prepare-root
lib_bls := $(wildcard bls/*.c) \
	$(addprefix prepare-root/,closest.c cmdline.c conf.c join.c path.c)
libs_bls := -lmount -lblkid
mount_users += bls/bootfs.c
measured += bls

HELPERS += bls/test/show-bootfs
src_bls/test/show-bootfs := bls/test/show-bootfs.c bls/bootfs.c

# The largest menus run no line that others do not.
uncounted += bls/test/test-scale.py bls/test/test-libostree-suite.py

install-bls:
	for s in $(if $(BOOTLOADER),ostree-finalize-staged rpm-ostreed); do \
		dir=$(LIB_DIR)/systemd/system/$$s.service.d && install -d $$dir && \
		sed 's|@PREFIX@|$(PREFIX)|; s|@BOOTLOADER@|$(BOOTLOADER)|' bls/generator.conf.in \
			>$(BUILD)/generator.conf && \
		install -m 644 $(BUILD)/generator.conf $$dir/50-rootstock.conf || exit 1; \
	done

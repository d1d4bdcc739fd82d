# SPDX-License-Identifier: LGPL-2.1-or-later
includes_grub := bls
lib_grub = $(filter-out grub/main.c,$(wildcard grub/*.c)) $(lib_bls)
libs_grub := -lmount -lblkid
loaders += grub
measured += grub

PROGRAMS += ostree-grub-generator
src_ostree-grub-generator = grub/main.c $(lib_grub)
MANUALS += grub/ostree-grub-generator.8 grub/rootstock-grub.conf.5 grub/rootstock-stub.cfg.7

install-grub:
	install -d $(LIB_DIR)/ostree $(SHARE_DIR)/rootstock
	install -m 755 $(BUILD)/ostree-grub-generator $(LIB_DIR)/ostree/
	install -m 644 grub/stub.cfg $(SHARE_DIR)/rootstock/

# SPDX-License-Identifier: LGPL-2.1-or-later
includes_uboot := bls
lib_uboot = $(filter-out uboot/main.c,$(wildcard uboot/*.c)) $(lib_bls)
libs_uboot := -lmount -lblkid
loaders += uboot
measured += uboot

PROGRAMS += ostree-uboot-generator
src_ostree-uboot-generator = uboot/main.c $(lib_uboot)
MANUALS += uboot/ostree-uboot-generator.8 uboot/rootstock-uEnv.txt.5 uboot/rootstock-uboot.conf.5 \
	uboot/rootstock-boot.cmd.7

# The boot script, where u-boot-tools are installed. There is a date in it; it is always the same.
BOOT_SCR := $(if $(shell command -v mkimage 2>/dev/null),$(BUILD)/boot.scr)
all: $(BOOT_SCR)
$(BUILD)/boot.scr: uboot/boot.cmd
	@mkdir -p $(@D)
	@echo "  GEN   $@"
	$(Q)SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-0} mkimage -A arm -T script -C none -d $< $@ >/dev/null

install-uboot:
	install -d $(LIB_DIR)/ostree $(SHARE_DIR)/rootstock
	install -m 755 $(BUILD)/ostree-uboot-generator $(LIB_DIR)/ostree/
	install -m 644 uboot/boot.cmd $(BOOT_SCR) $(SHARE_DIR)/rootstock/

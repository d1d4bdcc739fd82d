# SPDX-License-Identifier: LGPL-2.1-or-later
includes_initramfs := prepare-root
lib_initramfs = $(filter-out initramfs/main.c,$(wildcard initramfs/*.c)) $(lib_prepare-root)
libs_initramfs := -lmount -lblkid

PROGRAMS += rootstock-init
src_rootstock-init = initramfs/main.c $(lib_initramfs)
HELPERS += initramfs/test/show-probe
src_initramfs/test/show-probe = initramfs/test/show-probe.c $(lib_initramfs)
mount_users += initramfs/mountroot.c initramfs/probe.c
budgets += rootstock-init:245760
MANUALS += initramfs/rootstock-init.8 initramfs/rootstock-initramfs.7 \
	initramfs/rootstock-mkinitramfs.8

# Not measured: main.c, see prepare-root/build.mk. Most scripts test other scripts.
measured += $(filter-out initramfs/main.c,$(wildcard initramfs/*.c))
uncounted += $(filter-out %/test-probe.py %/test-containers.py,$(wildcard initramfs/test/test-*.py))

# An initramfs that is rootstock-init alone, with gzip. The program is larger on some architectures.
packed_arm64 := 122880
packed_riscv64 := 131072
packed_budget := $(or $(packed_$(ARCH)),112640)
size: size-initramfs
size-initramfs: stripped
	$(Q)size=$$(initramfs/rootstock-mkinitramfs --init $(BUILD)/rootstock-init.stripped \
			--compress gzip -o - | wc -c); \
	printf '%8d  an initramfs without modules, with gzip\n' $$size; \
	test $$size -gt 0 && test $$size -le $(packed_budget) || \
		{ echo "it is larger than its budget of $(packed_budget) bytes"; exit 1; }

install-initramfs:
	install -d $(LIB_DIR)/rootstock $(BIN_DIR)
	$(STRIP) -o $(BUILD)/rootstock-init.stripped $(BUILD)/rootstock-init
	install -m 755 $(BUILD)/rootstock-init.stripped $(LIB_DIR)/rootstock/rootstock-init
	install -m 755 initramfs/list-image $(LIB_DIR)/rootstock/
	install -m 755 initramfs/rootstock-mkinitramfs $(BIN_DIR)/
	sed -i 's|@VERSION@|$(VERSION)|' $(BIN_DIR)/rootstock-mkinitramfs
	install -D -m 644 -t $(LIB_DIR)/systemd/system initramfs/ostree-prepare-root.service
	install -D -t $(LIB_DIR)/dracut/modules.d/50rootstock initramfs/dracut/50rootstock/*
	for d in hooks scripts/local-bottom; do \
		install -D -t $(SHARE_DIR)/initramfs-tools/$$d \
			initramfs/initramfs-tools/$$d/rootstock || exit 1; \
	done

.PHONY: size-initramfs

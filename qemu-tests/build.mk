# SPDX-License-Identifier: LGPL-2.1-or-later

## try: boot a real OSTree disk in this terminal
try: deps-try
	$(Q)$(MAKE) --no-print-directory all
	$(Q)qemu-tests/run --build $(BUILD) --try

# `make check` boots one cell of each machine with a kernel from Debian: to build one takes minutes.
CELLS ?= x86-*/pid1 arm64-*/pid1 x86-direct/initramfs armhf-u-boot-armmp/initramfs \
	riscv64-u-boot/initramfs

# Builds the programs for all architectures of the boot matrix.
matrix: all
	$(Q)for arch in $(filter-out $(ARCH),x86_64 arm64 armhf riscv64); do \
		$(MAKE) --no-print-directory ARCH=$$arch || exit 1; \
	done

## qemu-check: boot the complete matrix and nothing else
qemu-check: deps-check
	$(Q)$(MAKE) --no-print-directory matrix
	$(Q)qemu-tests/run --build $(BUILD)

## fresh: make try and make check, as root, on a new Debian 13 (RELEASE=bookworm: 12)
RELEASE ?= trixie
fresh: deps-check
	$(Q)qemu-tests/fresh $(RELEASE) 'make try' 'make check'

## crash: cut the power at every write of a new menu; STATES=100000; MUTANTS=1 tests this test
STATES ?= 100000
crash: deps-check
	$(Q)$(MAKE) --no-print-directory all
	$(Q)qemu-tests/crash --build $(BUILD) --states $(STATES) $(if $(MUTANTS),--mutants)

## bench: count the instructions of a boot against budgets and peers; PEERS= counts ours alone
bench: deps-check
	$(Q)$(MAKE) --no-print-directory all
	$(Q)qemu-tests/bench --build $(BUILD) $(if $(filter undefined,$(origin PEERS)),,--peers '$(PEERS)')

lint-now: lint-tiers
lint-tiers:
	@echo "  LINT  tiers"
	$(Q)cd qemu-tests && python3 -B -m rig.report.budget

install-qemu-tests:

.PHONY: try matrix qemu-check fresh crash bench lint-tiers

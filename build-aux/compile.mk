# SPDX-License-Identifier: LGPL-2.1-or-later
#
# How a static program is compiled for ARCH, and with which libraries.

HOST_MACHINE := $(shell uname -m)
# The kernel's and other systems' names of the architectures.
arch_of = $(or $(alias_$(1)),$(patsubst armv%,armhf,$(1)))
alias_aarch64 := arm64
alias_amd64 := x86_64
alias_x86-64 := x86_64
HOST := $(call arch_of,$(HOST_MACHINE))
ARCH ?= $(HOST)
override ARCH := $(call arch_of,$(ARCH))
BUILD := build/$(ARCH)

triplet_x86_64 := x86_64-linux-gnu
triplet_armhf := arm-linux-gnueabihf
triplet_arm64 := aarch64-linux-gnu
triplet_riscv64 := riscv64-linux-gnu
TRIPLET := $(triplet_$(ARCH))
$(if $(TRIPLET),,$(error ARCH=$(ARCH) is not known: use x86_64, armhf, arm64 or riscv64))

# Unless the caller sets CC, the programs are linked with musl: for this architecture through Debian's
# wrapper, for another one through a specs file that names the unpacked foreign musl-dev.
ifeq ($(origin CC),default)
ifneq ($(CROSS_COMPILE),)
CC := $(CROSS_COMPILE)gcc
else ifeq ($(ARCH),$(HOST))
CC := musl-gcc
KERNEL_HEADERS := -idirafter /usr/include/$(TRIPLET) -idirafter /usr/include
else
CC := $(TRIPLET)-gcc
MUSL_SPECS := $(BUILD)/musl.specs
KERNEL_HEADERS := -idirafter /usr/$(TRIPLET)/include
endif
endif
STRIP ?= $(or $(CROSS_COMPILE),$(if $(filter $(ARCH),$(HOST)),,$(TRIPLET)-))strip

WARNINGS := -Wall -Wextra -Wshadow -Wconversion
RS_CPPFLAGS = -I. -D_GNU_SOURCE -DVERSION='"$(VERSION)"' $(CPPFLAGS)
# No unwind tables: nothing needs them, and they are a tenth of a small program.
SMALL := -Os -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables
# The stack protector is there because the input is hostile. It costs 1 KB, and no instructions that
# the bench shows. A position-independent executable would cost 17 KB and a fifteenth of the
# instructions of init=; with fixed addresses, tables of pointers are read-only and need no relocation.
SMALL += -fstack-protector-strong -fno-pie
# With link-time optimisation, programs are a tenth smaller. The caller's compiler may lack it, and
# coverage counts lines in objects.
ifneq ($(if $(COVERAGE),,$(KERNEL_HEADERS)),)
SMALL += -flto=auto -ffat-lto-objects
# At link time gcc compiles libblkid again, and since gcc 14 it warns about a variable there that
# every path sets (wp in btrfs.c: sb_write_pointer() returns 0 or -ENOENT and sets it in both cases).
# For our own files the compile step gives this warning.
LTO_LDFLAGS := -Wno-maybe-uninitialized
endif
RS_CFLAGS = -std=gnu11 $(SMALL) -ffile-prefix-map=$(CURDIR)=. $(WARNINGS) \
	$(MUSL_SPECS:%=-specs=%) $(KERNEL_HEADERS) $(CFLAGS)
# noseparate-code saves a segment, and so page faults. An arm64 kernel may have pages of 64 KiB and
# refuses to map segments that are aligned to less; norelro keeps the program from growing by that.
pages_x86_64 := -Wl,-z,max-page-size=4096
pages_armhf := $(pages_x86_64)
pages_riscv64 := $(pages_x86_64)
pages_arm64 := -Wl,-z,max-page-size=65536 -Wl,-z,norelro
RS_LDFLAGS = -static -no-pie -Wl,--gc-sections -Wl,-z,noseparate-code $(pages_$(ARCH)) \
	-Wl,--build-id=none $(LTO_LDFLAGS) $(LDFLAGS)

# Static libmount and libblkid. The caller's compiler may have its own (Yocto, Buildroot), which
# pkg-config names; otherwise build-aux/util-linux builds them.
ifndef KERNEL_HEADERS # the compiler is the caller's
PKG_CONFIG ?= pkg-config
MOUNT_LIBS := $(shell { libs=$$($(PKG_CONFIG) --static --libs mount blkid) && \
	echo 'int main(void) { return 0; }' | $(CC) $(CFLAGS) -static -o /dev/null -x c - -x none \
		$(LDFLAGS) $$libs && echo "$$libs"; } 2>/dev/null)
endif
ifndef MOUNT_LIBS
UTIL_LINUX := $(BUILD)/util-linux
MOUNT_LIBS = -L$$(cat $(UTIL_LINUX))/lib -lmount -lblkid
MOUNT_CPPFLAGS = -isystem $$(cat $(UTIL_LINUX))/include
endif
mount_objects = $(mount_users:%.c=$(BUILD)/obj/%.o)

$(BUILD)/obj/%.o: %.c $(BUILD)/flags $(MUSL_SPECS)
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(RS_CPPFLAGS) $(if $(filter $@,$(mount_objects)),$(MOUNT_CPPFLAGS)) $(RS_CFLAGS) \
		-MMD -MP -c $< -o $@

# The next three rules always run, but each replaces its file only if the content changes. So another
# compiler, other flags or an emptied cache make the objects anew.
settled = if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(CC) $(RS_CPPFLAGS) $(RS_CFLAGS) $(RS_LDFLAGS))' \
		'$(MOUNT_LIBS)' >$@.new
	@cmp -s $@.new $@ || command -v $(firstword $(CC)) >/dev/null || \
		{ echo "There is no compiler $(firstword $(CC)): on Debian, make deps-build$(if \
			$(filter $(HOST),$(ARCH)),, ARCH=$(ARCH)) installs what a build needs" >&2; exit 1; }
	@$(settled)

# Debian 12's ld crashes on the debugging information in the crt1.o of a newer release's musl.
specs_riscv64 := s/^-dynamic-linker/--strip-debug &/
$(BUILD)/musl.specs: FORCE
	@mkdir -p $(@D)
	@dir=$$(build-aux/debs base $(ARCH) musl-dev) && \
		sed "s|/usr/|$$dir/usr/|g; $(specs_$(ARCH))" "$$dir"/usr/lib/*/musl-gcc.specs >$@.new
	@$(settled)

$(BUILD)/util-linux: $(MUSL_SPECS) $(BUILD)/flags FORCE
	@mkdir -p $(@D)
	@build-aux/util-linux $(CC) $(patsubst %,-specs=%,$(abspath $(MUSL_SPECS))) $(KERNEL_HEADERS) \
		$(SMALL) >$@.new
	@$(settled)

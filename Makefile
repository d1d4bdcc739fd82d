# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds, tests and installs rootstock. Nothing is configured beforehand, and nothing is written
# outside build/ and the user's cache. `make help` prints the lines that begin with "##".
#
# What belongs to one folder stands in its build.mk, in these variables:
#   lib_FOLDER           the sources that its tests link: all but the one with main()
#   libs_FOLDER          the libraries that its tests link
#   PROGRAMS, src_NAME   what is installed, and the sources of each
#   HELPERS, src_NAME    programs through which its scripts test what a static program sees
#   mount_users          sources that include libmount's or libblkid's headers
#   MANUALS, budgets     man pages; NAME:BYTES of a stripped program
#   loaders              the folders that describe a boot loader (bls/loader.h)
#   includes_FOLDER      the other folders whose headers it may include (lint checks that)
#   measured, uncounted  what `make coverage` measures, and which tests it leaves out
# and a target install-FOLDER. A new folder is one more word in FOLDERS.
#
# CC, CROSS_COMPILE, CPPFLAGS, CFLAGS and LDFLAGS belong to the caller and are never assigned.

FOLDERS := prepare-root initramfs bls bls/check grub uboot qemu-tests

VERSION := 0.1.0
PREFIX ?= /usr
DESTDIR ?=
Q := $(if $(V),,@)
.DEFAULT_GOAL := all

include build-aux/compile.mk

# The folder ota is built for this system, where its libraries are, unless WITH_OTA is "no". Nothing
# else needs them.
OTA_PACKAGES := ostree-1 gio-unix-2.0 libarchive ext2fs com_err blkid
OTA := $(if $(filter-out no,$(or $(WITH_OTA),yes)),$(if $(filter $(HOST),$(ARCH)),$(shell \
	pkg-config --exists $(OTA_PACKAGES) 2>/dev/null && ls -d ota 2>/dev/null)))
FOLDERS += $(OTA)

include $(FOLDERS:%=%/build.mk)
include build-aux/test.mk build-aux/lint.mk build-aux/packages.mk

# --- help -----------------------------------------------------------------------------------------

## all: build the programs in build/ARCH/ (what make without a target does)
## install: DESTDIR=, PREFIX=; WITH_OTA=no leaves out rootstock-image; BOOTLOADER=grub or uboot also lets libostree call its generator
## size: compare the sizes of the stripped programs with their budgets
## clean: remove build/
help:
	@echo "make TARGET [VARIABLE=VALUE]..., with ARCH=x86_64, armhf, arm64 or riscv64; V=1 shows commands"
	@sed -n 's/^## //p' $(filter Makefile %.mk,$(MAKEFILE_LIST)) | \
		while IFS=: read -r name text; do printf '  %-13s%s\n' "$$name" "$$text"; done

# --- programs -------------------------------------------------------------------------------------

all: $(PROGRAMS:%=$(BUILD)/%)
ifeq ($(OTA)$(filter no,$(WITH_OTA))$(filter-out $(HOST),$(ARCH)),)
	@echo "rootstock-image is not built: it needs the development files of $(OTA_PACKAGES)"
endif
$(mount_objects): $(UTIL_LINUX)

define program
$$(BUILD)/$(1): $$(src_$(1):%.c=$$(BUILD)/obj/%.o)
	@mkdir -p $$(@D)
	@echo "  LINK  $$@"
	$$(Q)$$(CC) $$(RS_CFLAGS) $$^ -o $$@ $$(RS_LDFLAGS) \
		$$(if $$(filter $$(mount_objects),$$^),$$(MOUNT_LIBS))
endef
$(foreach p,$(PROGRAMS) $(HELPERS),$(eval $(call program,$(p))))

stripped: all
	$(Q)for p in $(PROGRAMS); do $(STRIP) -o $(BUILD)/$$p.stripped $(BUILD)/$$p || exit 1; done

size: stripped
	$(Q)for p in $(PROGRAMS); do \
		printf '%8d  %s (stripped)\n' $$(stat -c %s $(BUILD)/$$p.stripped) $(BUILD)/$$p; \
	done
	$(Q)for b in $(budgets); do \
		test $$(stat -c %s $(BUILD)/$${b%:*}.stripped) -le $${b#*:} || \
			{ echo "$${b%:*} is larger than its budget of $${b#*:} bytes"; exit 1; }; \
	done

# --- install, clean -------------------------------------------------------------------------------

BIN_DIR = $(DESTDIR)$(PREFIX)/bin
LIB_DIR = $(DESTDIR)$(PREFIX)/lib
SHARE_DIR = $(DESTDIR)$(PREFIX)/share

BOOTLOADER ?=
$(if $(filter-out $(loaders),$(BOOTLOADER)),$(error BOOTLOADER is one of: $(loaders)))

install: $(FOLDERS:%=install-%)
	for m in $(MANUALS); do \
		install -D -m 644 $$m $(SHARE_DIR)/man/man$${m##*.}/$${m##*/} || exit 1; \
	done
$(FOLDERS:%=install-%): all

clean:
	rm -rf build

.DELETE_ON_ERROR:
.PHONY: FORCE all help stripped size install clean $(FOLDERS:%=install-%)
.SECONDARY:
-include $(shell find $(BUILD)/obj $(BUILD)/san -type f -name '*.d' 2>/dev/null)

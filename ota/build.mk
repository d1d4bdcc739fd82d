# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The programs that need libostree. They are dynamic, for the system that has these libraries.
includes_ota := bls prepare-root
lib_ota := $(filter-out ota/image.c,$(wildcard ota/*.c)) \
	bls/directory.c bls/file.c bls/json.c bls/kernel.c bls/report.c bls/text.c bls/utf8.c \
	prepare-root/closest.c prepare-root/join.c prepare-root/path.c
libs_ota := $(shell pkg-config --libs $(OTA_PACKAGES))
measured += ota
MANUALS += ota/rootstock-image.1

OTA_PROGRAMS := rootstock-image ota/test/show-source
src_rootstock-image := ota/image.c $(lib_ota)
src_ota/test/show-source := ota/test/show-source.c $(lib_ota)

# The caller's compiler, or gcc: Debian's musl has no such libraries.
OTA_CC = $(if $(KERNEL_HEADERS),gcc,$(CC))
OTA_CFLAGS = -std=gnu11 -O2 -g -ffile-prefix-map=$(CURDIR)=. $(WARNINGS) $(OTA_GLIB) $(CFLAGS)
OTA_GLIB := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(OTA_PACKAGES)))

$(BUILD)/obj/dynamic/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(OTA_CC) $(RS_CPPFLAGS) $(OTA_CFLAGS) $(LDFLAGS) $(libs_ota))' >$@.new
	@$(settled)

$(BUILD)/obj/dynamic/%.o: %.c $(BUILD)/obj/dynamic/flags
	@mkdir -p $(@D)
	@echo "  CC    $< (ota)"
	$(Q)$(OTA_CC) $(RS_CPPFLAGS) $(OTA_CFLAGS) -MMD -MP -c $< -o $@

define ota_program
$$(BUILD)/$(1): $$(src_$(1):%.c=$$(BUILD)/obj/dynamic/%.o)
	@mkdir -p $$(@D)
	@echo "  LINK  $$@"
	$$(Q)$$(OTA_CC) $$(OTA_CFLAGS) $$^ -o $$@ $$(LDFLAGS) $$(libs_ota)
endef
$(foreach p,$(OTA_PROGRAMS),$(eval $(call ota_program,$(p))))

all: $(BUILD)/rootstock-image

install-ota:
	install -d $(BIN_DIR)
	install -m 755 $(BUILD)/rootstock-image $(BIN_DIR)/

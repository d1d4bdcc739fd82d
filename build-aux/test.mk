# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The unit tests, fuzz targets and test scripts of all folders, and how they are run.

HOSTCC ?= gcc
GLIB := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags glib-2.0 $(if $(OTA),$(OTA_PACKAGES))))
SANITIZE := -std=gnu11 $(if $(COVERAGE),-O0,-O1) -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all $(if $(COVERAGE),-O0 $(COVERAGE)) $(WARNINGS)

units := $(foreach f,$(FOLDERS),$(patsubst %.c,$(BUILD)/%,$(wildcard $(f)/test/test-*.c)))
fuzzers := $(foreach f,$(FOLDERS),$(patsubst %.c,$(BUILD)/%,$(wildcard $(f)/test/fuzz-*.c)))
scripts := $(foreach f,$(FOLDERS) build-aux,$(wildcard $(f)/test/test-*.sh $(f)/test/test-*.py))

$(BUILD)/san/%.o: %.c $(BUILD)/san/flags
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(RS_CPPFLAGS) $(SANITIZE) $(GLIB) -MMD -MP -c $< -o $@

$(BUILD)/san/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(HOSTCC) $(RS_CPPFLAGS) $(SANITIZE) $(GLIB))' >$@.new
	@cmp -s $@.new $@ || printf '#include <%s>\n' stdarg.h stddef.h stdint.h setjmp.h cmocka.h glib.h \
			libmount/libmount.h blkid/blkid.h | $(HOSTCC) $(GLIB) -x c -fsyntax-only - || \
		{ echo "A compiler or a library of the tests is missing: on Debian, make deps-check installs" \
			"what tests need, and make deps-build what the programs need" >&2; exit 1; }
	@$(settled)

define tests
$$(BUILD)/$(1)/test/test-%: $$(BUILD)/san/$(1)/test/test-%.o $$(lib_$(1):%.c=$$(BUILD)/san/%.o)
	@mkdir -p $$(@D)
	@echo "  TEST  $$@"
	$$(Q)$$(HOSTCC) $$(SANITIZE) $$^ -o $$@ -lcmocka $$(libs_$(1))

$$(BUILD)/$(1)/test/fuzz-%: $$(BUILD)/san/$(1)/test/fuzz-%.o $$(BUILD)/san/testlib/replay.o \
		$$(lib_$(1):%.c=$$(BUILD)/san/%.o)
	@mkdir -p $$(@D)
	@echo "  TEST  $$@"
	$$(Q)$$(HOSTCC) $$(SANITIZE) $$^ -o $$@ $$(libs_$(1))

$$(BUILD)/libfuzzer/$(1)/test/fuzz-%: $(1)/test/fuzz-%.c $$(lib_$(1)) $$(wildcard $$(FOLDERS:%=%/*.h))
	@mkdir -p $$(@D)
	$$(Q)clang $$(RS_CPPFLAGS) $$(GLIB) -g -O1 -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all $$(filter %.c,$$^) -o $$@ $$(libs_$(1))
endef
$(foreach f,$(FOLDERS),$(eval $(call tests,$(f))))

# The rings of tests, from the inside. A test that boots machines or compiles for other architectures
# has the line "# ring: qemu". One of these that takes long has "# ring: long" and runs only with
# LONG=1; so do parts of other tests that look at that variable.
ring = $(shell grep -lx '\# ring: $(1)' $(scripts))
namespaces := $(filter prepare-root/test/test-ns-% initramfs/test/test-ns-%,$(scripts))
inner = $(filter-out $(call ring,qemu) $(call ring,long) $(namespaces),$(scripts)) $(namespaces)
# As many jobs as there are processors, unless the caller has set a number.
JOBS = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))
export LONG
# "more" if make check does more than by default.
MORE = $(if $(LONG)$(filter-out file,$(origin CELLS)),more)
built = all $(HELPERS:%=$(BUILD)/%) $(OTA_PROGRAMS:%=$(BUILD)/%) $(units) $(fuzzers)

## unit: the tests that need neither QEMU nor another compiler, in two minutes
unit:
	$(Q)$(MAKE) --no-print-directory $(JOBS) unit-now
unit-now: $(built)
	$(Q)BUILD=$(BUILD) build-aux/tally $(units) $(fuzzers) $(inner)

## check: all tests, one boot a machine; LONG=1 adds long tests, CELLS='*' or ci more boots
check:
	$(Q)build-aux/outlook $(MORE)
	$(Q)$(MAKE) --no-print-directory deps-check
	$(Q)$(MAKE) --no-print-directory $(JOBS) matrix
	$(Q)$(MAKE) --no-print-directory $(JOBS) check-now
check-now: $(built)
	$(Q)BUILD=$(BUILD) build-aux/tally --cells '$(CELLS)' $(units) $(fuzzers) $(inner) \
		$(call ring,qemu) $(if $(LONG),$(call ring,long))
	$(if $(MORE)$(filter-out x86_64,$(HOST)),,$(Q)build-aux/outlook $(BUILD)/test/asked)

## coverage: measure which lines the tests run; V=1 prints the numbers of the others
# Runs the same tests with programs that count their lines. Some tests fail because of that: they compare
# the output or the system calls of a program. Failures are ignored here; make check reports them.
counted = $(sort $(foreach m,$(measured),$(firstword $(subst /, ,$(m)))))
coverage: deps-check
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/coverage COVERAGE='--coverage -Wl,--undefined=__gcov_dump' \
		CFLAGS='$(CFLAGS) --coverage -O0' LDFLAGS='$(LDFLAGS) --coverage' coverage-now
coverage-now: $(built)
	$(Q)find $(BUILD) -name '*.gcda' -delete
	$(Q)BUILD=$(BUILD) build-aux/tally $(filter $(counted:%=$(BUILD)/%/%),$(units) $(fuzzers)) \
		$(filter-out $(uncounted),$(filter $(counted:%=%/%),$(scripts))) >$(BUILD)/tests.log || :
	$(Q)build-aux/coverage $(BUILD) $(measured)

## fuzz: give random input to the parsers, SECONDS=60 for each
SECONDS ?= 60
fuzz: deps-lint
	$(Q)$(MAKE) --no-print-directory $(fuzzers:$(BUILD)/%=$(BUILD)/libfuzzer/%)
	$(Q)for f in $(fuzzers:$(BUILD)/%=%); do \
		mkdir -p $(BUILD)/libfuzzer/$$f.found && \
		$(BUILD)/libfuzzer/$$f -max_total_time=$(SECONDS) -print_final_stats=1 \
			-artifact_prefix=$(BUILD)/libfuzzer/$$f.found/ $(BUILD)/libfuzzer/$$f.found \
			$$(dirname $$f)/corpus-$${f##*/fuzz-} || exit 1; \
	done

## fuzz-loaders: send random values through generators and real boot loaders, SECONDS=60 for each
fuzz-loaders: deps-check
	$(Q)$(MAKE) --no-print-directory all
	$(Q)for f in $(wildcard $(FOLDERS:%=%/test/fuzz-loader-*.py)); do \
		BUILD=$(BUILD) SECONDS=$(SECONDS) $$f || exit 1; \
	done

.PHONY: unit unit-now check check-now coverage coverage-now fuzz fuzz-loaders

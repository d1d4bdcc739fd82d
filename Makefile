# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The one Makefile: builds, tests and installs rootstock. Nothing is configured beforehand, nothing
# is written outside build/ and the user's cache.
#
#   make                  static programs in build/ARCH/ (ARCH=x86_64, armhf, arm64 or
#                         riscv64); what that needs on Debian, make deps-build installs
#   make try              boot a real OSTree disk with them, in this terminal
#   make unit             the tests that need neither QEMU nor another compiler, in two minutes
#   make check            all tests and one boot per machine; with LONG=1 the long ones too;
#                         CELLS='*' boots the whole matrix, CELLS=ci what CI does
#   make qemu-check       the whole boot matrix and nothing else
#   make fresh            make try and make check on a Debian 13 that has make and nothing else;
#                         RELEASE=bookworm for another one; as root
#   make crash            cut the power at every write of a new boot menu (STATES=100000); with
#                         MUTANTS=1 see whether that finds generators that lack a precaution
#   make lint size fuzz   static analysis, sizes against their budgets, fuzzing (SECONDS= each)
#   make bench            instructions of a boot beside other initramfs systems', against budgets;
#                         PEERS= measures ours alone
#   make fuzz-loaders     random values through the generators and real boot loaders (SECONDS= each)
#   make coverage         the lines that the tests run (V=1 names the others)
#   make install          DESTDIR= and PREFIX= as usual; BOOTLOADER=grub or uboot adds the drop-ins
#                         that let libostree call its generator
#
# CC, CROSS_COMPILE, CPPFLAGS, CFLAGS and LDFLAGS belong to the caller and are never assigned.

VERSION := 0.1.0
PREFIX ?= /usr
DESTDIR ?=
BOOTLOADER ?=
$(if $(filter-out grub uboot,$(BOOTLOADER)),$(error BOOTLOADER is grub or uboot))
SECONDS ?= 60
STATES ?= 100000
# One of each machine whose kernel is Debian's: nothing is built that takes minutes.
CELLS ?= x86-*/pid1 arm64-*/pid1 x86-direct/initramfs armhf-u-boot-armmp/initramfs \
	riscv64-u-boot/initramfs

HOST := $(patsubst aarch64,arm64,$(patsubst armv%,armhf,$(shell uname -m)))
ARCH ?= $(HOST)
BUILD := build/$(ARCH)
Q := $(if $(V),,@)

# --- compilers ------------------------------------------------------------------------------------

triplet_x86_64 := x86_64-linux-gnu
triplet_armhf := arm-linux-gnueabihf
triplet_arm64 := aarch64-linux-gnu
triplet_riscv64 := riscv64-linux-gnu
TRIPLET := $(triplet_$(ARCH))
$(if $(TRIPLET),,$(error ARCH=$(ARCH) is not known: use x86_64, armhf, arm64 or riscv64))

# Without a compiler of the caller's the programs are linked with musl: natively through Debian's
# wrapper, for another architecture through a specs file that names the unpacked foreign musl-dev.
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
HOSTCC ?= gcc

WARNINGS := -Wall -Wextra -Wshadow -Wconversion
RS_CPPFLAGS = -I. -D_GNU_SOURCE -DVERSION='"$(VERSION)"' $(CPPFLAGS)
# No unwind tables: nothing unwinds, and they are a tenth of a small program.
SMALL := -Os -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables
# The input is hostile, and this costs 1 KB and no instructions that a boot's count shows. A
# position-independent executable would cost 17 KB and a fifteenth of the instructions of init=.
SMALL += -fstack-protector-strong
# Together, program and libraries are a tenth smaller. A compiler of the caller's may lack that, and
# lines are counted in objects.
ifneq ($(if $(COVERAGE),,$(KERNEL_HEADERS)),)
SMALL += -flto=auto -ffat-lto-objects
# The link sees libblkid's code again, and from gcc 14 on doubts a variable in it that every way sets
# (wp in btrfs.c: sb_write_pointer() sets it with 0 and with -ENOENT, and no other result goes on).
# Of our own files the compiler has said this before.
LTO_LDFLAGS := -Wno-maybe-uninitialized
endif
RS_CFLAGS = -std=gnu11 $(SMALL) -ffile-prefix-map=$(CURDIR)=. $(WARNINGS) \
	$(MUSL_SPECS:%=-specs=%) $(KERNEL_HEADERS) $(CFLAGS)
# One segment less means fewer page faults. An arm64 kernel may have pages of 64 KiB and refuses to
# map segments laid out for less; without relro the program does not grow to that size.
pages_x86_64 := -Wl,-z,max-page-size=4096
pages_armhf := $(pages_x86_64)
pages_riscv64 := $(pages_x86_64)
pages_arm64 := -Wl,-z,max-page-size=65536 -Wl,-z,norelro
RS_LDFLAGS = -static -Wl,--gc-sections -Wl,-z,noseparate-code $(pages_$(ARCH)) \
	-Wl,--build-id=none $(LTO_LDFLAGS) $(LDFLAGS)

# Programs with bls/bootfs.c need static libmount and libblkid. A compiler of the caller's may bring
# its own (Yocto, Buildroot), which pkg-config names; bls/util-linux builds them otherwise.
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

# GLib judges what we write in its formats; only tests see it.
GLIB = $(patsubst -I%,-isystem %,$(shell pkg-config --cflags glib-2.0))
libs_prepare-root = $(shell pkg-config --libs glib-2.0) -lmount
libs_bls := -lmount -lblkid
libs_initramfs := $(libs_bls)
libs_grub := $(libs_bls)
libs_uboot := $(libs_bls)
SANITIZE := -std=gnu11 $(if $(COVERAGE),-O0,-O1) -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all $(if $(COVERAGE),-O0 $(COVERAGE)) $(WARNINGS)

# --- programs -------------------------------------------------------------------------------------

# lib_FOLDER: what a test of the folder links, that is everything but the file with main().
lib_prepare-root := $(filter-out prepare-root/main.c,$(wildcard prepare-root/*.c))
lib_initramfs := $(filter-out initramfs/init.c,$(wildcard initramfs/*.c)) $(lib_prepare-root)
lib_bls := $(filter-out bls/check.c,$(wildcard bls/*.c)) \
	$(addprefix prepare-root/,cmdline.c conf.c join.c path.c)
lib_grub := $(filter-out grub/grubcfg.c,$(wildcard grub/*.c)) $(lib_bls)
lib_uboot := $(filter-out uboot/uenv.c,$(wildcard uboot/*.c)) $(lib_bls)

PROGRAMS := ostree-prepare-root rootstock-init ostree-grub-generator ostree-uboot-generator rootstock-bls
src_ostree-prepare-root := prepare-root/main.c $(lib_prepare-root)
src_rootstock-init := initramfs/init.c $(lib_initramfs)
src_ostree-grub-generator := grub/grubcfg.c $(lib_grub)
src_ostree-uboot-generator := uboot/uenv.c $(lib_uboot)
src_rootstock-bls := bls/check.c $(sort $(lib_grub) $(lib_uboot))
# Through this the tests see a file system.
SHOWS := bls/test/show-bootfs bls/test/show-layout initramfs/test/show-tags
src_bls/test/show-bootfs := bls/test/show-bootfs.c bls/bootfs.c
src_bls/test/show-layout := bls/test/show-layout.c bls/layout.c bls/findings.c bls/known.c
src_initramfs/test/show-tags := initramfs/test/show-tags.c $(lib_initramfs)
MANUALS := prepare-root/ostree-prepare-root.8 \
	initramfs/rootstock-init.8 initramfs/rootstock-initramfs.7 \
	initramfs/rootstock-mkinitramfs.8 bls/rootstock-bls.8 \
	grub/ostree-grub-generator.8 grub/rootstock-grub.conf.5 grub/rootstock-stub.cfg.7 \
	uboot/ostree-uboot-generator.8 uboot/rootstock-uEnv.txt.5 uboot/rootstock-uboot.conf.5 \
	uboot/rootstock-boot.cmd.7

all: $(PROGRAMS:%=$(BUILD)/%)

define program
$$(BUILD)/$(1): $$(src_$(1):%.c=$$(BUILD)/obj/%.o)
	@mkdir -p $$(@D)
	@echo "  LINK  $$@"
	$$(Q)$$(CC) $$(RS_CFLAGS) $$^ -o $$@ $$(RS_LDFLAGS) \
		$$(if $$(filter %/bootfs.o %/tags.o,$$^),$$(MOUNT_LIBS))
endef
$(foreach p,$(PROGRAMS) $(SHOWS),$(eval $(call program,$(p))))

# The boot script, where u-boot-tools can make it: with a date in it, the same one each time.
BOOT_SCR := $(if $(shell command -v mkimage 2>/dev/null),$(BUILD)/boot.scr)
all: $(BOOT_SCR)
$(BUILD)/boot.scr: uboot/boot.cmd
	@mkdir -p $(@D)
	@echo "  GEN   $@"
	$(Q)SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-0} mkimage -A arm -T script -C none -d $< $@ >/dev/null

$(BUILD)/obj/%.o: %.c $(BUILD)/flags $(MUSL_SPECS)
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(RS_CPPFLAGS) $(RS_CFLAGS) -MMD -MP -c $< -o $@

mount_users := $(addprefix $(BUILD)/obj/,bls/bootfs.o initramfs/mountroot.o initramfs/tags.o)
$(mount_users): $(UTIL_LINUX)
$(mount_users): private RS_CPPFLAGS += $(MOUNT_CPPFLAGS)

# These three are looked at each time and change only when what they say does: another compiler,
# other flags or an emptied cache must not leave old objects in place.
$(BUILD)/flags: Makefile FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(CC) $(RS_CPPFLAGS) $(RS_CFLAGS) $(RS_LDFLAGS))' \
		'$(MOUNT_LIBS)' >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# Debian 12's ld dies of the debugging information in the crt1.o of a newer release's musl.
specs_riscv64 := s/^-dynamic-linker/--strip-debug &/
$(BUILD)/musl.specs: FORCE
	@mkdir -p $(@D)
	@dir=$$(qemu-tests/rig/debs base $(ARCH) musl-dev) && \
		sed "s|/usr/|$$dir/usr/|g; $(specs_$(ARCH))" "$$dir"/usr/lib/*/musl-gcc.specs >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(BUILD)/util-linux: $(MUSL_SPECS) FORCE
	@mkdir -p $(@D)
	@bls/util-linux $(CC) $(patsubst %,-specs=%,$(abspath $(MUSL_SPECS))) $(KERNEL_HEADERS) \
		$(SMALL) >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# --- tests ----------------------------------------------------------------------------------------

folders := prepare-root initramfs bls grub uboot
units := $(foreach f,$(folders),$(patsubst %.c,$(BUILD)/%,$(wildcard $(f)/test/test-*.c)))
fuzzers := $(foreach f,$(folders),$(patsubst %.c,$(BUILD)/%,$(wildcard $(f)/test/fuzz-*.c)))
scripts := $(foreach f,$(folders) qemu-tests,$(wildcard $(f)/test/test-*.sh $(f)/test/test-*.py))

$(BUILD)/san/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(RS_CPPFLAGS) $(SANITIZE) $(GLIB) -MMD -MP -c $< -o $@

define tests
$$(BUILD)/$(1)/test/test-%: $$(BUILD)/san/$(1)/test/test-%.o $$(lib_$(1):%.c=$$(BUILD)/san/%.o)
	@mkdir -p $$(@D)
	@echo "  TEST  $$@"
	$$(Q)$$(HOSTCC) $$(SANITIZE) $$^ -o $$@ -lcmocka $$(libs_$(1))

$$(BUILD)/$(1)/test/fuzz-%: $$(BUILD)/san/$(1)/test/fuzz-%.o $$(BUILD)/san/prepare-root/test/replay.o \
		$$(lib_$(1):%.c=$$(BUILD)/san/%.o)
	@mkdir -p $$(@D)
	@echo "  TEST  $$@"
	$$(Q)$$(HOSTCC) $$(SANITIZE) $$^ -o $$@ $$(libs_$(1))

$$(BUILD)/libfuzzer/$(1)/test/fuzz-%: $(1)/test/fuzz-%.c $$(lib_$(1)) Makefile \
		$$(wildcard $$(folders:%=%/*.h))
	@mkdir -p $$(@D)
	$$(Q)clang $$(RS_CPPFLAGS) $$(GLIB) -g -O1 -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all $$(filter %.c,$$^) -o $$@ $$(libs_$(1))
endef
$(foreach f,$(folders),$(eval $(call tests,$(f))))

# The rings, from the inside. A test that boots machines or compiles for others has the line
# "# ring: qemu", and one of which that takes long "# ring: long": it runs where LONG is set, and so
# do the parts of others that ask for that variable.
ring = $(shell grep -lx '\# ring: $(1)' $(scripts))
namespaces := $(filter prepare-root/test/test-ns-%,$(scripts))
inner = $(filter-out $(call ring,qemu) $(call ring,long) $(namespaces),$(scripts)) $(namespaces)
# As many jobs as there are processors, unless the caller has said how many.
JOBS = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))
export LONG
# Whether make check is to do more than it does by itself.
MORE = $(if $(LONG)$(filter-out file,$(origin CELLS)),more)

check:
	$(Q)qemu-tests/outlook $(MORE)
	$(Q)$(MAKE) --no-print-directory deps-check
	$(Q)$(MAKE) --no-print-directory $(JOBS) matrix
	$(Q)$(MAKE) --no-print-directory $(JOBS) check-now
unit:
	$(Q)$(MAKE) --no-print-directory $(JOBS) unit-now
unit-now: all $(SHOWS:%=$(BUILD)/%) $(units) $(fuzzers)
	$(Q)BUILD=$(BUILD) qemu-tests/tally $(units) $(fuzzers) $(inner)
# What the machines of the boot matrix run.
matrix: all
	$(Q)for arch in $(filter-out $(ARCH),x86_64 arm64 armhf riscv64); do \
		$(MAKE) --no-print-directory ARCH=$$arch || exit 1; \
	done
check-now: all $(SHOWS:%=$(BUILD)/%) $(units) $(fuzzers)
	$(Q)BUILD=$(BUILD) qemu-tests/tally --cells '$(CELLS)' $(units) $(fuzzers) $(inner) \
		$(call ring,qemu) $(if $(LONG),$(call ring,long))
	$(if $(MORE)$(filter-out x86_64,$(HOST)),,$(Q)qemu-tests/outlook $(BUILD)/test/asked)

# The same tests on programs that count their lines. Counting makes some of them fail, which say what
# a program prints or which system calls it makes: whether tests pass, make check says.
# What is measured: a folder as a whole, or a source by itself, where the others are process 1 and
# leave nothing to count; there each call has a test in which it fails (test-ns-faults.py).
impure := $(addprefix prepare-root/,facts.c main.c pid1.c run.c step.c) \
	$(addprefix initramfs/,enter.c init.c uevent.c)
measured := bls grub uboot $(filter-out $(impure),$(wildcard prepare-root/*.c initramfs/*.c))
# Tests in namespaces and trees of their own see no build folder to count in, the largest menus say
# nothing new, and of initramfs' scripts most try other scripts.
counted := $(sort $(foreach m,$(measured),$(firstword $(subst /, ,$(m)))))
uncounted := bls/test/test-scale.py bls/test/test-libostree-suite.py prepare-root/test/test-ns-% \
	$(filter-out %/test-tags.py %/test-containers.py,$(wildcard initramfs/test/test-*.py))
coverage: deps-check
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/coverage COVERAGE=--coverage \
		CFLAGS='$(CFLAGS) --coverage -O0' LDFLAGS='$(LDFLAGS) --coverage' coverage-now
coverage-now: all $(SHOWS:%=$(BUILD)/%) $(units) $(fuzzers)
	$(Q)find $(BUILD) -name '*.gcda' -delete
	$(Q)BUILD=$(BUILD) qemu-tests/tally $(filter $(counted:%=$(BUILD)/%/%),$(units) $(fuzzers)) \
		$(filter-out $(uncounted),$(filter $(counted:%=%/%),$(scripts))) >$(BUILD)/tests.log || :
	$(Q)bls/test/coverage $(BUILD) $(measured)

qemu-check: deps-check
	$(Q)$(MAKE) --no-print-directory matrix
	$(Q)qemu-tests/run --build $(BUILD)

# Before an issue is closed, as the matrix.
RELEASE ?= trixie
fresh: deps-check
	$(Q)qemu-tests/fresh $(RELEASE) 'make try' 'make check'

crash: deps-check
	$(Q)$(MAKE) --no-print-directory all
	$(Q)qemu-tests/crash --build $(BUILD) --states $(STATES) $(if $(MUTANTS),--mutants)

try: deps-try
	$(Q)$(MAKE) --no-print-directory all
	$(Q)qemu-tests/run --build $(BUILD) --try

# Which rows there are besides ours, qemu-tests/bench knows; a PEERS of the caller's chooses.
bench: deps-check
	$(Q)$(MAKE) --no-print-directory all
	$(Q)qemu-tests/bench --build $(BUILD) $(if $(filter undefined,$(origin PEERS)),,--peers '$(PEERS)')

fuzz: deps-lint
	$(Q)$(MAKE) --no-print-directory $(fuzzers:$(BUILD)/%=$(BUILD)/libfuzzer/%)
	$(Q)for f in $(fuzzers:$(BUILD)/%=%); do \
		mkdir -p $(BUILD)/libfuzzer/$$f.found && \
		$(BUILD)/libfuzzer/$$f -max_total_time=$(SECONDS) -print_final_stats=1 \
			-artifact_prefix=$(BUILD)/libfuzzer/$$f.found/ $(BUILD)/libfuzzer/$$f.found \
			$$(dirname $$f)/corpus-$${f##*/fuzz-} || exit 1; \
	done

fuzz-loaders: deps-check
	$(Q)$(MAKE) --no-print-directory all
	$(Q)for f in $(wildcard $(folders:%=%/test/fuzz-loader-*.py)); do \
		BUILD=$(BUILD) SECONDS=$(SECONDS) $$f || exit 1; \
	done

# --- lint, sizes ----------------------------------------------------------------------------------

sources = $(wildcard $(folders:%=%/*.c) $(folders:%=%/test/*.c) qemu-tests/guest/*.c qemu-tests/rig/*.c)
shells = $(shell grep -lE '^\#!(/usr)?/bin/(ba|busybox )?sh' -r .ci $(folders) qemu-tests)

# Left out: what asks for C11's Annex K, which no C library here has; clang 14's belief that no
# va_list is ever started; matters of taste. cppcheck doubts that NULL is a pointer; POSIX says so;
# and it takes the address of what is to be filled for a use of what is in it.
TIDY := bugprone-*,clang-analyzer-*,misc-*,performance-*,portability-*,$\
	-clang-analyzer-security.insecureAPI.*,-clang-analyzer-valist.Uninitialized,$\
	-bugprone-easily-swappable-parameters,-bugprone-suspicious-string-compare,$\
	-bugprone-not-null-terminated-result,-bugprone-sizeof-expression

lint: deps-lint
	$(Q)$(MAKE) --no-print-directory lint-now
lint-now:
	@echo "  LINT  compilers: gcc, clang"
	$(Q)for cc in gcc clang; do for f in $(sources); do \
		$$cc $(RS_CPPFLAGS) $(GLIB) -std=gnu11 $(WARNINGS) -Werror -O2 -c $$f -o /dev/null || exit 1; \
	done; done
	@echo "  LINT  clang-format"
	$(Q)clang-format --dry-run -Werror $(sources) $(wildcard $(folders:%=%/*.h))
	@echo "  LINT  clang-tidy"
	$(Q)clang-tidy --quiet --warnings-as-errors='*' --checks='$(TIDY)' $(sources) -- $(RS_CPPFLAGS) $(GLIB) -std=gnu11 2>/dev/null
	@echo "  LINT  cppcheck"
	$(Q)cppcheck --quiet --std=c11 --enable=warning,portability,performance --inline-suppr \
		--suppress=varFuncNullUB --suppress=ctuuninitvar --error-exitcode=1 \
		-I. -D_GNU_SOURCE -DVERSION='""' $(sources)
	@echo "  LINT  shellcheck"
	$(Q)shellcheck $(shells)
	@echo "  LINT  mandoc"
	$(Q)! mandoc -Tlint $(MANUALS) 2>/dev/null | grep -v 'referenced manual not found'
	@echo "  LINT  time limits (those of tests are limit(SECONDS), see qemu-tests/rig/slowness.py)"
	$(Q)! grep -nE '[(, ]timeout=[0-9.]+[,)]|(alarm|Timer)\([0-9.]+\)|monotonic\(\).* [<+] [0-9]|\btimeout (-\w+ )*[0-9]' \
		$(sort $(scripts) $(wildcard $(folders:%=%/test/*.py) qemu-tests/*/*.py)) qemu-tests/tally
	@echo "  LINT  tiers"
	$(Q)cd qemu-tests && python3 -B -m rig.budget
	@echo "  LINT  SPDX"
	$(Q)missing=$$(git ls-files | grep -vE '^LICENSES/|/(corpus|golden)-?[^/]*/' | \
		xargs grep -L 'SPDX-License-Identifier: LGPL-2.1-or-later'); \
	if [ -n "$$missing" ]; then echo "no SPDX line: $$missing"; exit 1; fi

STRIP ?= $(or $(CROSS_COMPILE),$(if $(filter $(ARCH),$(HOST)),,$(TRIPLET)-))strip
budgets := ostree-prepare-root:49152 rootstock-init:245760
# Of an initramfs that is rootstock-init alone, with gzip. The same program takes more on some.
packed_arm64 := 122880
packed_riscv64 := 131072
packed_budget := $(or $(packed_$(ARCH)),112640)
size: all
	$(Q)for p in $(PROGRAMS); do \
		$(STRIP) -o $(BUILD)/$$p.stripped $(BUILD)/$$p || exit 1; \
		printf '%8d  %s (stripped)\n' $$(stat -c %s $(BUILD)/$$p.stripped) $(BUILD)/$$p; \
	done
	$(Q)for b in $(budgets); do \
		test $$(stat -c %s $(BUILD)/$${b%:*}.stripped) -le $${b#*:} || \
			{ echo "$${b%:*} is over its budget of $${b#*:} bytes"; exit 1; }; \
	done
	$(Q)size=$$(initramfs/rootstock-mkinitramfs --init $(BUILD)/rootstock-init.stripped \
			--compress gzip -o - | wc -c); \
	printf '%8d  an initramfs without modules, with gzip\n' $$size; \
	test $$size -gt 0 && test $$size -le $(packed_budget) || \
		{ echo "it is over its budget of $(packed_budget) bytes"; exit 1; }

# --- packages: the one list -----------------------------------------------------------------------

packages_build := gcc libc6-dev linux-libc-dev musl-tools patch xz-utils
packages_try := $(packages_build) busybox-static e2fsprogs fdisk grub-common grub-pc-bin ostree \
	python3 qemu-system-x86 seabios
packages_cross := gcc-aarch64-linux-gnu gcc-arm-linux-gnueabihf gcc-riscv64-linux-gnu \
	libc6-dev-arm64-cross libc6-dev-armhf-cross libc6-dev-riscv64-cross qemu-user-static|qemu-user
packages_check := $(packages_try) $(packages_cross) bc bcache-tools bison btrfs-progs cpio \
	cryptsetup-bin device-tree-compiler dosfstools dracut-core erofs-utils exfatprogs f2fs-tools file flex genisoimage \
	genromfs grub-efi-amd64-bin grub-emu initramfs-tools-core jfsutils kconfig-frontends-nox kmod libblkid-dev \
	libcmocka-dev libglib2.0-dev libmount-dev lz4 mmdebstrap mount mtd-utils mtools nilfs-tools \
	ntfs-3g ostree-boot ovmf pkg-config qemu-efi-aarch64 qemu-system-arm qemu-system-misc \
	reiserfsprogs squashfs-tools strace systemd u-boot-qemu u-boot-tools udev udftools uidmap util-linux \
	util-linux-extra valgrind virtiofsd|qemu-system-common xfsprogs zstd
packages_lint := $(packages_check) clang clang-format clang-tidy cppcheck mandoc shellcheck

deps: deps-lint
deps-build deps-try deps-check deps-lint: deps-%:
	$(Q)qemu-tests/rig/deps $(packages_$*:%='%')

# --- install, clean -------------------------------------------------------------------------------

install: all
	install -d $(DESTDIR)$(PREFIX)/lib/ostree $(DESTDIR)$(PREFIX)/lib/rootstock $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(addprefix $(BUILD)/,$(filter ostree-%,$(PROGRAMS))) \
		$(DESTDIR)$(PREFIX)/lib/ostree/
	$(STRIP) -o $(BUILD)/rootstock-init.stripped $(BUILD)/rootstock-init
	install -m 755 $(BUILD)/rootstock-init.stripped $(DESTDIR)$(PREFIX)/lib/rootstock/rootstock-init
	install -m 755 initramfs/list-image $(DESTDIR)$(PREFIX)/lib/rootstock/
	install -m 755 $(BUILD)/rootstock-bls initramfs/rootstock-mkinitramfs $(DESTDIR)$(PREFIX)/bin/
	sed -i 's|@VERSION@|$(VERSION)|' $(DESTDIR)$(PREFIX)/bin/rootstock-mkinitramfs
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/systemd/system initramfs/ostree-prepare-root.service
	install -D -t $(DESTDIR)$(PREFIX)/lib/dracut/modules.d/50rootstock initramfs/dracut/50rootstock/*
	for d in hooks scripts/local-bottom; do \
		install -D -t $(DESTDIR)$(PREFIX)/share/initramfs-tools/$$d \
			initramfs/initramfs-tools/$$d/rootstock || exit 1; \
	done
	install -d $(DESTDIR)$(PREFIX)/share/rootstock
	install -m 644 grub/stub.cfg uboot/boot.cmd $(BOOT_SCR) $(DESTDIR)$(PREFIX)/share/rootstock/
	for m in $(MANUALS); do \
		install -D -m 644 $$m $(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/$${m##*/} || exit 1; \
	done
	for s in $(if $(BOOTLOADER),ostree-finalize-staged rpm-ostreed); do \
		dir=$(DESTDIR)$(PREFIX)/lib/systemd/system/$$s.service.d && install -d $$dir && \
		sed 's|@PREFIX@|$(PREFIX)|; s|@BOOTLOADER@|$(BOOTLOADER)|' bls/generator.conf.in \
			>$(BUILD)/generator.conf && \
		install -m 644 $(BUILD)/generator.conf $$dir/50-rootstock.conf || exit 1; \
	done

clean:
	rm -rf build

.DELETE_ON_ERROR:
.PHONY: FORCE all matrix check check-now unit unit-now coverage coverage-now qemu-check fresh crash try bench fuzz fuzz-loaders lint \
	lint-now size deps deps-build deps-try deps-check deps-lint install clean
.SECONDARY:
-include $(shell find $(BUILD)/obj $(BUILD)/san -type f -name '*.d' 2>/dev/null)

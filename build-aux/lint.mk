# SPDX-License-Identifier: LGPL-2.1-or-later

sources = $(wildcard $(FOLDERS:%=%/*.c) $(FOLDERS:%=%/test/*.c) qemu-tests/guest/*.c qemu-tests/rig/*/*.c testlib/*.c)
headers = $(wildcard $(FOLDERS:%=%/*.h))
shells = $(sort $(shell grep -lE '^\#!(/usr)?/bin/(ba|busybox )?sh' -r .ci build-aux $(FOLDERS))) testlib/tap.sh
pythons = $(sort $(scripts) $(wildcard $(FOLDERS:%=%/test/*.py) qemu-tests/*/*.py qemu-tests/rig/*/*.py testlib/*.py))

# Checks of clang-tidy that are left out: use of C11's Annex K, which no C library here has; va_list,
# which clang 14 never sees initialised; matters of taste. Of cppcheck: NULL as a variable argument,
# which POSIX says is a pointer; and uninitialised variables, because it counts the address of an output
# as a use.
TIDY := bugprone-*,clang-analyzer-*,misc-*,performance-*,portability-*,$\
	-clang-analyzer-security.insecureAPI.*,-clang-analyzer-valist.Uninitialized,$\
	-bugprone-easily-swappable-parameters,-bugprone-suspicious-string-compare,$\
	-bugprone-not-null-terminated-result,-bugprone-sizeof-expression

# In ota trees are walked by recursion, and the analyzer does not know that g_autofree frees.
TIDY_OTA := ,-misc-no-recursion,-clang-analyzer-unix.Malloc

# The sources of a folder whose includes are checked.
own = $(wildcard $(1)/*.[ch] $(1)/test/*.[ch])
space := $(subst ,, )

## lint: check C, shell, documents, time limits and licence lines
lint: deps-lint
	$(Q)$(MAKE) --no-print-directory lint-now
lint-now:
	@echo "  LINT  compilers: gcc, clang"
	$(Q)for cc in gcc clang; do for f in $(sources); do \
		$$cc $(RS_CPPFLAGS) $(GLIB) -std=gnu11 $(WARNINGS) -Werror -O2 -c $$f -o /dev/null || exit 1; \
	done; done
	@echo "  LINT  include arrows (includes_FOLDER in build.mk)"
	$(Q)! { $(foreach f,$(FOLDERS),grep -HnoE '^#include "[^"]+/' $(call own,$(f)) /dev/null | \
		grep -vE '"($(subst $(space),|,$(strip $(f) $(includes_$(f)))))/(test/)?$$'; ) } | grep .
	@echo "  LINT  clang-format"
	$(Q)clang-format --dry-run -Werror $(sources) $(headers)
	@echo "  LINT  clang-tidy"
	$(Q)clang-tidy --quiet --warnings-as-errors='*' --checks='$(TIDY)' $(filter-out ota/%,$(sources)) -- \
		$(RS_CPPFLAGS) $(GLIB) -std=gnu11 2>/dev/null
	$(if $(OTA),$(Q)clang-tidy --quiet --warnings-as-errors='*' --checks='$(TIDY)$(TIDY_OTA)' \
		$(filter ota/%,$(sources)) -- $(RS_CPPFLAGS) $(GLIB) -std=gnu11 2>/dev/null)
	@echo "  LINT  cppcheck"
	$(Q)cppcheck --quiet --std=c11 --enable=warning,portability,performance --inline-suppr \
		--suppress=varFuncNullUB --suppress=ctuuninitvar --error-exitcode=1 \
		-I. -D_GNU_SOURCE -DVERSION='""' $(sources)
	@echo "  LINT  shellcheck"
	$(Q)shellcheck $(shells)
	@echo "  LINT  mandoc"
	$(Q)! mandoc -Tlint $(MANUALS) 2>/dev/null | grep -v 'referenced manual not found'
	@echo "  LINT  time limits (those of tests are limit(SECONDS), see testlib/slowness.py)"
	$(Q)! grep -nE '[(, ]timeout=[0-9.]+[,)]|(alarm|Timer)\([0-9.]+\)|monotonic\(\).* [<+] [0-9]|\btimeout (-\w+ )*[0-9]' \
		$(pythons) build-aux/tally
	@echo "  LINT  SPDX"
	$(Q)missing=$$(git ls-files -s | sed '/^120000/d; s/.*\t//' | \
		grep -vE '^LICENSES/|/(corpus|golden)-?[^/]*/' | \
		xargs grep -L 'SPDX-License-Identifier: LGPL-2.1-or-later'); \
	if [ -n "$$missing" ]; then echo "no SPDX line: $$missing"; exit 1; fi

lint-now: lint-documents
lint-documents:
	@echo "  LINT  documents"
	$(Q)build-aux/check-documents $(MANUALS)

.PHONY: lint lint-now lint-documents

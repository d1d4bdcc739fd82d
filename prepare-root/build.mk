# SPDX-License-Identifier: LGPL-2.1-or-later
lib_prepare-root := $(filter-out prepare-root/main.c,$(wildcard prepare-root/*.c))
# GLib reads what this folder writes in its format; only tests need it.
libs_prepare-root = $(shell pkg-config --libs glib-2.0) -lmount

PROGRAMS += ostree-prepare-root
src_ostree-prepare-root := prepare-root/main.c $(lib_prepare-root)
budgets += ostree-prepare-root:49152
MANUALS += prepare-root/ostree-prepare-root.8 prepare-root/rootstock.7

# Not measured: what runs as process 1 leaves no counts. Each of its calls has a test in which it
# fails (test-ns-faults.py of both folders). A test in namespaces does not see the build folder to count in.
measured += $(filter-out $(addprefix prepare-root/,facts.c main.c pid1.c realinit.c run.c step.c), \
	$(wildcard prepare-root/*.c))
uncounted += prepare-root/test/test-ns-%

install-prepare-root:
	install -d $(LIB_DIR)/ostree
	install -m 755 $(BUILD)/ostree-prepare-root $(LIB_DIR)/ostree/

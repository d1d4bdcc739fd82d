/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/programs.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ota/fault.h"

static const char rule[] = "programs";

static const char drop_in[] =
	"# SPDX-License-Identifier: LGPL-2.1-or-later\n"
	"#\n"
	"# libostree finds the generator of the boot loader's menu in the environment.\n"
	"[Service]\n"
	"Environment=OSTREE_GRUB2_EXEC=/usr/lib/ostree/ostree-%s-generator\n";

/* The names of the architectures: of the kernel, and of build/. */
static const char *arch_name(unsigned machine)
{
	switch (machine) {
	case EM_X86_64:
		return "x86_64";
	case EM_AARCH64:
		return "arm64";
	case EM_ARM:
		return "armhf";
	case EM_RISCV:
		return "riscv64";
	default:
		return NULL;
	}
}

static unsigned machine_of(int fd)
{
	unsigned char header[KERNEL_HEADER_SIZE] = { 0 };
	struct kernel kernel;

	if (pread(fd, header, sizeof header, 0) < EI_NIDENT)
		return 0;
	kernel = kernel_identify(header);
	return kernel.format == KERNEL_ELF ? kernel.machine : 0;
}

/* The path of a program if it is there and for this architecture; else NULL. */
static char *program_in(const char *folder, const char *name, unsigned machine)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const gboolean fits = fd >= 0 && machine_of(fd) == machine;

	if (fd >= 0)
		close(fd);
	return fits ? g_steal_pointer(&path) : NULL;
}

char *programs_find(const char *folder, const char *name, unsigned machine)
{
	g_autofree char *self = folder ? NULL : g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *here = self ? g_path_get_dirname(self) : NULL;
	const char *arch = arch_name(machine);
	g_autofree char *build = here ? g_build_filename(here, "..", arch, NULL) : NULL;
	g_autofree char *lib = here ? g_build_filename(here, "../lib/rootstock", arch, NULL) : NULL;
	g_autofree char *ours = here ? g_build_filename(here, "../lib/rootstock", NULL) : NULL;
	g_autofree char *ostree = here ? g_build_filename(here, "../lib/ostree", NULL) : NULL;
	const char *const places[] = { folder, build, lib, ours, ostree, here };
	char *found = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(places) && !found; i++)
		if (places[i])
			found = program_in(places[i], name, machine);
	return found;
}

/* Adds a program, unless the tree has it. *ret_there says whether it does in the end. */
static gboolean add_program(struct layout *layout, const char *name, const char *path,
	gboolean *ret_there, GError **error)
{
	g_autofree char *above = g_path_get_dirname(path), *last = g_path_get_basename(path);
	g_autofree char *file = NULL;
	struct node *obstacle, *node;
	struct node *directory = tree_make_directory(layout->root, above, &obstacle);
	struct stat st;
	gboolean good;
	int fd;

	*ret_there = TRUE;
	if (!directory || tree_find(directory, last))
		return TRUE;
	file = programs_find(layout->programs, name, layout->machine);
	*ret_there = file != NULL;
	if (!file)
		return TRUE;
	fd = open(file, O_RDONLY | O_CLOEXEC);
	node = tree_node(last, S_IFREG | 0755);
	tree_put(directory, node);
	if (fd < 0 || fstat(fd, &st) < 0) {
		good = fault_errno(error, "%s", file);
	} else {
		node->size = (guint64)st.st_size;
		good = objects_add_file(layout->objects, node, fd, error);
		ledger_add(layout->ledger, LEDGER_MADE, rule, path,
			"the boot and the updates need it");
	}
	if (fd >= 0)
		close(fd);
	return good;
}

/* For the services that write the boot loader's menu. */
static gboolean add_drop_ins(struct layout *layout, const char *loader, GError **error)
{
	static const char *const services[] = { "ostree-finalize-staged", "rpm-ostreed" };
	g_autofree char *text = g_strdup_printf(drop_in, loader);

	for (gsize i = 0; i < G_N_ELEMENTS(services); i++) {
		g_autofree char *path = g_strdup_printf(
			"usr/lib/systemd/system/%s.service.d/50-rootstock.conf", services[i]);
		struct node *node = tree_find(layout->root, path)
					    ? NULL
					    : tree_make(layout->root, path, S_IFREG | 0644);

		if (!node)
			continue;
		if (!objects_add_bytes(layout->objects, node, text, strlen(text), error))
			return FALSE;
		ledger_add(layout->ledger, LEDGER_MADE, rule, path,
			"with it libostree calls ostree-%s-generator", loader);
	}
	return TRUE;
}

static void tell_missing(struct layout *layout, const char *path)
{
	const char *arch = arch_name(layout->machine);

	ledger_add(layout->ledger, layout->initramfs ? LEDGER_WARNING : LEDGER_NO_BOOT, rule, path,
		"the tree has none, and none for %s was found; give its folder with --programs",
		arch ? arch : "its architecture");
}

gboolean programs_add(struct layout *layout, const char *loader, GError **error)
{
	const char *menu = loader					      ? loader
			   : layout->machine == EM_X86_64 || !layout->machine ? "grub"
									      : "uboot";
	g_autofree char *generator = g_strconcat("ostree-", menu, "-generator", NULL);
	const struct {
		const char *name, *path;
	} programs[] = { { "ostree-prepare-root", "usr/lib/ostree/ostree-prepare-root" },
		{ generator, NULL }, { "rootstock-bls", "usr/bin/rootstock-bls" } };

	for (gsize i = 0; i < G_N_ELEMENTS(programs); i++) {
		g_autofree char *path =
			programs[i].path ? g_strdup(programs[i].path)
					 : g_build_filename("usr/lib/ostree", generator, NULL);
		gboolean there;

		if (!add_program(layout, programs[i].name, path, &there, error))
			return FALSE;
		if (!there && i == 0)
			tell_missing(layout, path);
		else if (!there)
			ledger_add(layout->ledger, LEDGER_WARNING, rule, path,
				"none for the tree's architecture was found; updates on the device need it");
	}
	if (!tree_resolve(layout->root, "usr/bin/ostree"))
		ledger_add(layout->ledger, LEDGER_WARNING, rule, "usr/bin/ostree",
			"the tree has none, so a device cannot update itself");
	return !tree_resolve(layout->root, "usr/lib/systemd/systemd") ||
	       add_drop_ins(layout, menu, error);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/bootfiles.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ota/fault.h"
#include "ota/initramfs.h"

static const char modules_path[] = "usr/lib/modules", rule_kernel[] = "kernel",
		  rule_boot[] = "boot";

static const char *const kernel_names[] = { "vmlinu", "Image", "zImage", "bzImage", "uImage",
	"fitImage", "kernel", "linux" };

static gboolean begins_with_one(const char *name, const char *const prefixes[], gsize count)
{
	for (gsize i = 0; i < count; i++)
		if (g_str_has_prefix(name, prefixes[i]))
			return TRUE;
	return FALSE;
}

/* A device tree has the same first bytes as a FIT. */
static gboolean is_devicetree(const struct node *node)
{
	return node->checksum && !node->target && g_str_has_suffix(node->name, ".dtb");
}

static gboolean is_kernel(const struct node *node)
{
	return node->checksum && !node->target && node->kernel.format != KERNEL_UNKNOWN &&
	       begins_with_one(node->name, kernel_names, G_N_ELEMENTS(kernel_names)) &&
	       !is_devicetree(node);
}

/* A kernel that was found, and the release that its place shows. */
struct candidate {
	struct node *node;
	const char *release; /* NULL: none is shown */
};

static GPtrArray *children_of(struct layout *layout, const char *path)
{
	return tree_children(tree_find(layout->root, path));
}

/* The kernels in usr/lib/modules, then those in boot. */
static GArray *find_kernels(struct layout *layout)
{
	g_autoptr(GPtrArray) releases = children_of(layout, modules_path);
	g_autoptr(GPtrArray) boot = children_of(layout, "boot");
	GArray *found = g_array_new(FALSE, FALSE, sizeof(struct candidate));

	for (guint i = 0; i < releases->len; i++) {
		const struct node *release = g_ptr_array_index(releases, i);
		g_autoptr(GPtrArray) files = tree_children(release);

		for (guint j = 0; j < files->len; j++) {
			struct candidate candidate = { g_ptr_array_index(files, j), release->name };

			if (is_kernel(candidate.node))
				g_array_append_val(found, candidate);
		}
	}
	for (guint i = 0; i < boot->len; i++) {
		struct candidate candidate = { g_ptr_array_index(boot, i), NULL };
		const char *dash = strchr(candidate.node->name, '-');

		candidate.release = dash && dash[1] ? dash + 1 : NULL;
		if (is_kernel(candidate.node))
			g_array_append_val(found, candidate);
	}
	return found;
}

/* The only directory in usr/lib/modules, or NULL. */
static const char *only_modules(struct layout *layout)
{
	g_autoptr(GPtrArray) releases = children_of(layout, modules_path);

	return releases->len == 1 ? ((struct node *)g_ptr_array_index(releases, 0))->name : NULL;
}

static gboolean is_chosen(const struct layout *layout, const struct candidate *candidate)
{
	return !layout->kernel || !strcmp(layout->kernel, candidate->node->name) ||
	       !g_strcmp0(layout->kernel, candidate->release);
}

/* The same kernel in boot and in usr/lib/modules counts once. */
static gboolean is_same(const struct candidate *a, const struct candidate *b)
{
	return !strcmp(a->node->checksum, b->node->checksum) ||
	       (a->release && !g_strcmp0(a->release, b->release));
}

/* The kernel to boot, or NULL with the reason in the ledger. */
static const struct candidate *choose(struct layout *layout, const GArray *kernels)
{
	const struct candidate *chosen = NULL;
	g_autoptr(GString) names = g_string_new(NULL);
	gboolean several = FALSE;

	for (guint i = 0; i < kernels->len; i++) {
		const struct candidate *candidate = &g_array_index(kernels, struct candidate, i);
		g_autofree char *path = tree_path(candidate->node);

		g_string_append_printf(names, "%s%s", names->len ? ", " : "", path);
		if (!is_chosen(layout, candidate))
			continue;
		several |= chosen && !is_same(chosen, candidate);
		chosen = chosen ? chosen : candidate;
	}
	if (chosen && !several)
		return chosen;
	if (several)
		ledger_add(layout->ledger, LEDGER_REFUSED, rule_kernel, names->str,
			"there is more than one kernel; choose one with --kernel");
	else if (layout->kernel)
		ledger_add(layout->ledger, LEDGER_REFUSED, rule_kernel, layout->kernel,
			"there is no such kernel; there are: %s", names->len ? names->str : "none");
	else
		ledger_add(layout->ledger, LEDGER_NO_BOOT, rule_kernel, "boot",
			"there is no kernel there, nor in usr/lib/modules");
	return NULL;
}

/* Leaves out the other kernels, of which libostree could take one. */
static void remove_others(struct layout *layout, const GArray *kernels, const struct node *chosen)
{
	for (guint i = 0; i < kernels->len; i++) {
		struct node *node = g_array_index(kernels, struct candidate, i).node;
		g_autofree char *path = NULL;

		if (node == chosen)
			continue;
		path = tree_path(node);
		ledger_add(layout->ledger, LEDGER_LEFT_OUT, rule_kernel, path,
			"a deployment has one kernel");
		tree_remove(node);
	}
}

static gboolean settle_kernel(struct layout *layout, GError **error)
{
	g_autoptr(GArray) kernels = find_kernels(layout);
	const struct candidate *chosen = choose(layout, kernels);
	g_autofree char *folder = NULL, *from = NULL;
	struct node *node, *directory, *obstacle;

	if (!chosen)
		return TRUE;
	node = chosen->node;
	layout->machine = node->kernel.machine;
	layout->release = g_strdup(chosen->release	  ? chosen->release
				   : only_modules(layout) ? only_modules(layout)
							  : "unknown");
	folder = g_build_filename(modules_path, layout->release, NULL);
	directory = tree_make_directory(layout->root, folder, &obstacle);
	if (!directory)
		return fault(error, "%s is no directory, and the kernel must be there", folder);
	from = tree_path(node);
	remove_others(layout, kernels, node);
	if (node->parent == directory && !strcmp(node->name, "vmlinuz"))
		return TRUE;
	tree_put(directory, tree_twin(node, "vmlinuz"));
	tree_remove(node);
	ledger_add(layout->ledger, LEDGER_MOVED, rule_kernel, from,
		"to %s/vmlinuz: libostree takes the kernel from there", folder);
	return TRUE;
}

/* --- what comes with the kernel ------------------------------------------------------------------ */

/* Adds a file of the host as usr/lib/modules/RELEASE/NAME, 0:0 and 0644. */
static gboolean add_host_file(
	struct layout *layout, const char *file, const char *name, GError **error)
{
	g_autofree char *folder = g_build_filename(modules_path, layout->release, NULL);
	struct node *obstacle, *node;
	struct node *directory = tree_make_directory(layout->root, folder, &obstacle);
	struct stat st;
	gboolean good;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		good = fd < 0 ? fault_errno(error, "%s", file)
			      : fault(error, "%s: it is not a regular file", file);
	} else {
		node = tree_node(name, S_IFREG | 0644);
		node->size = (guint64)st.st_size;
		tree_put(directory, node);
		good = objects_add_file(layout->objects, node, fd, error);
		ledger_add(layout->ledger, LEDGER_MADE, rule_boot, name, "as %s/%s", folder, name);
	}
	if (fd >= 0)
		close(fd);
	return good;
}

/* Moves a file or directory of boot into usr/lib/modules/RELEASE or below it. */
static void move_beside_kernel(struct layout *layout, struct node *node, const char *to)
{
	g_autofree char *folder = g_build_filename(modules_path, layout->release, to, NULL);
	g_autofree char *above = g_path_get_dirname(folder), *name = g_path_get_basename(folder);
	g_autofree char *from = tree_path(node);
	struct node *obstacle;
	struct node *directory = tree_make_directory(layout->root, above, &obstacle);

	if (!directory || tree_find(directory, name)) {
		ledger_add(layout->ledger, LEDGER_LEFT_OUT, rule_boot, from, "%s is there already",
			folder);
		tree_remove(node);
		return;
	}
	tree_move(node, directory, name);
	ledger_add(layout->ledger, LEDGER_MOVED, rule_boot, from,
		"to usr/lib/modules/%s: libostree copies it to /boot with the kernel",
		layout->release);
}

static guint count_devicetrees(const GPtrArray *boot)
{
	guint count = 0;

	for (guint i = 0; i < boot->len; i++)
		count += is_devicetree(g_ptr_array_index(boot, i)) ? 1 : 0;
	return count;
}

/* What boot loaders and distributions keep in /boot, and what becomes of it. */
enum fate { FATE_LOADER, FATE_INITRAMFS, FATE_DTBS, FATE_CONFIG, FATE_MAP, FATE_BOARD };

static enum fate fate_of(const struct node *node)
{
	static const struct {
		const char *prefix;
		enum fate fate;
	} fates[] = { { "grub", FATE_LOADER }, { "efi", FATE_LOADER }, { "EFI", FATE_LOADER },
		{ "loader", FATE_LOADER }, { "extlinux", FATE_LOADER }, { "syslinux", FATE_LOADER },
		{ "lost+found", FATE_LOADER }, { "initrd", FATE_INITRAMFS },
		{ "initramfs", FATE_INITRAMFS }, { "uInitrd", FATE_INITRAMFS },
		{ "dtb", FATE_DTBS }, { "overlays", FATE_DTBS }, { "config-", FATE_CONFIG },
		{ "System.map", FATE_MAP } };

	for (gsize i = 0; i < G_N_ELEMENTS(fates); i++)
		if (g_str_has_prefix(node->name, fates[i].prefix))
			return fates[i].fate;
	return FATE_BOARD;
}

/* Directories such as boot/dtbs/RELEASE become one dtb/. */
static void move_dtbs(struct layout *layout, struct node *node)
{
	struct node *inner = tree_find(node, layout->release);

	if (!strcmp(node->name, "overlays"))
		move_beside_kernel(layout, node, "dtb/overlays");
	else
		move_beside_kernel(layout, inner ? inner : node, "dtb");
	if (inner)
		tree_remove(node);
}

static void move_to_board(struct layout *layout, struct node *node)
{
	g_autofree char *from = tree_path(node);
	struct node *obstacle;
	struct node *directory =
		tree_make_directory(layout->root, "usr/lib/ostree-boot", &obstacle);

	if (!directory || tree_find(directory, node->name)) {
		ledger_add(layout->ledger, LEDGER_LEFT_OUT, rule_boot, from,
			"usr/lib/ostree-boot has this already");
		tree_remove(node);
		return;
	}
	tree_move(node, directory, node->name);
	ledger_add(layout->ledger, LEDGER_MOVED, rule_boot, from,
		"to usr/lib/ostree-boot: it is the board's, and /boot is the disk's");
}

static void leave_out(struct layout *layout, struct node *node, const char *reason)
{
	g_autofree char *path = tree_path(node);

	ledger_add(layout->ledger, LEDGER_LEFT_OUT, rule_boot, path, "%s", reason);
	tree_remove(node);
}

static void settle_one(struct layout *layout, struct node *node, gboolean one_devicetree)
{
	if (is_devicetree(node) && layout->release) {
		g_autofree char *in_dtb = g_build_filename("dtb", node->name, NULL);

		move_beside_kernel(layout, node, one_devicetree ? "devicetree" : in_dtb);
		return;
	}
	/* A link such as zImage -> zImage-6.1 has lost its target. */
	if (node->target) {
		leave_out(layout, node, "it is a link in /boot, whose files were moved");
		return;
	}
	switch (layout->release ? fate_of(node) : FATE_LOADER) {
	case FATE_LOADER:
		leave_out(layout, node, "the boot loader and its files are the disk's");
		return;
	case FATE_INITRAMFS:
		leave_out(layout, node,
			"it does not prepare a deployment; --initramfs adds one that does");
		return;
	case FATE_DTBS:
		move_dtbs(layout, node);
		return;
	case FATE_CONFIG:
		move_beside_kernel(layout, node, "config");
		return;
	case FATE_MAP:
		move_beside_kernel(layout, node, "System.map");
		return;
	case FATE_BOARD:
		move_to_board(layout, node);
		return;
	}
}

/* Debian's device trees are outside /boot. */
static void copy_debian_dtbs(struct layout *layout)
{
	g_autofree char *from = g_strconcat("usr/lib/linux-image-", layout->release, NULL);
	g_autofree char *folder = g_build_filename(modules_path, layout->release, NULL);
	struct node *node = tree_find(layout->root, from);
	struct node *directory = tree_find(layout->root, folder);

	if (!tree_is_directory(node) || tree_find(directory, "dtb") ||
		tree_find(directory, "devicetree"))
		return;
	tree_put(directory, tree_twin(node, "dtb"));
	ledger_add(layout->ledger, LEDGER_MADE, rule_boot, from,
		"also as %s/dtb: libostree copies it to /boot with the kernel", folder);
}

static gboolean add_initramfs(struct layout *layout, GError **error)
{
	g_autofree char *file = NULL;
	char *folder = NULL;
	gboolean good;

	if (!layout->initramfs)
		return TRUE;
	if (strcmp(layout->initramfs, "auto") != 0)
		return add_host_file(layout, layout->initramfs, "initramfs.img", error);
	/* Without a repository the modules were not kept. */
	if (!layout->objects->repo)
		return TRUE;
	good = initramfs_make(layout, &folder, error);
	file = good ? g_build_filename(folder, "initramfs", NULL) : NULL;
	good = good && add_host_file(layout, file, "initramfs.img", error);
	initramfs_remove(folder);
	return good;
}

gboolean bootfiles_settle(struct layout *layout, GError **error)
{
	g_autoptr(GPtrArray) boot = NULL;
	gboolean one_devicetree;

	if (!settle_kernel(layout, error))
		return FALSE;
	boot = children_of(layout, "boot");
	one_devicetree = count_devicetrees(boot) == 1;
	for (guint i = 0; i < boot->len; i++)
		settle_one(layout, g_ptr_array_index(boot, i), one_devicetree);
	if (!layout->release)
		return TRUE;
	copy_debian_dtbs(layout);
	return add_initramfs(layout, error) &&
	       (!layout->devicetree ||
		       add_host_file(layout, layout->devicetree, "devicetree", error));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/initramfs.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ota/fault.h"
#include "ota/interrupt.h"
#include "ota/programs.h"

/* Disks on their usual buses, the file system that a new disk gets, and that of a hotfix. */
static const char *const usual[] = { "nvme", "virtio_pci", "virtio_mmio", "virtio_blk",
	"virtio_scsi", "ahci", "ata_piix", "sd_mod", "usb_storage", "uas", "xhci_pci", "ehci_pci",
	"mmc_block", "sdhci_pci", "sdhci_acpi", "hv_storvsc", "vmw_pvscsi", "xen_blkfront", "ext4",
	"overlay" };

/* A module's name in a file's name, with "_" for "-" (modprobe(8)); NULL: it is none. */
static char *module_name(const char *file)
{
	const char *end = strstr(file, ".ko");

	return end && (!end[3] || end[3] == '.')
		       ? g_strdelimit(g_strndup(file, (gsize)(end - file)), "-", '_')
		       : NULL;
}

static gboolean write_file(
	struct layout *layout, const struct node *node, const char *path, GError **error)
{
	g_autoptr(GInputStream) content = NULL;
	g_autoptr(GFile) file = g_file_new_for_path(path);
	g_autoptr(GFileOutputStream) out = NULL;

	if (!ostree_repo_load_file(
		    layout->objects->repo, node->checksum, &content, NULL, NULL, NULL, error))
		return FALSE;
	out = g_file_create(file, G_FILE_CREATE_NONE, NULL, error);
	return out && g_output_stream_splice(G_OUTPUT_STREAM(out), content,
			      G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, NULL, error) >= 0;
}

/* Writes the files of a directory of the tree, and collects the names of modules. Symlinks lead to
 * sources, which nobody needs. */
static gboolean export(struct layout *layout, const struct node *directory, const char *path,
	GHashTable *modules, GError **error)
{
	g_autoptr(GPtrArray) children = tree_children(directory);

	if (g_mkdir_with_parents(path, 0700) < 0)
		return fault_errno(error, "%s", path);
	for (guint i = 0; i < children->len; i++) {
		const struct node *node = g_ptr_array_index(children, i);
		g_autofree char *below = g_build_filename(path, node->name, NULL);
		char *module = module_name(node->name);

		if (module)
			g_hash_table_add(modules, module);
		if (!interrupt_check(error))
			return FALSE;
		if (node->target)
			continue;
		if (node->children ? !export(layout, node, below, modules, error)
				   : !write_file(layout, node, below, error))
			return FALSE;
	}
	return TRUE;
}

/* Runs a program, whose last words become the reason if it fails. */
static gboolean run(const char *const *words, GError **error)
{
	g_autofree char *said = NULL;
	g_autoptr(GError) why = NULL;
	int status = 0;

	if (!g_spawn_sync(NULL, (char **)words, NULL,
		    G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, &said,
		    &status, &why))
		return fault(error, "%s: %s", words[0], why->message);
	if (g_spawn_check_wait_status(status, NULL))
		return TRUE;
	g_strdelimit(g_strchomp(said), "\n", ' ');
	return fault(error, "%s failed: %s", words[0], said);
}

static char *find_tool(void)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *here = g_path_get_dirname(self ? self : "");
	const char *const places[] = { "rootstock-mkinitramfs",
		"../../initramfs/rootstock-mkinitramfs" };

	for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
		char *path = g_build_filename(here, places[i], NULL);

		if (g_file_test(path, G_FILE_TEST_IS_EXECUTABLE))
			return path;
		g_free(path);
	}
	return g_strdup("rootstock-mkinitramfs");
}

static void add_module(GPtrArray *words, const char *name)
{
	g_ptr_array_add(words, g_strdup("--module"));
	g_ptr_array_add(words, g_strdup(name));
}

/* An initramfs without modules, if everything is built in, is right too. */
static gboolean make_image(struct layout *layout, const char *folder, const char *init,
	const char *moduledir, GHashTable *modules, GError **error)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *out = g_build_filename(folder, "initramfs", NULL);
	g_autofree char *tool = find_tool();
	const char *const fixed[] = { tool, "-o", out, "--init", init, "--kernel", layout->release,
		"--moduledir", moduledir, "--skip-firmware", "*" };

	for (gsize i = 0; i < G_N_ELEMENTS(fixed); i++)
		g_ptr_array_add(words, g_strdup(fixed[i]));
	for (gsize i = 0; i < G_N_ELEMENTS(usual); i++)
		if (g_hash_table_contains(modules, usual[i]))
			add_module(words, usual[i]);
	for (gsize i = 0; layout->modules && layout->modules[i]; i++)
		add_module(words, layout->modules[i]);
	g_ptr_array_add(words, NULL);
	return run((const char *const *)words->pdata, error);
}

gboolean initramfs_make(struct layout *layout, char **ret_folder, GError **error)
{
	g_autofree char *in_tree = g_build_filename("usr/lib/modules", layout->release, NULL);
	g_autofree char *moduledir = NULL, *init = NULL;
	g_autoptr(GHashTable) modules =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct node *directory = tree_find(layout->root, in_tree);

	*ret_folder = g_dir_make_tmp("rootstock-XXXXXX", error);
	if (!*ret_folder)
		return FALSE;
	init = programs_find(layout->programs, "rootstock-init", layout->machine);
	if (!init)
		return fault(error,
			"there is no rootstock-init for the tree's architecture; give its folder with --programs");
	moduledir = g_build_filename(*ret_folder, "lib/modules", layout->release, NULL);
	if (!export(layout, directory, moduledir, modules, error))
		return FALSE;
	if (g_hash_table_size(modules) && !tree_find(directory, "modules.dep.bin")) {
		const char *const depmod[] = { "/sbin/depmod", "-b", *ret_folder, layout->release,
			NULL };

		if (!run(depmod, error))
			return FALSE;
	}
	return make_image(layout, *ret_folder, init, moduledir, modules, error);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	(void)remove(path);
	return 0;
}

void initramfs_remove(char *folder)
{
	if (folder)
		(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	g_free(folder);
}

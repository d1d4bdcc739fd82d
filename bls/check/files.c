/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/files.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bls/bootpath.h"
#include "bls/check/fdt.h"

static const struct finding_kind file_missing = { "file", FINDINGS_ERROR, false };
static const struct finding_kind kernel_unsuitable = { "kernel-format", FINDINGS_ERROR, false };
static const struct finding_kind devicetree_invalid = { "devicetree-invalid", FINDINGS_ERROR,
	false };
static const struct finding_kind initrd_format = { "initrd-format", FINDINGS_ERROR, false };
static const struct finding_kind kernel_unknown = { "kernel-unknown", FINDINGS_WARNING, false };

const char *files_wrong(int dir_fd, const char *path, enum path_rule rule, enum files_kind kind)
{
	char resolved[PATH_MAX];
	struct stat st;
	int err = path_resolve(dir_fd, path, rule, resolved);

	if (err >= 0 && fstatat(dir_fd, *resolved ? resolved : ".", &st, AT_SYMLINK_NOFOLLOW) < 0)
		err = -errno;
	if (err == -ENOENT || err == -ENOTDIR)
		return "is not there";
	if (err == -EXDEV)
		return "is a symlink that leads elsewhere";
	if (err < 0)
		return strerror(-err);
	if (kind == FILES_DIRECTORY)
		return S_ISDIR(st.st_mode) ? NULL : "is not a directory";
	if (!S_ISREG(st.st_mode))
		return "is not a regular file";
	if (kind == FILES_PROGRAM && !(st.st_mode & 0111))
		return "cannot be executed";
	return st.st_size ? NULL : "is empty";
}

/* Returns true if nothing is wrong. */
static bool check_file(const struct subject *subject, const struct entry_line *line,
	const char *path, enum files_kind kind)
{
	const char *what = files_wrong(subject->sysroot->boot_fd,
		bootpath_below(path, subject->sysroot->prefix), PATH_BENEATH, kind);

	way_note(subject->way, "%s %s", line->name, path);
	if (!what)
		return true;
	findings_add(subject->findings, &file_missing, subject_place(subject, line->number),
		"%s: %s %s", line->name, path, what);
	findings_remedy(subject->findings, "restore it, or deploy again and remove this entry");
	return false;
}

/* U-Boot also takes a device tree in its legacy header. */
static void check_devicetree(const struct subject *subject, const struct entry_line *line)
{
	const char *path = bootpath_below(line->value, subject->sysroot->prefix), *what;

	if (!check_file(subject, line, line->value, FILES_FILE))
		return;
	what = fdt_wrong(subject->sysroot->boot_fd, path);
	if (!what)
		return;
	findings_add(subject->findings, &devicetree_invalid, subject_place(subject, line->number),
		"devicetree: %s %s", line->value, what);
	findings_remedy(subject->findings, "restore it, or deploy again and remove this entry");
}

static void check_overlays(const struct subject *subject, const struct entry_line *line)
{
	char *copy = strdup(line->value), *rest = NULL;

	subject->findings->failed |= !copy;
	for (char *path = copy ? strtok_r(copy, " \t", &rest) : NULL; path;
		path = strtok_r(NULL, " \t", &rest))
		check_file(subject, line, path, FILES_FILE);
	free(copy);
}

static void check_line(const struct subject *subject, const struct entry_line *line)
{
	switch (line->key) {
	case ENTRY_INITRD:
	case ENTRY_EXTRA:
		check_file(subject, line, line->value, FILES_FILE);
		return;
	default:
		break;
	}
	/* Of the other keys the last line counts. */
	if (line->key == ENTRY_UNKNOWN || line != subject->entry->last[line->key])
		return;
	switch (line->key) {
	case ENTRY_DEVICETREE:
		check_devicetree(subject, line);
		break;
	case ENTRY_LINUX:
	case ENTRY_EFI:
	case ENTRY_UKI:
		check_file(subject, line, line->value, FILES_FILE);
		break;
	case ENTRY_FDTDIR:
		check_file(subject, line, line->value, FILES_DIRECTORY);
		break;
	case ENTRY_DEVICETREE_OVERLAY:
		check_overlays(subject, line);
		break;
	default:
		break;
	}
}

static bool is_pc(unsigned machine)
{
	return machine == EM_386 || machine == EM_X86_64;
}

static bool is_new_efi(const struct kernel *kernel)
{
	return kernel->format == KERNEL_EFI && is_pc(kernel->machine);
}

/* GRUB starts an ELF file on machines that have no format of their own, such as ppc64le. */
static bool is_elf_elsewhere(const struct kernel *kernel)
{
	return kernel->format == KERNEL_ELF && !is_pc(kernel->machine) &&
	       kernel->machine != EM_ARM && kernel->machine != EM_AARCH64 &&
	       kernel->machine != EM_RISCV;
}

void files_check(struct subject *subject)
{
	const struct entry_line *linux_line = subject->entry->last[ENTRY_LINUX];

	way_step(subject->way,
		"The boot loader loads these files, below %sboot:", subject->sysroot->root);
	for (size_t i = 0; i < subject->entry->count; i++)
		check_line(subject, &subject->entry->lines[i]);
	if (!linux_line || menu_hidden(subject->item) ||
		kernel_read(subject->sysroot->boot_fd,
			bootpath_below(linux_line->value, subject->sysroot->prefix),
			&subject->kernel) < 0)
		return;
	way_note(subject->way, "The kernel is %s.", kernel_name(subject->kernel.format));
	if (is_new_efi(&subject->kernel)) {
		findings_add(subject->findings, &kernel_unknown,
			subject_place(subject, linux_line->number),
			"linux: %s is a program for EFI without the header of a kernel, which GRUB starts only since 2.12, and on EFI",
			linux_line->value);
		findings_remedy(subject->findings,
			"name the kernel itself, or use the key uki or efi for a loader that knows it");
	}
	if (subject->kernel.format != KERNEL_UNKNOWN)
		return;
	findings_add(subject->findings, &kernel_unknown, subject_place(subject, linux_line->number),
		"linux: %s is not in any format that is known here, so a loader may refuse it",
		linux_line->value);
	findings_remedy(subject->findings, "compare it with the kernel in usr/lib/modules");
}

/* Only U-Boot leaves out the header of its legacy images. */
static void check_uimage(const struct subject *subject, const struct loader *loader)
{
	const struct entry_line *line = subject->entry->last[ENTRY_INITRD];

	if (!subject->initrd || !subject->initrd->uimage || (loader->kernels & 1U << KERNEL_UIMAGE))
		return;
	findings_add(subject->findings, &initrd_format, subject_place(subject, line->number),
		"the initramfs is in a uImage, and %s hands it to the kernel with its header",
		loader->name);
	findings_remedy(subject->findings, "use it without its first 64 bytes");
}

void files_check_loader(struct subject *subject, const struct loader *loader)
{
	const enum kernel_format format = subject->kernel.format;
	const struct entry_line *line = subject->entry->last[ENTRY_LINUX];

	check_uimage(subject, loader);
	if (format == KERNEL_UNKNOWN || (loader->kernels & 1U << format) ||
		is_elf_elsewhere(&subject->kernel))
		return;
	findings_add(subject->findings, &kernel_unsuitable, subject_place(subject, line->number),
		"linux: %s is %s, which %s cannot start", line->value, kernel_name(format),
		loader->name);
	findings_remedy(subject->findings, "deploy a kernel in another format");
}

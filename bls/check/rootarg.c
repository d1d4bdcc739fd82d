/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/rootarg.h"

#include <string.h>
#include <strings.h>

#include "bls/check/modules.h"
#include "initramfs/rootparams.h"
#include "initramfs/rootspec.h"
#include "prepare-root/closest.h"

static const struct finding_kind root_missing = { "root-missing", FINDINGS_ERROR, false };
static const struct finding_kind root_maybe_missing = { "root-maybe-missing", FINDINGS_WARNING,
	false };
static const struct finding_kind root_invalid = { "root-invalid", FINDINGS_ERROR, false };
static const struct finding_kind root_prefix = { "root-prefix", FINDINGS_WARNING, false };
static const struct finding_kind root_uuid_form = { "root-uuid-form", FINDINGS_ERROR, false };
static const struct finding_kind root_other = { "root-other", FINDINGS_ERROR, false };
static const struct finding_kind root_needs_initramfs = { "root-needs-initramfs", FINDINGS_ERROR,
	false };
static const struct finding_kind root_driver = { "root-driver", FINDINGS_ERROR, false };

/* One entry's root=, and who reads it. */
struct search {
	struct subject *subject;
	const struct text *builtin;
	struct rootparams params;
	struct rootspec spec;
	bool given; /* the options have it, so it is not rootstock-init's default */
};

static bool is_rootstock(const struct search *search)
{
	return search->subject->initrd && search->subject->initrd->maker == INITRD_ROOTSTOCK;
}

/* capital: at the beginning of a sentence. */
static const char *who(const struct search *search, bool capital)
{
	if (is_rootstock(search))
		return "rootstock-init";
	if (search->subject->initrd)
		return capital ? "The initramfs" : "the initramfs";
	return capital ? "The kernel" : "the kernel";
}

static void check_absence(const struct search *search)
{
	struct findings *findings = search->subject->findings;

	if (!search->subject->initrd || search->subject->initrd->maker == INITRD_TOOLS ||
		is_rootstock(search))
		findings_add(findings, &root_missing, subject_options(search->subject),
			"there is no root=, without which %s mounts no root file system",
			who(search, false));
	else
		findings_add(findings, &root_maybe_missing, subject_options(search->subject),
			"there is no root=, so only an initramfs that searches by itself finds the root file system");
	findings_remedy(findings, "add root=, for example root=UUID=... of the sysroot");
}

/* The forms that libblkid gives the UUIDs of file systems: ext4 and most others; FAT; NTFS; ISO
 * 9660. */
static bool has_uuid_form(const char *text)
{
	static const size_t lengths[] = { 36, 9, 16, 22 };
	size_t length = strlen(text);

	if (strspn(text, "0123456789abcdefABCDEF-") != length)
		return false;
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
		if (length == lengths[i])
			return true;
	return false;
}

static void check_uuid_form(const struct search *search)
{
	const struct subject *subject = search->subject;
	const char *uuid = search->spec.text;

	if (has_uuid_form(uuid))
		return;
	findings_add(subject->findings, &root_uuid_form, subject_options(subject),
		"root=UUID=%s is not a UUID of any file system", uuid);
	if (subject->rootfs->uuid)
		findings_remedy(
			subject->findings, "this sysroot's is UUID=%s", subject->rootfs->uuid);
	else
		findings_remedy(subject->findings, "correct it; blkid shows the UUIDs");
}

/* Compares with the file system that is mounted at the sysroot. */
static void check_mounted(const struct search *search)
{
	const struct subject *subject = search->subject;
	const struct bootfs *rootfs = subject->rootfs;
	const struct {
		enum rootspec_by by;
		const char *name, *mounted;
		bool any_case;
	} tags[] = { { ROOTSPEC_UUID, "UUID", rootfs->uuid, true },
		{ ROOTSPEC_LABEL, "LABEL", rootfs->label, false },
		{ ROOTSPEC_PARTUUID, "PARTUUID", rootfs->partuuid, true } };

	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
		const char *text = search->spec.text, *mounted = tags[i].mounted;

		if (search->spec.by != tags[i].by || !mounted || search->spec.offset ||
			(tags[i].by == ROOTSPEC_UUID && !has_uuid_form(text)) ||
			!(tags[i].any_case ? strcasecmp(text, mounted) : strcmp(text, mounted)))
			continue;
		findings_add(subject->findings, &root_other, subject_options(subject),
			"root=%s=%s is another file system than the one at %s", tags[i].name, text,
			subject->sysroot->root);
		findings_remedy(
			subject->findings, "this sysroot's is %s=%s", tags[i].name, mounted);
	}
}

/* The kernel has "!" for each "/" in the names of a few disks (block/genhd.c). */
static bool is_volume(const char *name)
{
	static const char *const disks[] = { "cciss/", "ida/", "rd/", "etherd/", "i2o/" };

	if (!strchr(name, '/'))
		return false;
	for (size_t i = 0; i < sizeof disks / sizeof *disks; i++)
		if (!strncmp(name, disks[i], strlen(disks[i])))
			return false;
	return true;
}

/* A logical or encrypted volume, such as /dev/mapper/NAME or /dev/GROUP/NAME. */
static bool check_volume(const struct search *search)
{
	static const char dev[] = "/dev/";
	const char *root = search->params.root, *name = root + strlen(dev);

	if (strncmp(root, dev, strlen(dev)) != 0 || !strncmp(name, "disk/", 5) ||
		!strncmp(name, "md/", 3) || !is_volume(name))
		return false;
	findings_add(search->subject->findings, &root_needs_initramfs,
		subject_options(search->subject),
		"the kernel itself cannot open %s, and this entry has no initramfs", root);
	findings_remedy(search->subject->findings, "add an initramfs made by dracut");
	return true;
}

/* What the kernel may open, and rootstock-init does not: a RAID by md= or an old superblock, and
 * file systems on the network. */
static bool is_for_kernel_only(const char *root)
{
	static const char *const names[] = { "/dev/md", "/dev/nfs", "/dev/cifs" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strncmp(root, names[i], strlen(names[i])))
			return true;
	return false;
}

/* The kernel knows neither file systems by UUID or label, nor udev's links. */
static void check_for_kernel(const struct search *search)
{
	const char *root = search->params.root;
	const bool link = !strncmp(root, "/dev/disk/", strlen("/dev/disk/"));

	if (check_volume(search))
		return;
	if (!link && search->spec.by != ROOTSPEC_UUID && search->spec.by != ROOTSPEC_LABEL)
		return;
	findings_add(search->subject->findings, &root_needs_initramfs,
		subject_options(search->subject),
		"root=%s needs an initramfs, and this entry has none: the kernel itself finds only /dev/NAME, PARTUUID=, PARTLABEL= and MAJOR:MINOR",
		root);
	findings_remedy(search->subject->findings, "use root=PARTUUID=, or add an initramfs");
}

/* A prefix that is close to a known one. */
static void check_prefix(const struct search *search)
{
	static const char *const known[] = { "UUID", "LABEL", "PARTUUID", "PARTLABEL", NULL };
	const char *root = search->params.root, *equals = strchr(root, '=');
	const struct subject *subject = search->subject;
	char prefix[16] = "";
	const char *meant;

	if (!equals || (size_t)(equals - root) >= sizeof prefix || strchr(root, '/') == root)
		return;
	memcpy(prefix, root, (size_t)(equals - root));
	meant = closest(prefix, known);
	for (size_t i = 0; known[i]; i++) {
		if (!strcmp(prefix, known[i]))
			return;
		if (!strcasecmp(prefix, known[i]))
			meant = known[i];
	}
	if (!meant)
		return;
	findings_add(subject->findings, &root_prefix, subject_options(subject),
		"root=%s begins with a word that no initramfs is known to read", root);
	findings_remedy(subject->findings, "write root=%s%s", meant, equals);
}

/* initramfs-tools takes a word without any sign for the path of a file, unless boot= names another
 * script. */
static void check_word(const struct search *search)
{
	const struct subject *subject = search->subject;
	const char *root = search->params.root;

	if (subject->initrd->maker != INITRD_TOOLS || strpbrk(root, "=:/") ||
		search->params.fstypes || subject_word(subject, "boot"))
		return;
	findings_add(subject->findings, &root_prefix, subject_options(subject),
		"root=%s is not a device as initramfs-tools names it", root);
	findings_remedy(subject->findings, "write root=/dev/%s if that was meant", root);
}

/* The value is none of those that the kernel and rootstock-init know. */
static void check_other(const struct search *search, const struct fault *fault)
{
	const char *root = search->params.root;
	const struct subject *subject = search->subject;
	/* No reader takes a tag without a value. */
	const bool empty = root[strlen(root) - 1] == '=' && search->spec.by != ROOTSPEC_SOURCE;

	if (!subject->initrd && (check_volume(search) || is_for_kernel_only(root)))
		return;
	if (subject->initrd && !is_rootstock(search) && !empty) {
		check_prefix(search);
		check_word(search);
		return;
	}
	findings_add(
		subject->findings, &root_invalid, subject_options(subject), "%s", fault->sentence);
	findings_remedy(subject->findings, "correct root=");
}

static void check_value(struct search *search)
{
	struct fault fault;

	if (rootspec_parse(search->params.root, search->params.fstypes, &search->spec, &fault) <
		0) {
		check_other(search, &fault);
		return;
	}
	if (search->spec.by == ROOTSPEC_UUID)
		check_uuid_form(search);
	check_mounted(search);
	if (!search->subject->initrd)
		check_for_kernel(search);
}

/* NULL if the name shows no driver. */
static const char *driver_of(const char *name)
{
	static const struct {
		const char *prefix, *module;
	} drivers[] = { { "vd", "virtio_blk" }, { "sd", "sd_mod" }, { "mmcblk", "mmc_block" },
		{ "nvme", "nvme" }, { "xvd", "xen_blkfront" } };

	for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
		if (!strncmp(name, drivers[i].prefix, strlen(drivers[i].prefix)))
			return drivers[i].module;
	return NULL;
}

static bool has_module(const struct search *search, const char *name)
{
	if (modules_have(search->builtin, name))
		return true;
	return search->subject->initrd &&
	       (search->subject->initrd->unread || search->subject->initrd->nested ||
		       modules_have(&search->subject->initrd->modules, name));
}

static void check_driver(const struct search *search, const char *module, const char *what)
{
	const struct subject *subject = search->subject;

	if (!module || has_module(search, module))
		return;
	findings_add(subject->findings, &root_driver, subject_options(subject),
		"%s, which %s needs, is %s", module, what,
		subject->initrd ? "neither built into this kernel nor in the initramfs"
				: "not built into this kernel, and there is no initramfs");
	findings_remedy(subject->findings, "%s",
		subject->initrd ? "add it to the initramfs"
				: "build it into the kernel, or add an initramfs");
}

/* Of other types the module is not known, or the root is not on a disk. */
static bool is_disk_filesystem(const char *type)
{
	static const char *const types[] = { "ext4", "xfs", "btrfs", "f2fs", "squashfs", "erofs" };

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (!strcmp(type, types[i]))
			return true;
	return false;
}

static void check_drivers(const struct search *search)
{
	const char *type = search->params.fstypes;

	if (!search->builtin || !search->params.root)
		return;
	/* A list is tried one after the other. */
	if (!type || strchr(type, ','))
		type = search->subject->rootfs->type;
	/* The driver of ext4 mounts its predecessors too. */
	if (type && (!strcmp(type, "ext2") || !strcmp(type, "ext3")) && !has_module(search, type))
		type = "ext4";
	if (type && is_disk_filesystem(type))
		check_driver(search, type, "the root file system");
	if (search->spec.by == ROOTSPEC_NAME)
		check_driver(search, driver_of(search->spec.text), search->params.root);
}

static void tell(const struct search *search)
{
	const struct rootparams *params = &search->params;
	struct way *way = search->subject->way;

	if (!params->root) {
		way_step(way, "There is no root=: %s must find the root file system by itself.",
			who(search, false));
		return;
	}
	way_step(way, "%s mounts the root file system, root=%s%s, %s.", who(search, true),
		params->root, search->given ? "" : " (the default)",
		params->writable ? "writable" : "read-only");
	if (params->fstypes)
		way_note(way, "Its type is %s, by rootfstype=.", params->fstypes);
	if (params->flags)
		way_note(way, "It is mounted with the options %s, by rootflags=.", params->flags);
	if (params->forever)
		way_note(way, "It waits for the device for ever, by rootwait.");
	else if (is_rootstock(search))
		way_note(way, "It waits for the device for up to %u seconds.", params->wait);
}

void rootarg_check(struct subject *subject, const struct text *builtin)
{
	struct search search = { .subject = subject, .builtin = builtin };

	rootparams_parse(subject->cmdline, &search.params);
	search.given = subject_word(subject, "root") || subject_word(subject, "ostree_root");
	/* The default is rootstock-init's. */
	if (!search.given && !is_rootstock(&search))
		search.params.root = NULL;
	tell(&search);
	if (!search.params.root || !*search.params.root)
		check_absence(&search);
	else
		check_value(&search);
	check_drivers(&search);
}

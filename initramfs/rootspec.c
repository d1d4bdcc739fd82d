/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/rootspec.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

/* udev writes bytes of a tag that a file name must not have as \x and two digits. */
static bool unescape(const char *text, char *ret_text)
{
	static const char digits[] = "0123456789abcdef";

	while (*text) {
		const char *high = text[1] == 'x' && text[2] ? strchr(digits, text[2]) : NULL;
		const char *low = high && text[3] ? strchr(digits, text[3]) : NULL;

		if (*text != '\\') {
			*ret_text++ = *text++;
		} else if (low) {
			*ret_text++ = (char)((high - digits) * 16 + (low - digits));
			text += 4;
		} else {
			return false;
		}
	}
	*ret_text = 0;
	return true;
}

/* Cuts "/PARTNROFF=" and a number, which may be negative, off the end. */
static bool cut_offset(char *partuuid, int *ret_offset)
{
	static const char word[] = "/PARTNROFF=";
	char *slash = strchr(partuuid, '/');
	char *end;
	long value;

	if (!slash)
		return true;
	if (strncmp(slash, word, sizeof word - 1) != 0)
		return false;
	value = strtol(slash + sizeof word - 1, &end, 10);
	if (end == slash + sizeof word - 1 || *end || value < -1024 || value > 1024)
		return false;
	*slash = 0;
	*ret_offset = (int)value;
	return true;
}

/*
 * MAJOR:MINOR in decimal, perhaps followed by ":" and a number that is ignored, or one number in
 * hex, as old tools wrote it into the kernel.
 */
static bool device_number(const char *text, dev_t *ret_number)
{
	unsigned long major, minor;
	char *end;

	if (strspn(text, "0123456789abcdefABCDEFx:") != strlen(text))
		return false;
	major = strtoul(text, &end, 10);
	if (end > text && *end == ':') {
		minor = strtoul(text = end + 1, &end, 10);
		if (end > text && *end == ':')
			(void)strtoul(text = end + 1, &end, 10);
	} else {
		minor = strtoul(text, &end, 16);
		if (minor > UINT_MAX)
			return false;
		/*
		 * Linux, include/linux/kdev_t.h, new_decode_dev: 8 bits of minor around 12 of
		 * major.
		 */
		major = (minor & 0xfff00) >> 8;
		minor = (minor & 0xff) | ((minor >> 12) & 0xfff00);
	}
	if (end == text || *end || major >= 1 << 12 || minor >= 1 << 20)
		return false;
	*ret_number = makedev((unsigned)major, (unsigned)minor);
	return true;
}

/* UBI volumes and MTD partitions, but not the block devices that stand for them. */
static bool is_flash(const char *name)
{
	return (!strncmp(name, "ubi", 3) && strncmp(name, "ubiblock", 8) != 0) ||
	       (!strncmp(name, "mtd", 3) && strncmp(name, "mtdblock", 8) != 0);
}

/* RAIDs of mdadm; the kernel does not assemble them itself if there is an initramfs. */
static bool is_raid(const char *name)
{
	return !strncmp(name, "md", 2) && strspn(name + 2, "0123456789/_") > 0;
}

/* Values that only the scripts of other initramfs systems understand. */
static bool is_others(const char *root)
{
	static const char *const prefixes[] = { "nfs:", "nfs4:", "cifs:", "smb:", "nbd:", "iscsi:",
		"fcoe:", "http:", "https:", "ftp:", "live:", "block:", "zfs:", "dhcp", "overlay:" };

	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (!strncmp(root, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

static int refuse(const char *root, const char *why, struct fault *ret_fault)
{
	return fault(ret_fault, -EINVAL, "root=", root, " ", why, NULL);
}

/* How root= and how udev write the tags. */
static const struct {
	const char *prefix, *link;
	enum rootspec_by by;
} tags[] = {
	{ "UUID=", "disk/by-uuid/", ROOTSPEC_UUID },
	{ "LABEL=", "disk/by-label/", ROOTSPEC_LABEL },
	{ "PARTUUID=", "disk/by-partuuid/", ROOTSPEC_PARTUUID },
	{ "PARTLABEL=", "disk/by-partlabel/", ROOTSPEC_PARTLABEL },
};

static int parse_name(const char *root, struct rootspec *spec, struct fault *ret_fault)
{
	const char *name = root + strlen("/dev/");

	if (is_flash(name)) {
		spec->by = ROOTSPEC_SOURCE;
		strcpy(spec->text, root);
		return 0;
	}
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
		size_t len = strlen(tags[i].link);

		if (strncmp(name, tags[i].link, len) != 0)
			continue;
		spec->by = tags[i].by;
		if (!name[len] || !unescape(name + len, spec->text))
			return refuse(root, "is not a link as udev writes it", ret_fault);
		return 0;
	}
	if (!strncmp(name, "mapper/", 7) || is_raid(name))
		return refuse(root,
			"is an encrypted or logical volume or a RAID, which this initramfs cannot open: use dracut with the module rootstock",
			ret_fault);
	if (!strncmp(name, "disk/", 5))
		return refuse(root,
			"is a link that udev makes, and no udev runs here: use UUID=, LABEL=, PARTUUID= or PARTLABEL=",
			ret_fault);
	if (!strcmp(name, "nfs") || !strcmp(name, "cifs"))
		return refuse(
			root, "is on the network: use dracut with the module rootstock", ret_fault);
	spec->by = ROOTSPEC_NAME;
	/* The kernel takes the one for the other. */
	strcpy(spec->text, strcmp(name, "ram") ? name : "ram0");
	return *name ? 0 : refuse(root, "does not name a device", ret_fault);
}

int rootspec_parse(
	const char *root, const char *fstypes, struct rootspec *ret_spec, struct fault *ret_fault)
{
	*ret_spec = (struct rootspec){ .by = ROOTSPEC_SOURCE };
	if (strlen(root) >= ROOTSPEC_MAX)
		return refuse(root, "is too long", ret_fault);
	if (!strncmp(root, "/dev/", 5))
		return parse_name(root, ret_spec, ret_fault);
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
		size_t len = strlen(tags[i].prefix);

		if (strncmp(root, tags[i].prefix, len) != 0)
			continue;
		ret_spec->by = tags[i].by;
		strcpy(ret_spec->text, root + len);
		if (!root[len])
			return refuse(root, "has no value", ret_fault);
		if (tags[i].by == ROOTSPEC_PARTUUID &&
			!cut_offset(ret_spec->text, &ret_spec->offset))
			return refuse(root,
				"is not PARTUUID=UUID or PARTUUID=UUID/PARTNROFF=NUMBER",
				ret_fault);
		return 0;
	}
	strcpy(ret_spec->text, root);
	if (is_flash(root))
		return 0;
	if (device_number(root, &ret_spec->number)) {
		ret_spec->by = ROOTSPEC_NUMBER;
		return 0;
	}
	if (!fstypes && is_others(root))
		return refuse(root,
			"is for another initramfs: use that, for example dracut with the module rootstock, or name a device as /dev/NAME, PARTUUID=, UUID= or LABEL=",
			ret_fault);
	if (!*root || !fstypes)
		return refuse(root,
			"is not /dev/NAME, PARTUUID=, PARTLABEL=, UUID=, LABEL= or MAJOR:MINOR; any other source needs rootfstype=",
			ret_fault);
	return 0;
}

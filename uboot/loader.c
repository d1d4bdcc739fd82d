/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uboot/loader.h"

#include <errno.h>
#include <stdio.h>

#include "uboot/ubootconf.h"
#include "uboot/uenv.h"

struct uboot_extras uboot_extras;

bool uboot_compat(void)
{
	return uboot_extras.compat || ubootconf_settings[UBOOTCONF_COMPAT].value;
}

static size_t render(const struct loader_job *job, struct text *text)
{
	const struct uenv_style style = {
		.prefix = job->sysroot->prefix,
		.boot_fd = job->sysroot->boot_fd,
		.ostree = uboot_compat(),
		.keep = ubootconf_settings[UBOOTCONF_KEEP].value,
		.lines = &uboot_extras.lines,
	};

	text->failed |= uboot_extras.lines.failed;
	return uenv_render(text, job->menu, job->verdicts, &style);
}

static int label(const struct loader_job *job, struct loader_label ret_labels[])
{
	unsigned number = 0;

	for (size_t i = 0; i < job->menu->count; i++) {
		char digits[12] = "";

		if (!job->verdicts[i].in_menu)
			continue;
		if (++number > 1)
			(void)snprintf(digits, sizeof digits, "%u", number);
		if (asprintf(&ret_labels[i].place, "kernel_image%s", digits) < 0)
			return -ENOMEM;
	}
	return 0;
}

static const struct loader_limit limits[] = {
	{ "xfs", "U-Boot cannot read XFS" },
	{ "f2fs", "U-Boot cannot read F2FS" },
	{ 0 },
};

const struct loader uboot_loader = {
	.name = "U-Boot",
	.word = "uboot",
	.program = "ostree-uboot-generator",
	.settings_file = UBOOTCONF_FILE,
	.settings = ubootconf_settings,
	.check_settings = ubootconf_check,
	.file = "uEnv.txt",
	.standin = UENV_STANDIN,
	.reads_boot_scr = true,
	.foreign = "ostree-uboot-generator did not write this file, and boot.cmd accepts no other",
	.render = render,
	.from_entries = uenv_from_entries,
	.damage = uenv_damage,
	.label = label,
	.place = "kernel",
	/* By booti, bootz, bootm and zboot, see boot.cmd. */
	.kernels = 1 << KERNEL_BZIMAGE | 1 << KERNEL_ZIMAGE | 1 << KERNEL_IMAGE | 1 << KERNEL_GZIP |
		   1 << KERNEL_UIMAGE | 1 << KERNEL_FIT,
	.limits = limits,
	.unreadable_ext4 = LOADER_EXT4_INLINE_DATA | LOADER_EXT4_BIGALLOC_1K,
};

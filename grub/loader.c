/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grub/loader.h"

#include <errno.h>
#include <stdio.h>

#include "grub/grubcfg.h"
#include "grub/grubconf.h"
#include "grub/ident.h"
#include "grub/title.h"

struct grub_extras grub_extras;

static size_t render(const struct loader_job *job, struct text *text)
{
	const struct grubcfg_style style = {
		.rules.prefix = job->sysroot->prefix,
		.rules.boot_fd = job->sysroot->boot_fd,
		.rules.allow_lossy = grub_extras.allow_lossy || grubconf_allows_lossy(),
		.chosen = grubconf_settings[GRUBCONF_DEFAULT].value,
		.timeout = grubconf_settings[GRUBCONF_TIMEOUT].value,
		.serial = grubconf_settings[GRUBCONF_SERIAL].value,
		.terminal = grubconf_settings[GRUBCONF_TERMINAL].value,
		.uuid = grub_extras.uuid,
	};

	return grubcfg_render(text, job->menu, job->verdicts, &style);
}

static int label(const struct loader_job *job, struct loader_label ret_labels[])
{
	char *titles[MENU_ENTRIES_MAX];
	unsigned number = 0;
	int err = title_make(job->menu, job->verdicts, titles);

	for (size_t i = 0; i < job->menu->count; i++) {
		const struct menu_item *item = &job->menu->items[i];

		ret_labels[i].title = titles[i];
		if (!job->verdicts[i].in_menu)
			continue;
		ret_labels[i].id = ident_make(item);
		ret_labels[i].machine = entry_value(&item->entry, ENTRY_ARCHITECTURE);
		if (!ret_labels[i].id || asprintf(&ret_labels[i].place, "%u", number++) < 0)
			err = -ENOMEM;
	}
	return err;
}

static const struct loader_limit limits[] = {
	{ "xfs",
		"GRUB does not read the log of XFS, so after a loss of power it may find an old menu or none" },
	{ 0 },
};

const struct loader grub_loader = {
	.name = "GRUB",
	.word = "grub",
	.program = "ostree-grub-generator",
	.settings_file = GRUBCONF_FILE,
	.settings = grubconf_settings,
	.check_settings = grubconf_check,
	.file = "grub.cfg",
	.reads_grub_cfg = true,
	.render = render,
	.from_entries = grubcfg_from_entries,
	.damage = grubcfg_damage,
	.label = label,
	.place = "number",
	/* On EFI also what the firmware starts. */
	.kernels = 1 << KERNEL_BZIMAGE | 1 << KERNEL_ZIMAGE | 1 << KERNEL_IMAGE | 1 << KERNEL_EFI,
	.limits = limits,
	.unreadable_ext4 = LOADER_EXT4_EA_INODE | LOADER_EXT4_INLINE_DATA | LOADER_EXT4_CASEFOLD |
			   LOADER_EXT4_BIGALLOC_1K,
	/* Debian 12's 2.06 reads them by patches. */
	.older = "Debian 11's GRUB 2.06, and an older one,",
	.since = "2.12",
	.older_unreadable_ext4 = LOADER_EXT4_LARGE_DIR | LOADER_EXT4_CSUM_SEED,
};

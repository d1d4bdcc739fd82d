/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/convert.h"

#include "ota/programs.h"

static gboolean read_sources(const struct convert *convert, struct intake *intake, GError **error)
{
	for (gsize i = 0; convert->sources[i]; i++) {
		gboolean good;

		progress_start(&intake->progress, convert->sources[i], convert->quiet);
		good = intake_read(intake, convert->sources[i], error);
		progress_end(&intake->progress);
		if (!good)
			return FALSE;
	}
	return TRUE;
}

gboolean convert(const struct convert *convert, struct objects *objects, struct converted *ret,
	GError **error)
{
	struct intake intake = { .objects = objects,
		.root = tree_new(),
		.ledger = ledger_new(),
		.without = convert->without,
		.allowed_keys = convert->allowed_keys };
	struct layout layout = { .objects = objects,
		.root = intake.root,
		.ledger = intake.ledger,
		.without = convert->without,
		.kernel = convert->kernel,
		.initramfs = convert->initramfs,
		.devicetree = convert->devicetree,
		.programs = convert->programs,
		.modules = convert->modules };
	gboolean good;

	intake_open(&intake);
	layout.merged = intake.merged;
	good = read_sources(convert, &intake, error) && layout_apply(&layout, error) &&
	       programs_add(&layout, convert->loader, error);
	intake_close(&intake);
	*ret = (struct converted){ .root = intake.root,
		.ledger = intake.ledger,
		.release = layout.release,
		.newest = intake.newest };
	return good;
}

void converted_free(struct converted *converted)
{
	tree_free(converted->root);
	if (converted->ledger)
		ledger_free(converted->ledger);
	g_free(converted->release);
}

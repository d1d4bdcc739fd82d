/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/bootscr.h"

#include <string.h>

#include "bls/file.h"
#include "bls/text.h"

enum { FILE_SIZE_MAX = 1 << 20 };

static const struct finding_kind other_script = { "other-script", FINDINGS_WARNING, false };
static const struct finding_kind other_extlinux = { "other-extlinux", FINDINGS_WARNING, false };

/* Returns 1 if the file has all these words, 0 if it lacks one, -1 if it cannot be read. */
static int leads(const struct sysroot *sysroot, const char *path, const char *const words[])
{
	struct text text = { 0 };
	int ret = -1;

	if (file_add_in(sysroot->root_fd, path, FILE_SIZE_MAX, &text) == 0 && text.size) {
		ret = 1;
		for (size_t i = 0; words[i]; i++)
			ret &= memmem(text.bytes, text.size, words[i], strlen(words[i])) != NULL;
	}
	text_free(&text);
	return ret;
}

void bootscr_check(const struct sysroot *sysroot, struct findings *findings)
{
	static const char *const extlinux[] = { "boot/extlinux/extlinux.conf",
		"extlinux/extlinux.conf" };
	static const char *const scripts[] = { "boot/boot.scr.uimg", "boot/boot.scr",
		"boot.scr.uimg", "boot.scr" };
	static const char *const ostree[] = { "ostree=", NULL };
	static const char *const menu[] = { "loader", "uEnv.txt", NULL };
	const char *other = NULL;

	for (size_t i = 0; i < sizeof extlinux / sizeof *extlinux; i++) {
		if (leads(sysroot, extlinux[i], ostree))
			continue;
		findings_add(findings, &other_extlinux,
			(struct place){ sysroot->root, extlinux[i], 0 },
			"U-Boot's usual boot command takes this file before any script, and nothing in it starts a deployment");
		findings_remedy(findings, "remove it");
	}
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		int answer = leads(sysroot, scripts[i], menu);

		if (answer > 0)
			return;
		if (!answer && !other)
			other = scripts[i];
	}
	if (!other)
		return;
	findings_add(findings, &other_script, (struct place){ sysroot->root, other, 0 },
		"U-Boot runs this script, and nothing in it leads to the menu in boot/loader");
	findings_remedy(
		findings, "put rootstock's boot.scr in its place, see rootstock-boot.cmd(7)");
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/grubdir.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "bls/directory.h"
#include "bls/file.h"
#include "bls/text.h"
#include "bls/version.h"
#include "bls/words.h"
#include "prepare-root/path.h"

enum { FILE_SIZE_MAX = 1 << 20 };

static const struct finding_kind stub_missing = { "stub-missing", FINDINGS_WARNING, false };
static const struct finding_kind stub_uuid = { "stub-uuid", FINDINGS_WARNING, false };

/* One call of grubdir_each. */
struct walk {
	int root_fd;
	const char *above; /* the directory EFI */
	int (*take)(void *context, const char *path, const struct text *text);
	void *context;
};

static int take_file(const struct walk *walk, const char *path)
{
	char resolved[PATH_MAX];
	struct text text = { 0 };
	int found = 0;

	if (path_resolve(walk->root_fd, path, PATH_IN_ROOT, resolved) >= 0 &&
		file_add(walk->root_fd, resolved, FILE_SIZE_MAX, &text) == 0 && text.size)
		found = walk->take(walk->context, path, &text);
	text_free(&text);
	return found;
}

static int take_vendor(void *context, int dir_fd, const char *vendor)
{
	const struct walk *walk = context;
	char path[PATH_MAX];

	(void)dir_fd;
	if (vendor[0] == '.' ||
		snprintf(path, sizeof path, "%s/%s/grub.cfg", walk->above, vendor) >= PATH_MAX)
		return 0;
	return take_file(walk, path);
}

static int take_esp(struct walk *walk, const char *path)
{
	char resolved[PATH_MAX];
	int fd, found;

	if (path_resolve(walk->root_fd, path, PATH_IN_ROOT, resolved) < 0)
		return 0;
	fd = path_open(walk->root_fd, resolved, O_PATH | O_DIRECTORY);
	if (fd < 0)
		return 0;
	walk->above = path;
	found = directory_each(fd, take_vendor, walk);
	close(fd);
	return found < 0 ? 0 : found;
}

int grubdir_each(int root_fd, int (*take)(void *context, const char *path, const struct text *text),
	void *context)
{
	static const char *const files[] = { "boot/grub/grub.cfg", "boot/grub2/grub.cfg" };
	static const char *const esps[] = { "boot/efi/EFI", "boot/EFI", "efi/EFI" };
	struct walk walk = { .root_fd = root_fd, .take = take, .context = context };
	int found = 0;

	for (size_t i = 0; i < sizeof files / sizeof *files && !found; i++)
		found = take_file(&walk, files[i]);
	for (size_t i = 0; i < sizeof esps / sizeof *esps && !found; i++)
		found = take_esp(&walk, esps[i]);
	return found;
}

/* What grubdir_is_since knows so far. */
struct versions {
	const char *least;
	bool seen, older;
};

/* The module "normal" has the version as a string of its own, such as 2.06-13+deb12u2. */
static int take_modules(void *context, int dir_fd, const char *name)
{
	struct versions *versions = context;
	char path[PATH_MAX], resolved[PATH_MAX];
	struct text text = { 0 };

	if (name[0] == '.' || snprintf(path, sizeof path, "%s/normal.mod", name) >= PATH_MAX ||
		path_resolve(dir_fd, path, PATH_BENEATH, resolved) < 0 ||
		file_add(dir_fd, resolved, FILE_SIZE_MAX, &text) < 0 || !text_string(&text)) {
		text_free(&text);
		return 0;
	}
	for (const char *at = text.bytes, *end = at + text.size; at < end; at += strlen(at) + 1) {
		if (strncmp(at, "2.", 2) != 0 || !isdigit((unsigned char)at[2]))
			continue;
		versions->seen = true;
		versions->older |= version_compare(at, versions->least) < 0;
	}
	text_free(&text);
	return 0;
}

bool grubdir_is_since(int boot_fd, const char *version)
{
	static const char *const folders[] = { "grub", "grub2" };
	struct versions versions = { .least = version };

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		int fd = path_open(boot_fd, folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			continue;
		(void)directory_each(fd, take_modules, &versions);
		close(fd);
	}
	return versions.seen && !versions.older;
}

/* What grubdir_check knows so far. */
struct look {
	const struct sysroot *sysroot;
	const struct bootfs *bootfs;
	struct findings *findings;
	bool seen, leads; /* a file, and one that leads to the menu */
};

static bool has(const struct text *text, const char *word)
{
	return memmem(text->bytes, text->size, word, strlen(word));
}

/* The UUID that a line with "search" names, or NULL. */
static const char *searched_uuid(const char *line, size_t *ret_length)
{
	const char *uuid = NULL, *word;
	bool search = false, by_uuid = false;
	size_t length;

	while ((word = words_next(&line, &length))) {
		search |= !strncmp(word, "search", strlen("search"));
		by_uuid |= (length == 14 && !memcmp(word, "search.fs_uuid", 14)) ||
			   (length == 9 && !memcmp(word, "--fs-uuid", 9)) ||
			   (length == 2 && !memcmp(word, "-u", 2));
		if ((length == 36 || length == 9) &&
			strspn(word, "0123456789abcdefABCDEF-") == length) {
			uuid = word;
			*ret_length = length;
		}
	}
	return search && by_uuid ? uuid : NULL;
}

static void check_uuids(const struct look *look, const char *path, char *text)
{
	char *rest = NULL;

	if (!look->bootfs->uuid)
		return;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		size_t length = 0;
		const char *uuid = searched_uuid(line, &length);

		if (!uuid || (strlen(look->bootfs->uuid) == length &&
				     !strncasecmp(uuid, look->bootfs->uuid, length)))
			continue;
		findings_add(look->findings, &stub_uuid,
			(struct place){ look->sysroot->root, path, 0 },
			"GRUB searches for the file system %.*s, and /boot is on %s", (int)length,
			uuid, look->bootfs->uuid);
		findings_remedy(look->findings, "write %s there", look->bootfs->uuid);
	}
}

static int take(void *context, const char *path, const struct text *text)
{
	struct look *look = context;
	struct text copy = { 0 };

	look->leads |= has(text, "loader") || has(text, "blscfg") || has(text, "ostree=");
	look->seen = true;
	text_add_bytes(&copy, text->bytes, text->size);
	if (text_string(&copy))
		check_uuids(look, path, copy.bytes);
	look->findings->failed |= copy.failed;
	text_free(&copy);
	return 0;
}

void grubdir_check(
	const struct sysroot *sysroot, const struct bootfs *bootfs, struct findings *findings)
{
	struct look look = { sysroot, bootfs, findings, false, false };

	(void)grubdir_each(sysroot->root_fd, take, &look);
	if (!look.seen || look.leads)
		return;
	findings_add(findings, &stub_missing, (struct place){ sysroot->root, "boot", 0 },
		"GRUB reads its own grub.cfg first, and nothing there leads to the menu in boot/loader");
	findings_remedy(
		findings, "put rootstock's stub.cfg in its place, see rootstock-stub.cfg(7)");
}

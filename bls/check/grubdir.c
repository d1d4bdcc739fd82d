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
	struct text text = { 0 };
	int found = 0;

	if (file_add_in(walk->root_fd, path, FILE_SIZE_MAX, &text) == 0 && text.size)
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
	int found;

	walk->above = path;
	found = directory_each_in(walk->root_fd, path, take_vendor, walk);
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

static bool is_letter(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* True for a path through the directory "loader", or the word itself, as in a loop over several; not
 * for "chainloader". */
static bool has_directory(const struct text *text)
{
	static const char name[] = "loader";
	const char *at = text->bytes, *end = at + text->size;

	while ((at = memmem(at, (size_t)(end - at), name, strlen(name)))) {
		const char *next = at + strlen(name);

		if ((at == text->bytes || !is_letter(at[-1])) && (next == end || !is_letter(*next)))
			return true;
		at = next;
	}
	return false;
}

/* Whether the line is in a block of menuentry or submenu, and how deep. */
static bool in_entry(const char *line, unsigned *depth)
{
	const char *start = line + strspn(line, " \t");
	const size_t length = strlen(start);
	const bool opens = length && *start != '#' && start[length - 1] == '{';
	const bool begins = !strncmp(start, "menuentry ", 10) || !strncmp(start, "submenu ", 8);

	if (*depth || begins)
		*depth += opens;
	else
		return false;
	if (*start == '}' && *depth)
		(*depth)--;
	return true;
}

/* The UUID that a line with "search" names, or NULL. */
static const char *searched_uuid(const char *line, size_t *ret_length)
{
	const char *uuid = NULL, *word;
	bool by_uuid = false;
	size_t length;

	while ((word = words_next(&line, &length))) {
		by_uuid |= (length == 14 && !memcmp(word, "search.fs_uuid", 14)) ||
			   (length == 9 && !memcmp(word, "--fs-uuid", 9)) ||
			   (length == 2 && !memcmp(word, "-u", 2));
		if ((length == 36 || length == 9) &&
			strspn(word, "0123456789abcdefABCDEF-") == length) {
			uuid = word;
			*ret_length = length;
		}
	}
	return by_uuid ? uuid : NULL;
}

/* The last search so far, and what was found by it. */
struct search {
	const char *uuid; /* NULL: none, or by something else */
	size_t length;
	bool prefix; /* $prefix is on that file system */
};

static bool begins(const char *line, const char *word)
{
	return !strncmp(line, word, strlen(word));
}

/* True for a line that goes on with a file on the file system that was searched for. */
static bool reads_found(const struct search *search, const char *line)
{
	static const char *const commands[] = { "configfile", "source", "normal", "." };
	size_t length = strcspn(line, " \t");

	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (length == strlen(commands[i]) && !strncmp(line, commands[i], length))
			return strstr(line, "($") || strstr(line, " /") ||
			       (search->prefix && (!line[length] || strstr(line, "prefix")));
	return false;
}

static void report_uuid(const struct look *look, const char *path, const struct search *search)
{
	if (strlen(look->bootfs->uuid) == search->length &&
		!strncasecmp(search->uuid, look->bootfs->uuid, search->length))
		return;
	findings_add(look->findings, &stub_uuid, (struct place){ look->sysroot->root, path, 0 },
		"GRUB searches for the file system %.*s, and /boot is on %s", (int)search->length,
		search->uuid, look->bootfs->uuid);
	findings_remedy(look->findings, "write %s there", look->bootfs->uuid);
}

/* Other searches are for fonts, or for other systems. */
static void check_uuids(const struct look *look, const char *path, char *text)
{
	struct search search = { 0 };
	unsigned depth = 0;
	char *rest = NULL;

	if (!look->bootfs->uuid)
		return;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		line += strspn(line, " \t");
		if (in_entry(line, &depth))
			continue;
		if (begins(line, "search")) {
			search = (struct search){ 0 };
			search.uuid = searched_uuid(line, &search.length);
		} else if (begins(line, "set prefix=")) {
			search.prefix = strstr(line, "($");
		} else if (search.uuid && reads_found(&search, line)) {
			report_uuid(look, path, &search);
			search = (struct search){ 0 };
		}
	}
}

static int take(void *context, const char *path, const struct text *text)
{
	struct look *look = context;
	struct text copy = { 0 };

	look->leads |= has_directory(text) || has(text, "blscfg") || has(text, "ostree=");
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

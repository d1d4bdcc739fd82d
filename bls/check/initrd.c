/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/initrd.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bls/bootpath.h"
#include "bls/check/known.h"
#include "bls/check/modules.h"
#include "bls/file.h"
#include "prepare-root/path.h"

enum { NAME_MAX_SIZE = 4096, HEADER_SIZE = 110, BYTES_MAX = 1 << 30, INIT_MAX = 1 << 20 };

extern char **environ;

/* What is read: the file itself, or what a program makes of its rest. */
struct stream {
	FILE *file;
	pid_t program;
	size_t left; /* of BYTES_MAX */
};

static const struct packing {
	const char *magic;
	size_t size;
	const char *argv[5];
	const char *missing;
} packings[] = {
	{ "\x1f\x8b", 2, { "gzip", "-dc" }, "gzip is not installed here" },
	{ "\xfd\x37zXZ", 5, { "xz", "-dc", "-M1GiB" }, "xz is not installed here" },
	{ "\x28\xb5\x2f\xfd", 4, { "zstd", "-dcq" }, "zstd is not installed here" },
	{ "\x02\x21\x4c\x18", 4, { "lz4", "-dcq" }, "lz4 is not installed here" },
	{ "BZh", 3, { "bzip2", "-dc" }, "bzip2 is not installed here" },
	{ "\x5d\0\0", 3, { "xz", "-dc", "-M1GiB", "-Flzma" }, "xz is not installed here" },
	{ "\x89LZO", 4, { "lzop", "-dc" }, "lzop is not installed here" },
};

const char *initrd_name(enum initrd_maker maker)
{
	static const char *const names[] = {
		[INITRD_UNKNOWN] = "an unknown maker",
		[INITRD_ROOTSTOCK] = "rootstock-mkinitramfs",
		[INITRD_DRACUT] = "dracut",
		[INITRD_TOOLS] = "initramfs-tools",
		[INITRD_SYSTEMD] = "a maker that uses systemd",
	};

	return names[maker];
}

static bool get(struct stream *stream, void *bytes, size_t size)
{
	if (size > stream->left)
		return false;
	stream->left -= size;
	return fread(bytes, 1, size, stream->file) == size;
}

static bool skip(struct stream *stream, size_t size)
{
	char bytes[4096];

	for (; size > sizeof bytes; size -= sizeof bytes)
		if (!get(stream, bytes, sizeof bytes))
			return false;
	return get(stream, bytes, size);
}

static size_t field(const char *header, unsigned number)
{
	char digits[9] = "";

	memcpy(digits, header + 6 + (size_t)8 * number, 8);
	return strtoul(digits, NULL, 16);
}

static size_t padding(size_t size)
{
	return -size & 3;
}

static bool begins(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

static bool ends(const char *name, const char *suffix)
{
	size_t length = strlen(name), end = strlen(suffix);

	return length >= end && !strcmp(name + length - end, suffix);
}

/* The first system that is recognized counts: dracut has systemd in it too. */
static void take_maker(struct initrd *initrd, const char *name)
{
	static const struct {
		const char *name;
		bool prefix;
		enum initrd_maker maker;
	} marks[] = {
		{ "scripts/functions", false, INITRD_TOOLS },
		{ "usr/lib/dracut/", true, INITRD_DRACUT },
		{ "lib/dracut/", true, INITRD_DRACUT },
		{ "usr/lib/systemd/systemd", false, INITRD_SYSTEMD },
		{ "lib/systemd/systemd", false, INITRD_SYSTEMD },
	};

	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (marks[i].prefix ? begins(name, marks[i].name) : !strcmp(name, marks[i].name))
			if (initrd->maker == INITRD_UNKNOWN || initrd->maker == INITRD_SYSTEMD)
				initrd->maker = marks[i].maker;
}

static void take_module(struct initrd *initrd, const char *name)
{
	static const char above[] = "lib/modules/";

	if (!modules_add(&initrd->modules, name))
		return;
	name += begins(name, "usr/") ? strlen("usr/") : 0;
	if (begins(name, above) && !*initrd->release) {
		size_t length = strcspn(name += strlen(above), "/");

		if (length < sizeof initrd->release)
			memcpy(initrd->release, name, length);
	}
}

/* Returns false at the end of what can be read. */
static bool take_init(struct initrd *initrd, struct stream *stream, size_t *size)
{
	static const char mark[] = "rootstock-init (rootstock)";
	size_t part = *size < INIT_MAX ? *size : INIT_MAX;
	char *bytes = malloc(part + 1);
	bool whole = bytes && get(stream, bytes, part);

	if (whole && memmem(bytes, part, mark, strlen(mark))) {
		initrd->maker = INITRD_ROOTSTOCK;
		initrd->ostree = true;
	}
	free(bytes);
	*size -= part;
	return whole;
}

static bool take_file(struct initrd *initrd, struct stream *stream, const char *name, size_t size)
{
	name += strspn(name, "./");
	take_maker(initrd, name);
	take_module(initrd, name);
	initrd->ostree |= ends(name, "/ostree-prepare-root");
	initrd->shell |= !strcmp(name, "bin/sh") || !strcmp(name, "usr/bin/sh");
	if (!strcmp(name, "init") && size && !take_init(initrd, stream, &size))
		return false;
	return skip(stream, size);
}

/* Reads one member of an archive after its magic number. Returns false if no more can be read. */
static bool read_member(struct initrd *initrd, struct stream *stream, char header[HEADER_SIZE])
{
	char name[NAME_MAX_SIZE];
	size_t name_size, size;

	if (!get(stream, header + 6, HEADER_SIZE - 6))
		return false;
	size = field(header, 6);
	name_size = field(header, 11);
	if (!name_size || name_size > sizeof name || !get(stream, name, name_size) ||
		name[name_size - 1] || !skip(stream, padding(HEADER_SIZE + name_size)))
		return false;
	if (!strcmp(name, "TRAILER!!!"))
		return true;
	return take_file(initrd, stream, name, size) && skip(stream, padding(size));
}

static void set_damaged(struct initrd *initrd, const char *unread)
{
	initrd->unread = unread;
	initrd->remedy = "make the initramfs again";
}

/* Reads archives until something else follows; its first bytes, count of them, are in header. */
static size_t read_archives(struct initrd *initrd, struct stream *stream, char header[HEADER_SIZE])
{
	for (;;) {
		size_t count = 0;
		int c = 0;

		for (; !c && stream->left; stream->left--)
			c = getc(stream->file);
		if (!c || c == EOF)
			return 0;
		header[count++] = (char)c;
		while (count < 6 && get(stream, header + count, 1))
			count++;
		if (count < 6 || (memcmp(header, "070701", 6) != 0 && memcmp(header, "070702", 6)))
			return count;
		if (!read_member(initrd, stream, header)) {
			set_damaged(initrd,
				feof(stream->file)
					? "it is cut short"
					: "it is damaged, or has more than 1 GiB when it is unpacked");
			return 0;
		}
	}
}

static bool open_program(const struct packing *packing, int fd, struct stream *ret_stream)
{
	posix_spawn_file_actions_t actions;
	int ends_of_pipe[2], err = -1;

	*ret_stream = (struct stream){ .left = BYTES_MAX };
	if (pipe2(ends_of_pipe, O_CLOEXEC) < 0)
		return false;
	ret_stream->file = fdopen(ends_of_pipe[0], "r");
	if (!posix_spawn_file_actions_init(&actions)) {
		if (!posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO) &&
			!posix_spawn_file_actions_adddup2(
				&actions, ends_of_pipe[1], STDOUT_FILENO) &&
			!posix_spawn_file_actions_addopen(
				&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0))
			err = posix_spawnp(&ret_stream->program, packing->argv[0], &actions, NULL,
				(char **)packing->argv, environ);
		(void)posix_spawn_file_actions_destroy(&actions);
	}
	close(ends_of_pipe[1]);
	if (!err && ret_stream->file)
		return true;
	if (ret_stream->file)
		(void)fclose(ret_stream->file);
	else
		close(ends_of_pipe[0]);
	return false;
}

/* Reads what a program unpacks from the offset on. */
static void read_packed(struct initrd *initrd, int fd, off_t offset, const struct packing *packing)
{
	struct stream stream;
	char header[HEADER_SIZE];
	int status;
	bool whole;

	if (lseek(fd, offset, SEEK_SET) < 0 || !open_program(packing, fd, &stream)) {
		initrd->unread = packing->missing;
		initrd->remedy = "install it";
		return;
	}
	(void)read_archives(initrd, &stream, header);
	/* Only if all was read, the program's own status counts. */
	whole = feof(stream.file);
	if (!whole)
		(void)kill(stream.program, SIGKILL);
	if (waitpid(stream.program, &status, 0) == stream.program && whole && status)
		set_damaged(initrd, "it is damaged");
	(void)fclose(stream.file);
}

void initrd_take(FILE *file, struct initrd *initrd)
{
	struct stream stream = { .file = file, .left = BYTES_MAX };
	char header[HEADER_SIZE];
	size_t count = read_archives(initrd, &stream, header);
	off_t offset = ftello(file) - (off_t)count;

	for (size_t i = 0; i < sizeof packings / sizeof *packings; i++)
		if (count >= packings[i].size &&
			!memcmp(header, packings[i].magic, packings[i].size)) {
			read_packed(initrd, fileno(file), offset, &packings[i]);
			return;
		}
	if (count)
		set_damaged(initrd, "its format is not known");
}

static void read_file(int boot_fd, const char *path, struct initrd *initrd)
{
	char resolved[PATH_MAX];
	int err = path_resolve(boot_fd, path, PATH_BENEATH, resolved);
	int fd = err < 0 ? err : file_open(boot_fd, resolved);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (file) {
		initrd_take(file, initrd);
		(void)fclose(file);
	} else if (fd >= 0) {
		close(fd);
	}
}

void initrd_free(struct initrd *initrd)
{
	text_free(&initrd->modules);
	*initrd = (struct initrd){ 0 };
}

/* The archives of an entry, together. */
struct known_initrd {
	char *paths; /* each with a line feed after it */
	struct initrd initrd;
};

static int compare(const void *left, const void *right)
{
	const struct known_initrd *a = left, *b = right;

	return strcmp(a->paths, b->paths);
}

static void release(void *thing)
{
	struct known_initrd *known = thing;

	free(known->paths);
	initrd_free(&known->initrd);
	free(known);
}

const struct initrd *initrd_of(
	void **cache, const struct sysroot *sysroot, const struct entry *entry)
{
	struct known_initrd *fresh = calloc(1, sizeof *fresh);
	const struct known_initrd *known = NULL;
	const struct entry_line *line = NULL;
	struct text paths = { 0 };

	while ((line = entry_next(entry, ENTRY_INITRD, line)))
		text_print(&paths, "%s\n", line->value);
	if (fresh && (fresh->paths = text_string(&paths)))
		known = known_first(cache, fresh, compare);
	else
		text_free(&paths);
	while (known && known == fresh && (line = entry_next(entry, ENTRY_INITRD, line)))
		read_file(sysroot->boot_fd, bootpath_below(line->value, sysroot->prefix),
			&fresh->initrd);
	if (fresh && known != fresh)
		release(fresh);
	return known ? &known->initrd : NULL;
}

void initrd_forget(void *cache)
{
	known_destroy(cache, release);
}

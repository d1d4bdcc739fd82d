/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/initrd.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bls/bootpath.h"
#include "bls/check/known.h"
#include "bls/check/modules.h"
#include "bls/check/stream.h"
#include "bls/file.h"
#include "prepare-root/tree.h"

enum {
	NAME_MAX_SIZE = 4096, /* the kernel leaves out what is longer */
	HEADER_SIZE = 110,
	UIMAGE_SIZE = 64,
	INIT_MAX = 1 << 20,
	MODULES_MAX = 8 << 20,
	TRIES = 16, /* see find_next() */
};

static const struct packing {
	const char *magic;
	size_t size;
	const char *argv[5];
	const char *missing;
	int ignored; /* the exit status if something else follows */
} packings[] = {
	{ "\x1f\x8b\x08", 3, { "gzip", "-dc" }, "gzip is not installed here", 2 },
	{ "\xfd\x37zXZ", 6, { "xz", "-dc", "-M1GiB" }, "xz is not installed here", -1 },
	{ "\x28\xb5\x2f\xfd", 4, { "zstd", "-dcq" }, "zstd is not installed here", -1 },
	{ "\x02\x21\x4c\x18", 4, { "lz4", "-dcq" }, "lz4 is not installed here", -1 },
	{ "BZh", 3, { "bzip2", "-dc" }, "bzip2 is not installed here", 0 },
	{ "\x5d\0\0", 3, { "xz", "-dc", "-M1GiB", "-Flzma" }, "xz is not installed here", -1 },
	{ "\x89LZO", 4, { "lzop", "-dc" }, "lzop is not installed here", 2 },
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

#define WHOSE "the initramfs' /"

static const char *const confs[INITRD_CONFS] = { WHOSE "etc/ostree/prepare-root.conf",
	WHOSE "usr/lib/ostree/prepare-root.conf" };

const char *initrd_conf(size_t number)
{
	return confs[number];
}

/* The first reason counts. */
static void set_unread(struct initrd *initrd, const char *why)
{
	if (initrd->unread)
		return;
	initrd->unread = why;
	initrd->remedy = "make the initramfs again";
}

static void set_damaged(struct initrd *initrd, const char *why)
{
	set_unread(initrd, "");
	if (*initrd->unread)
		return;
	initrd->damage = why;
}

static void set_limited(struct initrd *initrd)
{
	set_unread(initrd, "what all of them have together, unpacked, is too much to be read");
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

static void add_maker(struct initrd *initrd, enum initrd_maker maker)
{
	if (initrd->maker == INITRD_UNKNOWN || initrd->maker == INITRD_SYSTEMD)
		initrd->maker = maker;
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
		{ "squash-root.img", false, INITRD_DRACUT },
		{ "squashfs-root.img", false, INITRD_DRACUT },
		{ "erofs-root.img", false, INITRD_DRACUT },
		{ "usr/lib/systemd/systemd", false, INITRD_SYSTEMD },
		{ "lib/systemd/systemd", false, INITRD_SYSTEMD },
	};

	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (marks[i].prefix ? begins(name, marks[i].name) : !strcmp(name, marks[i].name))
			add_maker(initrd, marks[i].maker);
}

static void take_module(struct initrd *initrd, const char *name)
{
	static const char above[] = "lib/modules/";

	if (initrd->modules.size > MODULES_MAX) {
		set_unread(initrd, "it has more kernel modules than any kernel");
		return;
	}
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
	bool whole = bytes && stream_get(stream, bytes, part);

	if (whole && memmem(bytes, part, mark, strlen(mark))) {
		initrd->maker = INITRD_ROOTSTOCK;
		initrd->ostree = true;
	}
	free(bytes);
	*size -= part;
	return whole;
}

/* bytes is set for an empty file too. */
static void set_conf(struct text *conf, const char *bytes, size_t size)
{
	text_cut(conf, 0);
	text_add_bytes(conf, bytes, size);
	(void)text_string(conf);
	text_cut(conf, size);
}

/* Likewise. Keeps a file with settings. */
static bool take_conf(struct initrd *initrd, struct stream *stream, struct text *conf, size_t *size)
{
	static char bytes[TREE_FILE_MAX];

	if (*size >= sizeof bytes) {
		set_unread(initrd, "its prepare-root.conf is larger than 64 KiB");
		return true;
	}
	if (!stream_get(stream, bytes, *size))
		return false;
	set_conf(conf, bytes, *size);
	*size = 0;
	return true;
}

struct member {
	const char *name; /* without "/" at its beginning */
	mode_t mode;
	bool first; /* of the names of a file with several, and so without its content */
	size_t size;
};

static bool take_file(struct initrd *initrd, struct stream *stream, struct member *file)
{
	const char *name = file->name;

	take_maker(initrd, name);
	take_module(initrd, name);
	initrd->ostree |= ends(name, "/ostree-prepare-root");
	initrd->shell |= !strcmp(name, "bin/sh") || !strcmp(name, "usr/bin/sh");
	initrd->nested |= ends(name, "-root.img");
	for (size_t i = 0; i < INITRD_CONFS; i++)
		if (!strcmp(name, confs[i] + strlen(WHOSE)) && S_ISREG(file->mode) &&
			!file->first && !take_conf(initrd, stream, &initrd->confs[i], &file->size))
			return false;
	if (!strcmp(name, "init")) {
		initrd->init = file->mode;
		if (file->size && !take_init(initrd, stream, &file->size))
			return false;
	}
	return stream_skip(stream, file->size);
}

/* Reads one member of an archive. Returns false if no more can be read. */
static bool read_member(struct initrd *initrd, struct stream *stream)
{
	char header[HEADER_SIZE], name[NAME_MAX_SIZE];
	struct member file = { 0 };
	size_t name_size, size;

	if (!stream_get(stream, header, sizeof header))
		return false;
	size = field(header, 6);
	name_size = field(header, 11);
	if (!name_size || name_size > sizeof name)
		return stream_skip(stream, name_size) &&
		       stream_skip(stream, padding(HEADER_SIZE + name_size)) &&
		       stream_skip(stream, size) && stream_skip(stream, padding(size));
	if (!stream_get(stream, name, name_size) || name[name_size - 1] ||
		!stream_skip(stream, padding(HEADER_SIZE + name_size)))
		return false;
	if (!strcmp(name, "TRAILER!!!"))
		return true;
	file.name = name + strspn(name, "./");
	file.mode = (mode_t)field(header, 1);
	file.size = size;
	file.first = !size && field(header, 4) > 1;
	return take_file(initrd, stream, &file) && stream_skip(stream, padding(size));
}

/* How archives end. */
enum end {
	END_WHOLE,
	END_CUT,
	END_OTHER, /* something else follows */
};

static enum end read_archives(struct initrd *initrd, struct stream *stream, bool *ret_any)
{
	static const char magic[] = "070701", with_sum[] = "070702";
	const size_t length = strlen(magic);

	*ret_any = false;
	while (stream_skip_zeros(stream)) {
		size_t count = stream_peek(stream, length);
		const char *bytes = stream->bytes + stream->first;

		if (count < length && !memcmp(bytes, magic, count))
			return END_CUT;
		if (count < length ||
			(memcmp(bytes, magic, length) != 0 && memcmp(bytes, with_sum, length) != 0))
			return END_OTHER;
		if (!read_member(initrd, stream))
			return END_CUT;
		*ret_any = true;
	}
	return END_WHOLE;
}

static const struct packing *find_packing(const char *bytes, size_t count)
{
	for (size_t i = 0; i < sizeof packings / sizeof *packings; i++)
		if (count >= packings[i].size &&
			!memcmp(bytes, packings[i].magic, packings[i].size))
			return &packings[i];
	return NULL;
}

/* The file that is read. */
struct source {
	int fd;
	off_t end;   /* of what the kernel unpacks */
	bool padded; /* something follows that it knows, zeros or its boot configuration */
	uint64_t *used;
};

static bool is_header(const char *bytes, size_t count)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	if (count < HEADER_SIZE || memcmp(bytes, "07070", 5) != 0)
		return false;
	for (size_t i = 0; i < HEADER_SIZE; i++)
		if (!memchr(digits, bytes[i], sizeof digits - 1))
			return false;
	return true;
}

/* Leaves out bytes that are ready and begin nothing. */
static void skip_inside(struct stream *stream)
{
	static bool begins_any[UCHAR_MAX + 1];
	const char *bytes = stream->bytes + stream->first;
	size_t size = 0;

	begins_any['0'] = true;
	for (size_t i = 0; i < sizeof packings / sizeof *packings; i++)
		begins_any[(unsigned char)*packings[i].magic] = true;
	while (size < stream->count && !begins_any[(unsigned char)bytes[size]])
		size++;
	(void)stream_skip(stream, size);
}

/* True if an archive comes out. */
static bool has_archive(const struct source *source, const struct packing *packing, off_t at)
{
	static struct stream stream;
	bool found;

	if (!stream_unpack(&stream, packing->argv, source->fd, at, source->end, source->used))
		return false;
	found = stream_peek(&stream, 6) >= 6 && !memcmp(stream.bytes, "07070", 5);
	(void)stream_close(&stream);
	return found;
}

/* The programs do not tell where packed data ends. So the next archive is searched: a header, or a
 * magic number after which there is an archive. Only the kernel's own alignment is tried for the
 * first. Returns the end if there is none. */
static off_t find_next(const struct source *source, off_t from)
{
	static struct stream stream;
	int tries = TRIES;

	stream_open(&stream, source->fd, from, source->end, source->used);
	for (size_t count; tries && stream_peek(&stream, 1); (void)stream_skip(&stream, 1)) {
		const struct packing *packing;
		const char *bytes;
		off_t at;

		skip_inside(&stream);
		count = stream_peek(&stream, HEADER_SIZE);
		if (!count)
			break;
		bytes = stream.bytes + stream.first;
		at = stream_offset(&stream);
		if (!(at & 3) && *bytes == '0' && is_header(bytes, count))
			return at;
		packing = find_packing(bytes, count);
		if (!packing)
			continue;
		if (has_archive(source, packing, at))
			return at;
		tries--;
	}
	return source->end;
}

/* The kernel's decoder knows these checks only (Documentation/staging/xz.rst). */
static bool xz_unknown(const char *bytes, size_t count)
{
	return count > 7 && !memcmp(bytes, "\xfd\x37zXZ", 6) && (bytes[7] & 0xf) > 1;
}

/* Something follows that is no archive: the kernel stops there, with a message. */
static void take_other(struct initrd *initrd, const char *bytes, size_t count)
{
	if (count >= 4 && !memcmp(bytes, "\xd0\x0d\xfe\xed", 4))
		set_unread(initrd, "it is a FIT");
	else if (initrd->init)
		set_unread(initrd, "something that the kernel does not know follows /init");
	else
		set_damaged(initrd, "the kernel does not know its format");
}

static void set_missing(struct initrd *initrd, const struct packing *packing)
{
	set_unread(initrd, packing->missing);
	initrd->remedy = "install it";
}

/* Judges how a program has ended after whole archives. Returns where to go on. */
static off_t after_program(struct initrd *initrd, const struct source *source,
	const struct packing *packing, off_t at, int status)
{
	off_t next;

	if (!status && packing->ignored)
		return source->end;
	next = find_next(source, at + 1);
	if (next < source->end || source->padded ||
		(WIFEXITED(status) && WEXITSTATUS(status) == packing->ignored))
		return next;
	set_damaged(initrd, "it is damaged");
	return next;
}

/* Reads what a program unpacks from the offset on. Returns where to go on. */
static off_t read_packed(
	struct initrd *initrd, const struct source *source, const struct packing *packing, off_t at)
{
	static struct stream stream;
	enum end end;
	bool any;
	int status;

	if (!stream_unpack(&stream, packing->argv, source->fd, at, source->end, source->used)) {
		set_missing(initrd, packing);
		return source->end;
	}
	end = read_archives(initrd, &stream, &any);
	status = stream_close(&stream);
	if (stream.limited)
		set_limited(initrd);
	else if (WIFSIGNALED(status))
		set_unread(initrd, "the program that unpacks it was killed");
	else if (end == END_OTHER)
		take_other(initrd, "", 0);
	else if (end == END_CUT || (!any && status))
		set_damaged(initrd, status ? "it is damaged" : "it is cut short");
	else
		return after_program(initrd, source, packing, at, status);
	return source->end;
}

/* Reads all archives from the offset on. */
static void read_source(struct initrd *initrd, const struct source *source, off_t at)
{
	static struct stream stream;

	while (at < source->end && !initrd->unread) {
		const char *bytes;
		const struct packing *packing;
		enum end end;
		size_t count;
		bool any;

		stream_open(&stream, source->fd, at, source->end, source->used);
		end = read_archives(initrd, &stream, &any);
		if (stream.limited)
			set_limited(initrd);
		else if (end == END_CUT)
			set_damaged(initrd, "it is cut short");
		if (stream.limited || end != END_OTHER)
			return;
		count = stream_peek(&stream, 8);
		bytes = stream.bytes + stream.first;
		packing = find_packing(bytes, count);
		at = stream_offset(&stream);
		if (!packing) {
			take_other(initrd, bytes, count);
		} else if (xz_unknown(bytes, count)) {
			set_unread(initrd, "");
			initrd->format = "its xz has a check that the kernel does not know";
			initrd->remedy = "pack it with xz --check=crc32";
		} else {
			at = read_packed(initrd, source, packing, at);
		}
	}
}

/* Leaves out the boot configuration at the end, as the kernel does
 * (Documentation/admin-guide/bootconfig.rst). */
static void drop_bootconfig(struct source *source)
{
	static const char magic[] = "#BOOTCONFIG\n";
	char bytes[8 + sizeof magic - 1 + 3];
	off_t at = source->end - (off_t)sizeof bytes;
	const char *found;
	uint32_t size;

	if (at < 0 || pread(source->fd, bytes, sizeof bytes, at) != (ssize_t)sizeof bytes)
		return;
	source->padded = !bytes[sizeof bytes - 1];
	found = memmem(bytes + 8, sizeof bytes - 8, magic, strlen(magic));
	if (!found)
		return;
	memcpy(&size, found - 8, sizeof size);
	at += found - bytes - 8 - (off_t)le32toh(size);
	if (at < 0)
		return;
	source->end = at;
	source->padded = true;
}

/* Leaves out U-Boot's legacy header (include/image.h there). */
static off_t take_uimage(struct initrd *initrd, struct source *source)
{
	char bytes[16];
	uint32_t size;
	off_t end;

	if (pread(source->fd, bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes ||
		memcmp(bytes, "\x27\x05\x19\x56", 4) != 0)
		return 0;
	initrd->uimage = true;
	memcpy(&size, bytes + 12, sizeof size);
	end = UIMAGE_SIZE + (off_t)be32toh(size);
	if (end > source->end)
		set_damaged(initrd, "it is cut short");
	else
		source->end = end;
	return UIMAGE_SIZE;
}

void initrd_take(int fd, uint64_t *used, struct initrd *initrd)
{
	struct source source = { .fd = fd, .used = used };
	struct stat st;
	off_t at;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !st.st_size) {
		set_unread(initrd, "");
		return;
	}
	source.end = st.st_size;
	at = take_uimage(initrd, &source);
	drop_bootconfig(&source);
	read_source(initrd, &source, at);
}

void initrd_free(struct initrd *initrd)
{
	text_free(&initrd->modules);
	for (size_t i = 0; i < INITRD_CONFS; i++)
		text_free(&initrd->confs[i]);
	*initrd = (struct initrd){ 0 };
}

/* One file. */
struct known_file {
	dev_t device;
	ino_t inode;
	struct initrd initrd;
};

static int compare(const void *left, const void *right)
{
	const struct known_file *a = left, *b = right;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	return a->inode == b->inode ? 0 : a->inode < b->inode ? -1 : 1;
}

static void release(void *thing)
{
	struct known_file *known = thing;

	initrd_free(&known->initrd);
	free(known);
}

/* What a file has; NULL without memory. */
static const struct initrd *file_of(struct initrds *initrds, int fd)
{
	struct known_file *fresh = calloc(1, sizeof *fresh);
	const struct known_file *known;
	struct stat st;

	if (!fresh || fstat(fd, &st) < 0) {
		free(fresh);
		return NULL;
	}
	fresh->device = st.st_dev;
	fresh->inode = st.st_ino;
	known = known_first(&initrds->files, fresh, compare);
	if (known == fresh)
		initrd_take(fd, &initrds->used, &fresh->initrd);
	else
		free(fresh);
	return known ? &known->initrd : NULL;
}

/* Adds what the next file of an entry has. */
static void add_file(struct initrd *all, const struct initrd *file)
{
	if (file->maker == INITRD_ROOTSTOCK)
		all->maker = file->maker;
	else if (file->maker != INITRD_UNKNOWN)
		add_maker(all, file->maker);
	all->init = file->init ? file->init : all->init;
	all->ostree |= file->ostree;
	all->shell |= file->shell;
	all->nested |= file->nested;
	all->uimage |= file->uimage;
	if (!*all->release)
		memcpy(all->release, file->release, sizeof all->release);
	if (all->modules.size + file->modules.size <= 2 * (size_t)MODULES_MAX)
		text_add_bytes(&all->modules, file->modules.bytes, file->modules.size);
	else
		set_unread(all, "it has more kernel modules than any kernel");
	all->modules.failed |= file->modules.failed;
	for (size_t i = 0; i < INITRD_CONFS; i++)
		if (file->confs[i].bytes)
			set_conf(&all->confs[i], file->confs[i].bytes, file->confs[i].size);
	if (all->damage || all->format || !file->unread || (all->unread && *file->unread))
		return;
	all->unread = file->unread;
	all->damage = file->damage;
	all->format = file->format;
	all->remedy = file->remedy;
}

/* Returns false without memory. */
static bool add_path(struct initrds *initrds, int boot_fd, const char *path)
{
	int fd = file_open_beneath(boot_fd, path);
	const struct initrd *file;

	if (fd >= 0) {
		file = file_of(initrds, fd);
		close(fd);
		if (file)
			add_file(&initrds->current, file);
		return file;
	}
	if (fd == -EACCES || fd == -EPERM) {
		set_unread(&initrds->current, "only root may read it");
		initrds->current.remedy = "check as root";
	} else {
		set_unread(&initrds->current, "");
	}
	return true;
}

const struct initrd *initrd_of(
	struct initrds *initrds, const struct sysroot *sysroot, const struct entry *entry)
{
	const struct entry_line *line = NULL;

	initrd_free(&initrds->current);
	while ((line = entry_next(entry, ENTRY_INITRD, line)))
		if (!add_path(initrds, sysroot->boot_fd,
			    bootpath_below(line->value, sysroot->prefix)))
			return NULL;
	return &initrds->current;
}

void initrd_forget(struct initrds *initrds)
{
	initrd_free(&initrds->current);
	known_destroy(initrds->files, release);
}

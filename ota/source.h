/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source: a root file system that is to be converted, as a sequence of entries.
 *
 * A source is a directory, a tar of any compression, "-" for a tar on standard input, or a disk
 * image. It is read once, from its beginning to its end, without a mount and without privileges, and
 * it is not trusted: what cannot be kept as it is ends the reading with a sentence.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

struct source_entry {
	/* From the root, without "/" or "./" at the beginning and "/" at the end; "" is the root.
	 * Valid UTF-8, without empty components, "." and "..". */
	const char *path;
	mode_t mode; /* type and permissions, as st_mode */
	guint32 uid, gid;
	GVariant *xattrs;   /* of the type a(ayay), sorted by name, each name once */
	const char *target; /* of a symlink; else NULL */
	const char *
		hardlink; /* the path of an earlier entry, of which this is another name; else NULL */
	guint64 size;	  /* of a regular file */
	gint64 mtime;	  /* seconds since 1970 */
};

/* Receives the entries. */
struct source_sink {
	/* content is an open file with the bytes of a regular file that is not a hard link, to be
	 * read from its beginning; else -1. The source closes it. False ends the reading. */
	gboolean (*take)(
		void *context, const struct source_entry *entry, int content, GError **error);
	void *context;
};

/* Reads a whole source. A directory's entry may come after those in it, or be missing. */
gboolean source_read(const char *path, const struct source_sink *sink, GError **error);

/* --- for the readers of each kind ---------------------------------------------------------------- */

/* False, with a sentence, unless the path is as struct source_entry promises. */
gboolean source_check_path(const char *path, GError **error);

/* Removes "/" and "./" at the beginning and "/" at the end. */
char *source_trim(const char *path);

/* Collects the extended attributes of one entry, in any order; the last value of a name counts. */
GTree *source_xattrs_new(void);
void source_xattrs_add(GTree *xattrs, const char *name, const void *value, gsize size);
/* The variant for struct source_entry. Frees the tree. */
GVariant *source_xattrs_end(GTree *xattrs);

/* A new file without a name: in memory for a small size, else in TMPDIR. Returns -1 with *error. */
int source_scratch(guint64 size, GError **error);

gboolean source_read_directory(const char *path, const struct source_sink *sink, GError **error);
gboolean source_read_tar(const char *path, const struct source_sink *sink, GError **error);

/* A disk with a GPT or MBR, or a single ext2, ext3 or ext4, in a regular file or block device. Of a
 * disk, the partition with an ext4 that has usr/ is the root; a FAT or ext4 with a kernel in it, if
 * there is one, is its boot/. */
gboolean source_read_image(const char *path, const struct source_sink *sink, GError **error);

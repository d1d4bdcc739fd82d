/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints the entries of a source, one a line. */
#include "ota/source.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char type_of(mode_t mode)
{
	static const struct {
		mode_t type;
		char letter;
	} types[] = { { S_IFREG, '-' }, { S_IFDIR, 'd' }, { S_IFLNK, 'l' }, { S_IFCHR, 'c' },
		{ S_IFBLK, 'b' }, { S_IFIFO, 'p' }, { S_IFSOCK, 's' } };

	for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
		if ((mode & S_IFMT) == types[i].type)
			return types[i].letter;
	return '?';
}

static void print_name(const char *before, const char *name)
{
	g_autofree char *escaped = name ? g_strescape(name, NULL) : NULL;

	if (escaped)
		printf("%s%s", before, escaped);
}

static void print_xattrs(GVariant *xattrs)
{
	for (gsize i = 0; i < g_variant_n_children(xattrs); i++) {
		const char *name;
		g_autoptr(GVariant) value = NULL;
		const guint8 *bytes;
		gsize size;

		g_variant_get_child(xattrs, i, "(^&ay@ay)", &name, &value);
		bytes = g_variant_get_fixed_array(value, &size, 1);
		print_name(" ", name);
		printf("=");
		for (gsize k = 0; k < size; k++)
			printf("%02x", bytes[k]);
	}
}

static void print_content(int content)
{
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	guint8 bytes[1 << 16];
	ssize_t n;

	while ((n = read(content, bytes, sizeof bytes)) > 0)
		g_checksum_update(checksum, bytes, n);
	printf(" sha256=%s", n < 0 ? "unreadable" : g_checksum_get_string(checksum));
}

static gboolean take(void *context, const struct source_entry *entry, int content, GError **error)
{
	(void)context;
	(void)error;
	printf("%c %04o %u:%u %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT, type_of(entry->mode),
		(unsigned int)(entry->mode & 07777), entry->uid, entry->gid, entry->size,
		entry->mtime);
	print_name(" ", entry->path);
	print_name(" -> ", entry->target);
	print_name(" = ", entry->hardlink);
	print_xattrs(entry->xattrs);
	if (content >= 0)
		print_content(content);
	printf("\n");
	return TRUE;
}

int main(int argc, char **argv)
{
	const struct source_sink sink = { take, NULL };
	g_autoptr(GError) error = NULL;

	if (argc != 2) {
		fprintf(stderr, "usage: show-source SOURCE\n");
		return 2;
	}
	if (source_read(argv[1], &sink, &error))
		return 0;
	fprintf(stderr, "%s\n", error->message);
	return 1;
}

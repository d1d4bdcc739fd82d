/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/fdt.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bls/file.h"

enum { HEADER_SIZE = 40, NAME_SIZE = 64, STEPS_MAX = 20000 };

static const char magic[] = "\xd0\x0d\xfe\xed";

/* A place in the structure block. */
struct walk {
	int fd;
	uint64_t at, end, strings;
	unsigned depth;
	bool in_images;
};

static uint32_t big_endian(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

const char *fdt_wrong(int boot_fd, const char *path)
{
	unsigned char header[HEADER_SIZE];
	const char *wrong = NULL;
	struct stat st;
	int fd = file_open_beneath(boot_fd, path);
	ssize_t n;

	if (fd < 0)
		return NULL;
	n = pread(fd, header, sizeof header, 0);
	if (n >= 4 && !memcmp(header, "\x27\x05\x19\x56", 4))
		wrong = NULL;
	else if (n >= 0 && (n < 8 || memcmp(header, magic, 4) != 0))
		wrong = "is not a device tree";
	else if (n >= 8 && !fstat(fd, &st) && big_endian(header + 4) > st.st_size)
		wrong = "is a device tree that is cut short";
	close(fd);
	return wrong;
}

/* Reads a string, of which the first bytes are enough. */
static bool read_name(const struct walk *walk, uint64_t at, char ret_name[NAME_SIZE])
{
	ssize_t n = pread(walk->fd, ret_name, NAME_SIZE - 1, (off_t)at);

	ret_name[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static bool begin_node(struct walk *walk)
{
	char name[NAME_SIZE];
	size_t length;

	if (!read_name(walk, walk->at, name))
		return false;
	length = strlen(name);
	/* A longer one is not allowed. */
	if (length == NAME_SIZE - 1)
		return false;
	if (walk->depth == 1)
		walk->in_images = !strcmp(name, "images");
	walk->at += (length + 4) & ~(size_t)3;
	walk->depth++;
	return true;
}

/* Returns true or false as fdt_has_ramdisk, or -1. */
static int take_property(struct walk *walk)
{
	unsigned char head[8];
	char name[NAME_SIZE], value[NAME_SIZE] = "";
	uint32_t size;

	if (pread(walk->fd, head, sizeof head, (off_t)walk->at) != sizeof head)
		return -1;
	size = big_endian(head);
	if (!read_name(walk, walk->strings + big_endian(head + 4), name))
		return -1;
	if (size && !read_name(walk, walk->at + 8, value))
		return -1;
	walk->at += 8 + (((uint64_t)size + 3) & ~(uint64_t)3);
	return walk->in_images && walk->depth == 3 && !strcmp(name, "type") &&
	       !strcmp(value, "ramdisk");
}

/* Takes one token. Sets *ret_end at the end of the tree. */
static int take_token(struct walk *walk, bool *ret_end)
{
	enum { BEGIN_NODE = 1, END_NODE, PROPERTY, NOTHING, END = 9 };
	unsigned char token[4];

	if (walk->at >= walk->end ||
		pread(walk->fd, token, sizeof token, (off_t)walk->at) != sizeof token)
		return -1;
	walk->at += sizeof token;
	switch (big_endian(token)) {
	case BEGIN_NODE:
		return begin_node(walk) ? 0 : -1;
	case END_NODE:
		return walk->depth-- ? 0 : -1;
	case PROPERTY:
		return take_property(walk);
	case NOTHING:
		return 0;
	case END:
		*ret_end = true;
		return 0;
	default:
		return -1;
	}
}

int fdt_has_ramdisk(int boot_fd, const char *path)
{
	unsigned char header[HEADER_SIZE];
	struct walk walk = { .fd = file_open_beneath(boot_fd, path) };
	bool end = false;
	int found = -1;

	if (walk.fd < 0)
		return -1;
	if (pread(walk.fd, header, sizeof header, 0) == sizeof header &&
		!memcmp(header, magic, 4)) {
		walk.at = big_endian(header + 8);
		walk.end = big_endian(header + 4);
		walk.strings = big_endian(header + 12);
		found = 0;
	}
	for (unsigned i = 0; !found && !end; i++)
		found = i < STEPS_MAX ? take_token(&walk, &end) : -1;
	close(walk.fd);
	return found;
}

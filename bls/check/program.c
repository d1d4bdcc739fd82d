/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/program.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bls/file.h"
#include "prepare-root/path.h"

/* The kernel reads as much of a script's first line (BINPRM_BUF_SIZE), and follows as many
 * interpreters. */
enum { LINE_SIZE = 256, DEPTH_MAX = 5, HEADERS_MAX = 512, NAME_SHOWN = 100 };

/* One file that is executed, and the file that interprets it. */
struct look {
	int fd;
	unsigned char line[LINE_SIZE];
	size_t size;
	char interpreter[PATH_MAX]; /* "" for none */
};

static uint64_t number(const struct look *look, const unsigned char *bytes, size_t size)
{
	bool big = look->line[EI_DATA] == ELFDATA2MSB;
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value << 8 | bytes[big ? i : size - 1 - i];
	return value;
}

/* Returns what is wrong, as the end of a sentence, else NULL. */
static const char *read_interpreter(struct look *look, uint64_t offset, uint64_t size)
{
	if (size < 2 || size > PATH_MAX || offset > INT64_MAX - PATH_MAX ||
		pread(look->fd, look->interpreter, (size_t)size, (off_t)offset) != (ssize_t)size ||
		look->interpreter[size - 1]) {
		look->interpreter[0] = '\0';
		return "is damaged: its interpreter cannot be read";
	}
	return NULL;
}

static const char *look_at_elf(struct look *look)
{
	const bool wide = look->line[EI_CLASS] == ELFCLASS64;
	const size_t entry = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	const unsigned char *header = look->line;
	const uint64_t start = number(look, header + (wide ? 32 : 28), wide ? 8 : 4);
	const uint64_t count = number(look, header + (wide ? 56 : 44), 2);
	unsigned char segment[sizeof(Elf64_Phdr)];

	if (look->size < sizeof(Elf64_Ehdr) || !count)
		return "is damaged: it has no program in it";
	for (uint64_t i = 0; i < count && i < HEADERS_MAX; i++) {
		if (start > INT32_MAX || pread(look->fd, segment, entry,
						 (off_t)(start + i * entry)) != (ssize_t)entry)
			return "is damaged: it ends too early";
		if (number(look, segment, 4) == PT_INTERP)
			return read_interpreter(look,
				number(look, segment + (wide ? 8 : 4), wide ? 8 : 4),
				number(look, segment + (wide ? 32 : 16), wide ? 8 : 4));
	}
	return NULL;
}

static const char *look_at_script(struct look *look)
{
	const char *line = (const char *)look->line + 2;
	size_t length;

	line += strspn(line, " \t");
	length = strcspn(line, " \t\n");
	if (!length)
		return "is a script that names no interpreter";
	memcpy(look->interpreter, line, length);
	look->interpreter[length] = '\0';
	return NULL;
}

static const char *look_at(struct look *look, unsigned *ret_machine)
{
	const ssize_t n = pread(look->fd, look->line, sizeof look->line - 1, 0);

	look->size = n > 0 ? (size_t)n : 0;
	if (n < 0)
		return NULL;
	if (!n)
		return "is empty";
	if (!memcmp(look->line, ELFMAG, SELFMAG)) {
		if (!*ret_machine)
			*ret_machine = (unsigned)number(look, look->line + 18, 2);
		return look_at_elf(look);
	}
	if (!memcmp(look->line, "#!", 2))
		return look_at_script(look);
	/* Of systems without an MMU. */
	if (!memcmp(look->line, "bFLT", 4))
		return NULL;
	return "is neither an ELF program nor a script that begins with #!";
}

/* True for a path in what may be mounted over the tree. */
static bool is_elsewhere(const char *path)
{
	static const char *const tops[] = { "var", "run", "tmp", "dev", "proc", "sys", "sysroot",
		"boot" };
	size_t length = strcspn(path, "/");

	for (size_t i = 0; i < sizeof tops / sizeof *tops; i++)
		if (length == strlen(tops[i]) && !strncmp(path, tops[i], length))
			return true;
	return false;
}

/* Opens a file that is to be executed. Returns a descriptor, or -1 with *ret_wrong set, or left NULL
 * if it is not known. */
static int open_program(int root_fd, const char *path, const char **ret_wrong)
{
	char resolved[PATH_MAX] = "";
	struct stat st;
	int err = path_resolve(root_fd, path, PATH_IN_ROOT, resolved);
	int fd = err < 0 ? err : file_open(root_fd, resolved);

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_mode & 0111)
		return fd;
	if ((fd == -ENOENT || fd == -ENOTDIR) && !is_elsewhere(resolved))
		*ret_wrong = "is not there";
	else if (fd == -ELOOP)
		*ret_wrong = "is not a regular file";
	else if (fd >= 0)
		*ret_wrong = "is not executable";
	if (fd >= 0)
		close(fd);
	return -1;
}

int program_look(int dir_fd, const char *path, int root_fd, struct program *ret_program)
{
	struct look look;
	char name[PATH_MAX];
	const char *wrong = NULL;

	*ret_program = (struct program){ 0 };
	(void)snprintf(name, sizeof name, "%s", path);
	for (unsigned depth = 0; *name && !wrong && depth < DEPTH_MAX; depth++) {
		look = (struct look){ .fd = open_program(depth ? root_fd : dir_fd, name, &wrong) };
		if (look.fd < 0)
			break;
		wrong = look_at(&look, &ret_program->machine);
		close(look.fd);
		if (!wrong)
			strcpy(name, look.interpreter);
	}
	if (!wrong)
		return 0;
	(void)snprintf(
		ret_program->wrong, sizeof ret_program->wrong, "%.*s %s", NAME_SHOWN, name, wrong);
	return -1;
}

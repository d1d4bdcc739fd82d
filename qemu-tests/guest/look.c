/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-tests/guest/look.h"

#include "qemu-tests/guest/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* "ID PARENT MAJ:MIN ROOT TARGET OPTIONS [TAGS...] - TYPE SOURCE SUPER", see proc(5). */
static bool parse(char *line, struct mounted *ret)
{
	char *tail = strstr(line, " - ");
	int tags = 0;

	memset(ret, 0, sizeof *ret);
	if (!tail)
		return false;
	*tail = '\0';
	if (sscanf(line, "%*d %*d %u:%u %255s %255s %255s%n", &ret->maj, &ret->min, ret->root,
		    ret->target, ret->options, &tags) != 5)
		return false;
	snprintf(ret->tags, sizeof ret->tags, "%s", line + tags);
	return sscanf(tail + 3, "%255s %*s %255s", ret->type, ret->super) == 2;
}

void look_mounts(void (*each)(const struct mounted *mounted, void *data), void *data)
{
	FILE *table = fopen("/proc/self/mountinfo", "re");
	char line[1024];

	while (table && fgets(line, sizeof line, table)) {
		struct mounted mounted;

		if (parse(line, &mounted))
			each(&mounted, data);
	}
	if (table)
		fclose(table);
}

struct search {
	const char *target;
	struct mounted *ret;
	bool found;
};

static void compare(const struct mounted *mounted, void *data)
{
	struct search *search = data;

	if (strcmp(mounted->target, search->target) == 0) {
		*search->ret = *mounted;
		search->found = true;
	}
}

bool look_mount(const char *target, struct mounted *ret)
{
	struct search search = { .target = target, .ret = ret };

	look_mounts(compare, &search);
	if (!search.found)
		report_say("%s is not a mount point\n", target);
	return search.found;
}

bool look_has(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (strncmp(at, word, length) == 0 && (at[length] == ',' || !at[length]))
			return true;
	return false;
}

bool look_text(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, ret, size - 1);

	if (fd >= 0)
		close(fd);
	ret[got > 0 ? got : 0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return got >= 0;
}

int look_store(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ssize_t length = (ssize_t)strlen(text);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)length) != length || fsync(fd) < 0)
		error = errno ? -errno : -EIO;
	close(fd);
	return error;
}

int look_run(char *const argv[], char *ret, size_t size)
{
	int pipes[2];
	pid_t child;
	size_t used = 0;
	int status = -1;

	ret[0] = '\0';
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -1;
	child = fork();
	if (child == 0) {
		dup2(pipes[1], 1);
		dup2(pipes[1], 2);
		execv(argv[0], argv);
		_exit(127);
	}
	close(pipes[1]);
	for (ssize_t got = 1; child > 0 && got > 0 && used + 1 < size; used += (size_t)got) {
		got = read(pipes[0], ret + used, size - 1 - used);
		if (got < 0)
			break;
	}
	ret[used] = '\0';
	close(pipes[0]);
	if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

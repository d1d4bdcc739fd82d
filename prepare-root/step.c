/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/step.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "prepare-root/join.h"

/* flags: for mount(2), besides the step's own. */
static const struct {
	const char *verb, *preposition;
	unsigned long flags;
} ops[] = {
	[STEP_MOUNT] = { "mount", "on", MS_SILENT },
	[STEP_BIND] = { "bind", "on", MS_BIND },
	[STEP_MOVE] = { "move", "to", MS_MOVE },
	[STEP_REMOUNT] = { "remount", "", MS_BIND | MS_REMOUNT },
	[STEP_SUPER] = { "remount the file system at", "", MS_REMOUNT | MS_SILENT },
	[STEP_PRIVATE] = { "make private", "", MS_PRIVATE },
	[STEP_SHARED] = { "make shared", "", MS_SHARED },
	[STEP_UMOUNT] = { "unmount", "", 0 },
	[STEP_SWITCH] = { "switch to", "", 0 },
	[STEP_PIVOT] = { "pivot to", "with the old root on its", 0 },
	[STEP_ENTER] = { "enter", "", 0 },
	[STEP_MKDIR] = { "make directory", "", 0 },
	[STEP_RMDIR] = { "remove directory", "", 0 },
	[STEP_WRITE] = { "write", "", 0 },
	[STEP_OPEN_LOG] = { "open the log", "", 0 },
	[STEP_LOG] = { "log", "", 0 },
	[STEP_EXEC] = { "execute", "", 0 },
};

/* The old root goes to a directory relative to the new one, so that one is entered first. */
static int pivot(const struct step *step)
{
	if (chdir(step->source) || syscall(SYS_pivot_root, ".", step->target) || chdir("/"))
		return -1;
	return 0;
}

/* After the move "/" is still the old root; the moved mount can only be reached by its ".". */
static int switch_root(const struct step *step)
{
	if (chdir(step->source) || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") ||
		chdir("/"))
		return -1;
	return 0;
}

static int write_file(const struct step *step)
{
	int fd = open(step->target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	ssize_t put;

	if (fd < 0)
		return -1;
	put = write(fd, step->data, step->size);
	close(fd);
	if (put >= 0 && (size_t)put < step->size) {
		errno = ENOSPC;
		return -1;
	}
	return put < 0 ? -1 : 0;
}

static int execute(const char *path, char **argv)
{
	/* execv() takes a char pointer and does not change the string. */
	argv[0] = (char *)path;
	return execv(path, argv);
}

static int run_one(const struct step *step, char **argv)
{
	switch (step->op) {
	case STEP_UMOUNT:
		return umount2(step->target, MNT_DETACH);
	case STEP_SWITCH:
		return switch_root(step);
	case STEP_PIVOT:
		return pivot(step);
	case STEP_ENTER:
		return chdir(step->target);
	case STEP_MKDIR:
		return mkdir(step->target, (mode_t)step->flags) && errno != EEXIST ? -1 : 0;
	case STEP_RMDIR:
		return rmdir(step->target);
	case STEP_WRITE:
		return write_file(step);
	case STEP_OPEN_LOG:
		log_open(step->target);
		return 0;
	case STEP_LOG:
		log_line(LOG_INFO, step->why);
		return 0;
	case STEP_EXEC:
		return execute(step->target, argv);
	default:
		return mount(step->source ? step->source : step->type, step->target, step->type,
			ops[step->op].flags | step->flags, step->data);
	}
}

int step_run(const struct step *steps, size_t count, char **argv, size_t *ret_done,
	struct fault *ret_fault)
{
	size_t i;
	int err = 0;

	for (i = 0; i < count; i++) {
		const struct step *step = &steps[i];
		const char *what = step->type ? step->type : step->source;

		if (!run_one(step, argv)) {
			i += step->skip;
			continue;
		}
		err = -errno;
		fault(ret_fault, err, "cannot ", ops[step->op].verb, what ? " " : "",
			what ? what : "", what && *ops[step->op].preposition ? " " : "",
			what ? ops[step->op].preposition : "", step->target ? " " : "",
			step->target ? step->target : "", ": ", strerror(-err), "; ",
			step->otherwise ? step->otherwise : step->why, NULL);
		if (!step->otherwise)
			break;
		log_line(LOG_WARNING, ret_fault->sentence);
		err = 0;
	}
	*ret_done = i;
	return err;
}

bool step_try(struct step step)
{
	char *no_arguments[] = { NULL, NULL };

	return !run_one(&step, no_arguments);
}

/* For a remount rw is named too, since that may be its purpose. */
static void describe_flags(const struct step *step, char *ret_text, size_t size)
{
	static const struct {
		unsigned long flag;
		const char *name;
	} names[] = {
		{ MS_RDONLY, "ro" },
		{ MS_NOSUID, "nosuid" },
		{ MS_NODEV, "nodev" },
		{ MS_NOEXEC, "noexec" },
		{ MS_NOATIME, "noatime" },
		{ MS_NODIRATIME, "nodiratime" },
		{ MS_RELATIME, "relatime" },
		{ MS_STRICTATIME, "strictatime" },
		{ MS_NOSYMFOLLOW, "nosymfollow" },
		{ MS_REC, "recursively" },
	};
	bool remount = step->op == STEP_REMOUNT || step->op == STEP_SUPER;
	int used = 0;

	if (remount && !(step->flags & MS_RDONLY))
		used = join(ret_text, size, " rw", NULL);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (step->op != STEP_MKDIR && step->flags & names[i].flag)
			used += join(ret_text + used, size - (size_t)used, used ? "," : " ",
				names[i].name, NULL);
}

static int describe(const struct step *step, char *ret_text, size_t size)
{
	const char *what = step->type ? step->type : step->source;

	return join(ret_text, size, ops[step->op].verb, what ? " " : "", what ? what : "",
		what ? " " : "", what ? ops[step->op].preposition : "", step->target ? " " : "",
		step->target ? step->target : "", NULL);
}

/* Paths come from the disk, and standard output may be a terminal. */
static int print(int fd, const char *line)
{
	char part[512];

	while (*line) {
		size_t len;
		ssize_t put;

		line = log_escape(line, part, sizeof part - 1);
		len = strlen(part);
		if (!*line)
			part[len++] = '\n';
		put = write(fd, part, len);
		if (put != (ssize_t)len)
			return put < 0 ? -errno : -ENOSPC;
	}
	return 0;
}

int step_print(const struct step *steps, size_t count, int fd)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		const struct step *step = &steps[i];
		const char *data = step->size ? NULL : step->data;
		char what[2 * PATH_MAX], flags[128] = "", line[6 * PATH_MAX];

		err = describe(step, what, sizeof what);
		describe_flags(step, flags, sizeof flags);
		if (err >= 0)
			err = join(line, sizeof line, what, flags, data ? " " : "",
				data ? data : "", ": ", step->why,
				step->otherwise ? "; should it fail, " : "",
				step->otherwise ? step->otherwise : "", NULL);
		if (err >= 0)
			err = print(fd, line);
	}
	return err;
}

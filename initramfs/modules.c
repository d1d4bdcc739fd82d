/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/modules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "prepare-root/join.h"
#include "prepare-root/log.h"

static const char order_path[] = "/modules/order";

/* Some hundred modules; the largest images of other tools have four hundred. */
enum { ORDER_MAX = 65536 };

static bool same_letter(char a, char b)
{
	return a == b || ((a == '-' || a == '_') && (b == '-' || b == '_'));
}

/* What follows "MODULE." at the start of name, or NULL. */
static const char *after_module(const char *name, const char *module)
{
	for (; *module; module++, name++)
		if (!same_letter(*name, *module))
			return NULL;
	return *name == '.' && name[1] ? name + 1 : NULL;
}

int modules_parameters(
	const struct cmdline *cmdline, const char *module, char *ret_text, size_t size)
{
	int used = 0;

	ret_text[0] = 0;
	for (size_t i = 0; i < cmdline->count; i++) {
		const struct karg *karg = &cmdline->words[i];
		const char *parameter = after_module(karg->name, module);
		/* The kernel splits parameters as it splits its command line. */
		const char *quote = karg->value && strpbrk(karg->value, " \t") ? "\"" : "";
		int more;

		if (!parameter)
			continue;
		more = join(ret_text + used, size - (size_t)used, used ? " " : "", parameter,
			karg->value ? "=" : "", quote, karg->value ? karg->value : "", quote, NULL);
		if (more < 0) {
			ret_text[0] = 0;
			return more;
		}
		used += more;
	}
	return used;
}

/* True if the text is the name of the module, or an equal one. */
static bool is_name(const char *text, size_t len, const char *module)
{
	size_t i = 0;

	while (i < len && module[i] && same_letter(text[i], module[i]))
		i++;
	return i == len && !module[i];
}

bool modules_listed(const struct cmdline *cmdline, const char *word, const char *module)
{
	for (size_t i = 0; i < cmdline->count; i++) {
		const struct karg *karg = &cmdline->words[i];

		if (!karg->value || !is_name(karg->name, strlen(karg->name), word))
			continue;
		for (const char *name = karg->value; name; name = strchr(name, ',')) {
			name += *name == ',';
			if (is_name(name, strcspn(name, ","), module))
				return true;
		}
	}
	return false;
}

/* parameters are those of the list. */
static int load(
	const char *file, const char *module, const char *parameters, const struct cmdline *cmdline)
{
	/* A word of the command line loses the module's name and gains two quotes at most. */
	static char text[ORDER_MAX + CMDLINE_MAX + 1];
	char path[256];
	int err = 0, fd, used;

	if (join(path, sizeof path, "/modules/", file, NULL) < 0)
		return -ENAMETOOLONG;
	used = join(text, sizeof text, parameters, *parameters ? " " : "", NULL);
	if (used < 0 ||
		modules_parameters(cmdline, module, text + used, sizeof text - (size_t)used) < 0)
		return -E2BIG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = syscall(SYS_finit_module, fd, text, 0) ? -errno : 0;
	close(fd);
	return err == -EEXIST ? 0 : err;
}

static void report(const char *file, const char *why, const char *hint, int level)
{
	log_parts(level, "cannot load the module ", file, ": ", why, hint,
		"; the boot goes on without it", NULL);
}

/* Loads a module of the list, unless the command line blacklists it. */
static void try(const char *file, const char *parameters, const struct cmdline *cmdline)
{
	char module[128];
	int err;

	if (join(module, sizeof module, file, NULL) < 0) {
		report(file, strerror(ENAMETOOLONG), "", LOG_WARNING);
		return;
	}
	module[strcspn(module, ".")] = 0;
	if (modules_listed(cmdline, "modprobe.blacklist", module)) {
		report(file, "modprobe.blacklist= lists it", "", LOG_NOTICE);
		return;
	}
	err = load(file, module, parameters, cmdline);
	if (!err)
		return;
	/* The kernel has refused it. */
	if (err == -EPERM && modules_listed(cmdline, "module_blacklist", module))
		report(file, "module_blacklist= lists it", "", LOG_NOTICE);
	else
		/* ENODEV: this machine does not have the device, which is not a fault. */
		report(file, strerror(-err),
			err == -ENOEXEC || err == -EKEYREJECTED ? "; was it made for this kernel?"
			: err == -ENOENT
				? "; does the image lack a module that it needs, or does modprobe.blacklist= list one?"
				: "",
			err == -ENODEV ? LOG_NOTICE : LOG_WARNING);
}

void modules_load(const struct cmdline *cmdline)
{
	static char order[ORDER_MAX];
	ssize_t used = 0, got = -1;
	int fd = open(order_path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	while ((got = read(fd, order + used, sizeof order - 1 - (size_t)used)) > 0)
		used += got;
	close(fd);
	if (got < 0 || (size_t)used == sizeof order - 1) {
		log_parts(LOG_WARNING, "cannot read ", order_path,
			", the list of modules: ", got < 0 ? strerror(errno) : "it is too long",
			NULL);
	}
	order[used] = 0;
	for (char *file = order, *end; *file; file = end) {
		char *parameters;

		end = file + strcspn(file, "\n");
		if (*end)
			*end++ = 0;
		parameters = file + strcspn(file, " ");
		if (*parameters)
			*parameters++ = 0;
		if (*file)
			try(file, parameters, cmdline);
	}
}

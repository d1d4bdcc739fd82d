/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rootstock-init: /init of an initramfs. Finds the root file system, mounts it and makes it "/", as
 * if the kernel had mounted it. From then on it does what ostree-prepare-root does as process 1, or,
 * without ostree=, only executes the real init.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "initramfs/modules.h"
#include "initramfs/mountroot.h"
#include "initramfs/rootparams.h"
#include "initramfs/search.h"
#include "initramfs/switchroot.h"
#include "initramfs/uevent.h"
#include "initramfs/rootspec.h"
#include "prepare-root/cmdline.h"
#include "prepare-root/facts.h"
#include "prepare-root/log.h"
#include "prepare-root/onfail.h"
#include "prepare-root/pid1.h"
#include "prepare-root/realinit.h"

static const char shell_path[] = "/bin/sh";

static const char usage[] =
	"rootstock-init (rootstock) " VERSION "\n"
	"This is /init of an initramfs, and does nothing unless the kernel starts it as process 1.\n"
	"rootstock-mkinitramfs(8) makes images with it; see rootstock-init(8).\n";

/* Returns a descriptor of the list of block devices, or a negative errno with the sentence set. */
static int open_class(struct fault *ret_fault)
{
	static const char class[] = "/sys/class/block";
	int fd, err = switchroot_mount_sysfs(ret_fault);

	if (err)
		return err;
	fd = open(class, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? fault(ret_fault, -errno, "cannot open ", class, ": ", strerror(errno), NULL)
		      : fd;
}

static int mount_device(struct search *search, const struct rootspec *spec, struct fault *ret_fault)
{
	struct device *device;
	int err;

	search->class = open_class(ret_fault);
	if (search->class < 0)
		return search->class;
	err = search_device(search, spec, &device, ret_fault);
	if (!err) {
		err = mountroot_device(
			search->params, &search->devices, device, SWITCHROOT_DIR, ret_fault);
		device_close(device);
	}
	close(search->class);
	return err;
}

/* root= may be a typo for one of these. */
static void list_devices(struct search *search)
{
	struct fault ignored;

	search->class = open_class(&ignored);
	if (search->class < 0)
		return;
	devices_scan(&search->devices, search->class);
	search_list(search);
	close(search->class);
}

/* Only an attempt to mount it tells whether such a source is ready. */
static int mount_source(struct search *search, const struct rootspec *spec, struct fault *ret_fault)
{
	int err;

	search->class = -1;
	search->trouble = ret_fault->sentence;
	while ((err = mountroot_source(search->params, spec->text, SWITCHROOT_DIR, ret_fault)))
		if (err == -ENODEV || search_wait(search))
			break;
	search->trouble = NULL;
	if (err == -ENOENT || err == -ENOTBLK)
		list_devices(search);
	return err;
}

static int mount_root(const struct rootparams *params, int uevents, struct fault *ret_fault)
{
	static struct search search;
	struct rootspec spec;
	int err;

	if (!params->root)
		return fault(ret_fault, -EINVAL,
			"no root= on the kernel command line: it must say which device has the root file system",
			NULL);
	err = rootspec_parse(params->root, params->fstypes, &spec, ret_fault);
	if (err)
		return err;
	search.params = params;
	search.uevents = uevents;
	search.devices.force_gpt = params->gpt;
	search.devices.dev = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdir(SWITCHROOT_DIR, 0755) && errno != EEXIST)
		return fault(ret_fault, -errno, "cannot make the directory " SWITCHROOT_DIR ": ",
			strerror(errno), NULL);
	return spec.by == ROOTSPEC_SOURCE ? mount_source(&search, &spec, ret_fault)
					  : mount_device(&search, &spec, ret_fault);
}

/* A boot without ostree=: the root file system's own init, and nothing else. */
static int boot_plain(
	const char *init, char **argv, void (*before_init)(void), struct fault *ret_fault)
{
	int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[PATH_MAX];

	init = realinit_choose(root, "the root file system", "", init, path, ret_fault);

	close(root);
	return init ? realinit_execute(init, argv, before_init, ret_fault) : -ENOENT;
}

/* Returns only if the boot has failed. */
static int boot(char **argv, bool console, struct onfail *ret_onfail, struct fault *ret_fault)
{
	static struct cmdline cmdline;
	static struct rootparams params;
	void (*before_init)(void) = switchroot_free_initramfs;
	int uevents, proc, err;

	err = switchroot_mount_early(ret_fault);
	if (err)
		return err;
	proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = facts_cmdline(proc, &cmdline, ret_fault);
	close(proc);
	if (err)
		return err;
	rootparams_parse(&cmdline, &params);
	log_console(params.console_level);
	*ret_onfail = onfail_choose(cmdline.onfail, console && !access(shell_path, X_OK));
	/* The initramfs must stay for the shell, in case that init cannot be executed. */
	if (ret_onfail->action == ONFAIL_SHELL)
		before_init = NULL;

	/* First, so that no device appears unnoticed. */
	uevents = uevent_open();
	modules_load(&cmdline);
	err = mount_root(&params, uevents, ret_fault);
	if (uevents >= 0)
		close(uevents);
	if (!err)
		err = switchroot_enter(ret_fault);
	if (err)
		return err;

	if (cmdline.init && cmdline_names_prepare_root(cmdline.init)) {
		log_line(LOG_WARNING,
			"init= names ostree-prepare-root, which is for a boot without initramfs: executing the deployment's own init");
		cmdline.init = NULL;
	}
	return rootparams_wants_deployment(&cmdline, "/ostree")
		       ? pid1_boot(&cmdline, switchroot_initramfs(), argv, before_init, ret_fault)
		       : boot_plain(cmdline.init, argv, before_init, ret_fault);
}

/* Starts the shell. Returns its process, or -1. */
static pid_t start_shell(void)
{
	int report[2], err = 0;
	pid_t shell;

	/* exec closes it, so read() returns the error number or nothing. */
	if (pipe2(report, O_CLOEXEC))
		return -1;
	shell = fork();
	if (!shell) {
		setsid();
		execl(shell_path, "sh", (char *)NULL);
		err = errno;
		(void)!write(report[1], &err, sizeof err);
		_exit(127);
	}
	close(report[1]);
	if (shell > 0 && read(report[0], &err, sizeof err) > 0)
		shell = -1;
	close(report[0]);
	return shell;
}

/* Returns if there can be no shell. */
static void run_shell(const struct fault *why, const char *self, char **argv)
{
	struct fault ignored;
	pid_t shell;

	log_line(LOG_ERR, why->sentence);
	switchroot_return();
	switchroot_mount_early(&ignored);
	switchroot_mount_sysfs(&ignored);
	log_line(LOG_ERR,
		"a shell in the initramfs, as rootstock.onfail= says: dmesg shows more, exit starts over, reboot -f restarts the machine");
	shell = start_shell();
	if (shell < 0) {
		log_line(LOG_ERR, "cannot start the shell: using panic");
		return;
	}
	/* Other processes are reaped here too. */
	while (wait(NULL) != shell)
		;
	/* After a hangup of the console each shell exits at once. */
	sleep(1);
	argv[0] = (char *)self;
	execv(self, argv);
}

int main(int argc, char **argv)
{
	struct onfail onfail = { .action = ONFAIL_PANIC };
	const char *self = argv[0];
	struct fault fault;
	bool console;

	(void)argc;
	/* Process 1 of a container must not touch its mounts. */
	if (getpid() != 1 || !switchroot_is_initramfs())
		return write(STDERR_FILENO, usage, sizeof usage - 1) < 0 ? 1 : 2;
	log_start();
	/* First: a file opened later could get this number. */
	console = fcntl(STDIN_FILENO, F_GETFD) >= 0;
	boot(argv, console, &onfail, &fault);
	if (onfail.action == ONFAIL_SHELL)
		run_shell(&fault, self, argv);
	return pid1_give_up(&onfail, &fault);
}

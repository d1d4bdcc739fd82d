/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ostree-prepare-root: makes the deployment that ostree= names the root, as process 1 or for another
 * initramfs. This file has the command line of the utility; pid1 has what process 1 does. facts
 * looks, plan decides, step acts.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "prepare-root/closest.h"
#include "prepare-root/cmdline.h"
#include "prepare-root/facts.h"
#include "prepare-root/join.h"
#include "prepare-root/log.h"
#include "prepare-root/pid1.h"
#include "prepare-root/plan.h"
#include "prepare-root/run.h"
#include "prepare-root/step.h"

static const char usage[] =
	"usage: ostree-prepare-root [--dry-run] SYSROOT [KERNEL_CMDLINE]\n"
	"\n"
	"Makes SYSROOT, the mounted root file system of an OSTree system, the root of the deployment\n"
	"that ostree= on the kernel command line names, so that the initramfs can switch to it.\n"
	"Started by the kernel, as init=, it does so with / and executes the deployment's init.\n"
	"\n"
	"  --dry-run   print what would be done, a line a step, and change nothing; with init= on\n"
	"              the command line ending in /ostree-prepare-root, what PID 1 would do\n"
	"  --help      print this\n"
	"  --version   print the version\n"
	"\n"
	"KERNEL_CMDLINE stands in for /proc/cmdline. See ostree-prepare-root(8).\n";

enum { DIRECTORY = O_RDONLY | O_DIRECTORY | O_CLOEXEC };

static int put(int fd, const char *text)
{
	return write(fd, text, strlen(text)) < 0;
}

static int bad_usage(void)
{
	put(STDERR_FILENO, usage);
	return 2;
}

static int unknown_option(const char *option)
{
	static const char *const known[] = { "--dry-run", "--help", "--version", NULL };
	const char *meant = closest(option, known);

	log_parts(LOG_ERR, option, " is no option", meant ? "; did you mean " : "",
		meant ? meant : "", meant ? "?" : "", NULL);
	return bad_usage();
}

static int print_plan(const struct facts *facts, struct fault *ret_fault)
{
	static struct plan plan;
	int err = plan_make(facts, &plan);

	if (!err)
		err = step_print(plan.steps, plan.count, STDOUT_FILENO);
	return err ? fault(ret_fault, err, "cannot print the plan: ", strerror(-err), NULL) : 0;
}

static int prepare(bool dry_run, const char *sysroot, char *text, struct fault *ret_fault)
{
	static struct cmdline cmdline;
	const struct around around = { .proc = open("/proc", DIRECTORY),
		.initramfs = dry_run ? -1 : open("/", DIRECTORY) };
	enum world world = WORLD_UTILITY;
	struct facts facts;
	int err = 0;

	if (text)
		cmdline_parse(text, &cmdline);
	else
		err = facts_cmdline(around.proc, &cmdline, ret_fault);
	if (err)
		return err;
	/* A dry run shows the world that this command line would boot. */
	if (dry_run && cmdline.init && cmdline_names_prepare_root(cmdline.init)) {
		world = WORLD_PID1;
		cmdline.init = NULL;
	}
	err = facts_gather(world, sysroot, &around, &cmdline, &facts, ret_fault);
	if (err)
		return err;
	if (facts.prepared) {
		log_line(LOG_INFO, "the sysroot is a prepared deployment already, nothing to do");
		return 0;
	}
	return dry_run ? print_plan(&facts, ret_fault) : run_plan(&facts, NULL, NULL, ret_fault);
}

static int utility(int argc, char **argv)
{
	bool dry_run = false;
	char sysroot[PATH_MAX], cwd[PATH_MAX] = "";
	struct fault fault;
	sigset_t pipe;
	size_t len;
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--help"))
			return put(STDOUT_FILENO, usage);
		if (!strcmp(argv[i], "--version"))
			return put(STDOUT_FILENO, "ostree-prepare-root (rootstock) " VERSION "\n");
		if (strcmp(argv[i], "--dry-run"))
			return unknown_option(argv[i]);
		dry_run = true;
	}
	if (i == argc || argc - i > 2 || !*argv[i])
		return bad_usage();

	/*
	 * The steps need an absolute name, since the working directory changes. The C library's
	 * getcwd() would bring malloc along.
	 */
	if (!dry_run && argv[i][0] != '/' && syscall(SYS_getcwd, cwd, sizeof cwd) < 0)
		return bad_usage();
	if (join(sysroot, sizeof sysroot, cwd, *cwd ? "/" : "", argv[i], NULL) < 0)
		return bad_usage();
	for (len = strlen(sysroot); len > 1 && sysroot[len - 1] == '/';)
		sysroot[--len] = 0;

	/* Process 1 has this from the kernel, and init inherits it. */
	umask(022);
	if (!dry_run) {
		/* A message that nobody reads any more must not end this between two mounts. */
		sigemptyset(&pipe);
		sigaddset(&pipe, SIGPIPE);
		sigprocmask(SIG_BLOCK, &pipe, NULL);
		log_open("/dev/kmsg");
	}
	if (!prepare(dry_run, sysroot, argv[i + 1], &fault))
		return 0;
	log_line(LOG_ERR, fault.sentence);
	return 1;
}

int main(int argc, char **argv)
{
	log_start();
	return getpid() == 1 ? pid1_main(argv) : utility(argc, argv);
}

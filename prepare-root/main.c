/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ostree-prepare-root: makes the deployment that ostree= names the root, as PID 1 or for somebody's
 * initramfs. Here the worlds meet: who called, where the command line comes from, what happens when
 * it fails. Looking is in facts, deciding in plan, doing in step.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "prepare-root/cmdline.h"
#include "prepare-root/facts.h"
#include "prepare-root/join.h"
#include "prepare-root/log.h"
#include "prepare-root/plan.h"
#include "prepare-root/step.h"

/* Eight times what x86 and arm64 take; more than that comes from bootconfig, or is a mistake. */
enum { CMDLINE_MAX = 16384 };

static const char usage[] =
	"usage: ostree-prepare-root [--dry-run] SYSROOT [KERNEL_CMDLINE]\n"
	"\n"
	"Makes SYSROOT, the mounted root file system of an OSTree system, the root of the "
	"deployment\n"
	"that ostree= on the kernel command line names, so that the initramfs can switch to it.\n"
	"Started by the kernel, as init=, it does so with / and executes the deployment's init.\n"
	"\n"
	"  --dry-run   print what would be done, a line a step, and change nothing; with init= on\n"
	"              the command line ending in /ostree-prepare-root, what PID 1 would do\n"
	"  --help      print this\n"
	"  --version   print the version\n"
	"\n"
	"KERNEL_CMDLINE stands in for /proc/cmdline. See ostree-prepare-root(8).\n";

static struct plan plan;
static char cmdline_text[CMDLINE_MAX + 1];

/* Runs one step whose failure changes nothing for the caller. Returns whether it worked. */
static bool try_step(struct step step)
{
	struct fault ignored;
	size_t done;

	step.why = "";
	return !step_run(&step, 1, NULL, &done, &ignored);
}

/*
 * Mounts a kernel file system of this type for a moment, where a root is sure to have a directory:
 * the usual place, or /ostree, which alone every sysroot has. Returns the place or NULL.
 */
static const char *borrow(const char *type, const char *usual)
{
	const char *const places[] = { usual, "/ostree" };

	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (try_step((struct step){ STEP_MOUNT, .type = type, .target = places[i] }))
			return places[i];
	return NULL;
}

static void give_back(const char *place)
{
	try_step((struct step){ STEP_UMOUNT, .target = place });
}

/* Reads cmdline below the directory proc. Returns 0 with the text ended by a zero byte. */
static int read_cmdline(const char *proc, char *text, struct fault *ret_fault)
{
	char path[32];
	ssize_t got = -1, used = 0;
	int fd;

	text[0] = 0;
	join(path, sizeof path, proc, "/cmdline", NULL);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		while ((got = read(fd, text + used, (size_t)(CMDLINE_MAX - used))) > 0)
			used += got;
		close(fd);
	}
	if (got < 0)
		return fault(ret_fault, -errno, "cannot read the kernel command line from ", path,
			": ", strerror(errno), "; is /proc mounted?", NULL);
	if (used == CMDLINE_MAX)
		return fault(ret_fault, -E2BIG, "the kernel command line in ", path, " is too long",
			NULL);
	/* The kernel ends the line, and a quote left open would take that for part of the value. */
	text[used] = 0;
	if (used && text[used - 1] == '\n')
		text[used - 1] = 0;
	return 0;
}

static int run_plan(const struct facts *facts, char **argv, struct fault *ret_fault)
{
	int err = plan_make(facts, &plan);
	size_t done;

	if (err)
		return fault(ret_fault, err, "the path of the deployment is too long", NULL);
	err = step_run(plan.steps, plan.count, argv, &done, ret_fault);
	for (size_t i = err ? plan.undo_count : 0; i--;)
		if (plan.undo[i].skip < done)
			try_step(plan.undo[i]);
	return err;
}

/* On a root that is prepared already (a stale init=, ostree issue 1440) there is only init to find.
 */
static int run_init(const char *init, char **argv, struct fault *ret_fault)
{
	const struct step steps[] = {
		{ STEP_SAY, .why = "/ is a prepared deployment already, executing its init" },
		{ STEP_EXEC, .target = init, .why = "the tree's init takes over" },
	};
	size_t done;

	if (!init)
		return fault(ret_fault, -ENOENT,
			"/ is a prepared deployment without an init: looked for /sbin/init, "
			"/etc/init and /bin/init",
			NULL);
	return step_run(steps, sizeof steps / sizeof *steps, argv, &done, ret_fault);
}

/* Returns only if the deployment could not be booted. */
static void boot(char **argv, struct onfail *ret_onfail, struct fault *ret_fault)
{
	struct cmdline cmdline;
	struct facts facts;
	struct fault unread;
	/* Without these questions the directories on the disk would be read, to find them empty. */
	const char *proc = facts_mounted(AT_FDCWD, "/proc") ? NULL : borrow("proc", "/proc");
	int no_cmdline = read_cmdline(proc ? proc : "/proc", cmdline_text, &unread);

	if (proc)
		give_back(proc);
	if (facts_mounted(AT_FDCWD, "/dev"))
		log_open("/dev/kmsg");
	if (no_cmdline)
		log_line(LOG_LOUD, unread.sentence);
	cmdline_parse(cmdline_text, &cmdline);
	if (cmdline.onfail && cmdline_onfail(cmdline.onfail, ret_onfail))
		log_line(LOG_LOUD, "rootstock.onfail= is none of panic, reboot, reboot:SECONDS and "
				   "halt: panic it is");

	if (facts_gather(WORLD_PID1, "/", &cmdline, &facts, ret_fault))
		return;
	if (facts.prepared)
		run_init(facts.init, argv, ret_fault);
	else
		run_plan(&facts, argv, ret_fault);
}

/* PID 1 has failed. Says so and leaves the disk clean. Exiting makes the kernel panic. */
static int give_up(const struct onfail *onfail, const struct fault *why)
{
	struct fault after;
	char number[12];

	if (!log_has_kmsg()) {
		const char *dev = borrow("devtmpfs", "/dev");
		char kmsg[32];

		if (dev) {
			join(kmsg, sizeof kmsg, dev, "/kmsg", NULL);
			log_open(kmsg);
			give_back(dev);
		}
	}
	log_line(LOG_FAILURE, why->sentence);
	sync();
	try_step((struct step){ STEP_SUPER, .target = "/", .flags = MS_RDONLY });

	if (onfail->action == ONFAIL_HALT) {
		log_line(LOG_FAILURE, "halting, as rootstock.onfail= says");
		reboot((int)RB_HALT_SYSTEM);
	} else if (onfail->action == ONFAIL_REBOOT) {
		fault(&after, 0, "rebooting", onfail->seconds ? " in " : "",
			onfail->seconds ? decimal(onfail->seconds, number) : "",
			onfail->seconds ? " seconds" : "", ", as rootstock.onfail= says", NULL);
		log_line(LOG_FAILURE, after.sentence);
		for (unsigned left = onfail->seconds; left;)
			left = sleep(left);
		reboot(RB_AUTOBOOT);
	}
	return 1;
}

static int pid1(char **argv)
{
	struct onfail onfail = { .action = ONFAIL_PANIC };
	struct fault fault;

	boot(argv, &onfail, &fault);
	return give_up(&onfail, &fault);
}

static int put(int fd, const char *text)
{
	return write(fd, text, strlen(text)) < 0;
}

static int bad_usage(void)
{
	put(STDERR_FILENO, usage);
	return 2;
}

/* The kernel command line says in which world the program would find itself. */
static enum world foreseen_world(const struct cmdline *cmdline)
{
	static const char name[] = "/ostree-prepare-root";
	size_t len = cmdline->init ? strlen(cmdline->init) : 0;

	return len >= sizeof name - 1 && !strcmp(cmdline->init + len - (sizeof name - 1), name)
		       ? WORLD_PID1
		       : WORLD_UTILITY;
}

static int prepare(bool dry_run, const char *sysroot, char *text, struct fault *ret_fault)
{
	struct cmdline cmdline;
	struct facts facts;
	int err = 0;

	if (!text)
		err = read_cmdline("/proc", text = cmdline_text, ret_fault);
	if (err)
		return err;
	cmdline_parse(text, &cmdline);
	err = facts_gather(dry_run ? foreseen_world(&cmdline) : WORLD_UTILITY, sysroot, &cmdline,
		&facts, ret_fault);
	if (err)
		return err;
	if (facts.prepared) {
		log_line(LOG_DONE, "the sysroot is a prepared deployment already, nothing is done");
		return 0;
	}
	if (!dry_run)
		return run_plan(&facts, NULL, ret_fault);
	err = plan_make(&facts, &plan);
	if (!err)
		err = step_print(plan.steps, plan.count, STDOUT_FILENO);
	return err ? fault(ret_fault, err, "cannot print the plan: ", strerror(-err), NULL) : 0;
}

static int utility(int argc, char **argv)
{
	bool dry_run = false;
	char sysroot[PATH_MAX], cwd[PATH_MAX] = "";
	struct fault fault;
	size_t len;
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--help"))
			return put(STDOUT_FILENO, usage);
		if (!strcmp(argv[i], "--version"))
			return put(STDOUT_FILENO, "ostree-prepare-root (rootstock) " VERSION "\n");
		if (strcmp(argv[i], "--dry-run"))
			return bad_usage();
		dry_run = true;
	}
	if (i == argc || argc - i > 2 || !*argv[i])
		return bad_usage();

	/*
	 * The steps need a name that stays true when the working directory changes. The C library's
	 * getcwd would bring malloc along.
	 */
	if (!dry_run && argv[i][0] != '/' && syscall(SYS_getcwd, cwd, sizeof cwd) < 0)
		return bad_usage();
	if (join(sysroot, sizeof sysroot, cwd, *cwd ? "/" : "", argv[i], NULL) < 0)
		return bad_usage();
	for (len = strlen(sysroot); len > 1 && sysroot[len - 1] == '/';)
		sysroot[--len] = 0;

	/* PID 1 keeps what the kernel gave it, the same 022, for init. */
	umask(022);
	if (!dry_run)
		log_open("/dev/kmsg");
	if (!prepare(dry_run, sysroot, argv[i + 1], &fault))
		return 0;
	log_line(LOG_FAILURE, fault.sentence);
	return 1;
}

int main(int argc, char **argv)
{
	log_start();
	return getpid() == 1 ? pid1(argv) : utility(argc, argv);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/pid1.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prepare-root/facts.h"
#include "prepare-root/join.h"
#include "prepare-root/realinit.h"
#include "prepare-root/run.h"
#include "prepare-root/step.h"

/* Linux, include/linux/proc_ns.h, PROC_PID_INIT_INO: the same since Linux 3.8. */
enum { FIRST_PID_NS = 0xeffffffc };

/*
 * Mounts a kernel file system of this type for a moment, on its usual directory or, where that is
 * missing, on /ostree, which every sysroot has. Returns the directory or NULL.
 */
static const char *mount_temporarily(const char *type, const char *usual)
{
	const char *const places[] = { usual, "/ostree" };

	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (step_try((struct step){ STEP_MOUNT, .type = type, .target = places[i] }))
			return places[i];
	return NULL;
}

static void unmount(const char *place)
{
	step_try((struct step){ STEP_UMOUNT, .target = place });
}

/* Opens /proc, mounting it for a moment if it is not mounted. Returns a descriptor or -1. */
static int open_proc(void)
{
	const char *mounted =
		facts_mounted(AT_FDCWD, "/proc") ? NULL : mount_temporarily("proc", "/proc");
	int fd = open(mounted ? mounted : "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (mounted)
		unmount(mounted);
	return fd;
}

static int boot(const struct cmdline *cmdline, const struct around *around, char **argv,
	void (*before_init)(void), struct fault *ret_fault)
{
	struct facts facts;
	int err = facts_gather(WORLD_PID1, "/", around, cmdline, &facts, ret_fault);

	close(around->proc);
	if (err)
		return err;
	/* A stale init= does that (ostree issue 1440). */
	if (facts.prepared) {
		log_line(LOG_INFO, "/ is a prepared deployment already, executing its init");
		return realinit_execute(facts.init, argv, before_init, ret_fault);
	}
	return run_plan(&facts, argv, before_init, ret_fault);
}

int pid1_boot(const struct cmdline *cmdline, int initramfs, char **argv, void (*before_init)(void),
	struct fault *ret_fault)
{
	const struct around around = { .proc = open_proc(), .initramfs = initramfs };

	return boot(cmdline, &around, argv, before_init, ret_fault);
}

/* True if we are process 1 of the machine, and not of a container. */
static bool is_first_process(void)
{
	static const char ns[] = "self/ns/pid";
	int proc = open_proc();
	struct stat st;
	/* A kernel without PID namespaces does not have this file. */
	bool ret = proc >= 0 && !fstatat(proc, "self", &st, AT_SYMLINK_NOFOLLOW) &&
		   (fstatat(proc, ns, &st, 0) ? errno == ENOENT : st.st_ino == FIRST_PID_NS);

	close(proc);
	return ret;
}

int pid1_give_up(const struct onfail *onfail, const struct fault *why)
{
	char number[12];

	if (!log_has_kmsg()) {
		const char *dev = mount_temporarily("devtmpfs", "/dev");
		char kmsg[32];

		if (dev) {
			join(kmsg, sizeof kmsg, dev, "/kmsg", NULL);
			log_open(kmsg);
			unmount(dev);
		}
	}
	log_line(LOG_ERR, why->sentence);
	sync();
	if (is_first_process())
		step_try((struct step){ STEP_SUPER, .target = "/", .flags = MS_RDONLY });

	if (onfail->action == ONFAIL_HALT) {
		log_line(LOG_ERR, "halting, as rootstock.onfail= says");
		reboot((int)RB_HALT_SYSTEM);
	} else if (onfail->action == ONFAIL_REBOOT) {
		log_parts(LOG_ERR, "rebooting", onfail->seconds ? " in " : "",
			onfail->seconds ? decimal(onfail->seconds, number) : "",
			onfail->seconds ? " seconds" : "", ", as rootstock.onfail= says", NULL);
		for (unsigned left = onfail->seconds; left;)
			left = sleep(left);
		reboot(RB_AUTOBOOT);
	}
	return 1;
}

/* Returns only if the deployment could not be booted. */
static void start(char **argv, struct onfail *ret_onfail, struct fault *ret_fault)
{
	static struct cmdline cmdline;
	const struct around around = { .proc = open_proc(), .initramfs = -1 };

	/* If nothing is mounted there, opening it would only read the directory on the disk. */
	if (facts_mounted(AT_FDCWD, "/dev"))
		log_open("/dev/kmsg");
	if (facts_cmdline(around.proc, &cmdline, ret_fault))
		log_line(LOG_WARNING, ret_fault->sentence);
	*ret_onfail = onfail_choose(cmdline.onfail, false);
	/* The kernel's init= is this program. */
	cmdline.init = NULL;
	boot(&cmdline, &around, argv, NULL, ret_fault);
}

int pid1_main(char **argv)
{
	struct onfail onfail;
	struct fault fault;

	start(argv, &onfail, &fault);
	return pid1_give_up(&onfail, &fault);
}

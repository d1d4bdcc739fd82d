/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The probe is the real init of a deployment under test: it checks everything that an init may rely
 * on, reports each check on the second serial port, makes the file systems clean, and powers off or
 * restarts as /etc/probe.conf says.
 */
#include "qemu-tests/guest/checks.h"
#include "qemu-tests/guest/finish.h"
#include "qemu-tests/guest/initramfs.h"
#include "qemu-tests/guest/look.h"
#include "qemu-tests/guest/mounts.h"
#include "qemu-tests/guest/report.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

/* Any date that is not long ago. */
enum { DATE = 1700000000 };

/* Seconds since the kernel logged "Run INIT as init process", by the kernel log's clock; -1 if
 * unknown. */
static double seconds_prepared(void)
{
	static const char mark[] = "<7>probe: started\n";
	int log = open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	double run = -1;
	double now = -1;
	char record[8192];

	if (log < 0 || write(log, mark, sizeof mark - 1) < 0)
		return -1;
	for (ssize_t got; (got = read(log, record, sizeof record - 1)) > 0;) {
		char *text;
		char *clock;

		record[got] = '\0';
		text = strchr(record, ';');
		clock = strchr(record, ',');
		clock = clock ? strchr(clock + 1, ',') : NULL;
		if (!text || !clock)
			continue;
		if (strncmp(text, ";Run ", 5) == 0 && strstr(text, " as init process"))
			run = strtod(clock + 1, NULL) / 1e6;
		if (strncmp(text, ";probe: started", 15) == 0)
			now = strtod(clock + 1, NULL) / 1e6;
	}
	close(log);
	return run < 0 || now < 0 ? -1 : now - run;
}

/* "reboot:N" lets GRUB boot menu entry N next time, as grub-reboot would. */
static int restart(const char *then)
{
	char text[128];

	if (then[6] == ':') {
		snprintf(text, sizeof text, "set default=%s\nset timeout=0\n", then + 7);
		if (look_store("/boot/grub/custom.cfg", text) < 0)
			report_say("/boot/grub/custom.cfg cannot be written\n");
	}
	return RB_AUTOBOOT;
}

int main(int argc, char **argv, char **envp)
{
	static struct expect expect;
	struct start start;
	unsigned boot = 0;
	long switches;
	bool handed;
	bool port;
	int end = RB_POWER_OFF;
	int error;

	checks_take(argc, argv, envp, &start);
	/* A board without a clock starts in 1970, which systemd would correct. Files deleted in that
	 * first second have a deletion time of 0, which is an error for e2fsck. */
	if (time(NULL) < DATE)
		(void)clock_settime(CLOCK_REALTIME, &(struct timespec){ .tv_sec = DATE });
	start.prepared = seconds_prepared();
	handed = initramfs_handed();
	/* Usually the real init mounts these itself; after an initramfs they are mounted already. */
	(void)mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	switches = initramfs_switches();
	(void)mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	port = report_open();
	if (!port) {
		/* So that the report can say what is wrong with /dev. */
		(void)mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
		port = report_open();
		if (!port)
			finish_machine(RB_POWER_OFF);
		report_check(false, "/dev has the serial port");
	}
	report_check(expect_read(&expect), "the deployment's /etc has the probe's expectations");
	report_note("deployment", expect_one(&expect.deployment));
	checks_process(&start, &expect);
	initramfs_check(&expect, switches, handed);
	if (expect_is(&expect.tree, "plain")) {
		initramfs_plain(&expect);
	} else {
		checks_handed(&expect);
		mounts_check(&expect);
		boot = checks_files(&expect);
	}
	if (boot < expect.then.count && strncmp(expect.then.at[boot], "reboot", 6) == 0)
		end = restart(expect.then.at[boot]);
	report_say("boot %u of %zu\n", boot + 1, expect.then.count);
	report_check(boot < expect.then.count, "the scenario has this boot");
	error = finish_quiesce();
	report_say("%s\n", strerror(-error));
	report_check(error == 0, "the file systems are clean at the end");
	report_close();
	finish_machine(end);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The judge of a complete distribution: a systemd service that starts when multi-user.target is
 * reached. It checks the state of systemd, and then the same as the probe, reports on the second
 * serial port, and lets systemd power off or restart.
 */
#include "qemu-tests/guest/checks.h"
#include "qemu-tests/guest/look.h"
#include "qemu-tests/guest/mounts.h"
#include "qemu-tests/guest/report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COMMAND(...) ((char *[]){ __VA_ARGS__, NULL })

/* True if a command's status is 0 and it has printed exactly this. */
static bool says(char *const argv[], const char *expected)
{
	char out[2048];
	int status = look_run(argv, out, sizeof out);

	report_say("%s ended with %d and said:\n%s", argv[0], status, out);
	return status == 0 && strcmp(out, expected) == 0;
}

/* Checks the state of systemd when it has finished the boot. */
static void check_systemd(void)
{
	report_check(
		says(COMMAND("/usr/bin/systemctl", "is-system-running", "--wait"), "running\n"),
		"systemd reports that the system is running");
	report_check(says(COMMAND("/usr/bin/systemctl", "list-units", "--failed", "--plain",
				  "--no-legend"),
			     ""),
		"no unit has failed");
	report_check(says(COMMAND("/usr/bin/systemctl", "is-active", "multi-user.target",
				  "local-fs.target", "var.mount", "ostree-remount.service"),
			     "active\nactive\nactive\nactive\n"),
		"the targets, /var and libostree's unit are active");
	/* Not the kernel's own messages, which the host sees on the console. */
	report_check(says(COMMAND("/usr/bin/journalctl", "-b", "-p", "err", "-q", "-o", "cat",
				  "_TRANSPORT=journal", "_TRANSPORT=stdout", "_TRANSPORT=syslog",
				  "+", "SYSLOG_IDENTIFIER=systemd", "SYSLOG_IDENTIFIER=rootstock"),
			     ""),
		"the journal has no error");
	report_check(
		look_run(COMMAND("/usr/bin/findmnt", "--verify"), (char[2048]){ "" }, 2048) == 0,
		"findmnt finds no error in fstab");
}

/* The first boot gives the machine its ID, which never changes. */
static void check_identity(unsigned boot)
{
	static const char copy[] = "/var/probe.machine-id";
	char id[LOOK_TEXT] = "";
	char first[LOOK_TEXT] = "";

	look_text("/etc/machine-id", id, sizeof id);
	if (boot == 0)
		look_store(copy, id);
	look_text(copy, first, sizeof first);
	report_say("/etc/machine-id is '%s', at the first boot '%s'\n", id, first);
	report_check(strspn(id, "0123456789abcdef") == 32 && !id[32] && strcmp(id, first) == 0,
		"the machine's ID is in /etc, and stays");
}

int main(void)
{
	static struct expect expect;
	const char *then;
	unsigned boot;

	if (!report_open())
		return 1;
	report_check(expect_read(&expect), "the deployment's /etc has the probe's expectations");
	report_note("deployment", expect_one(&expect.deployment));
	check_systemd();
	checks_handed(&expect);
	mounts_check(&expect);
	boot = checks_files(&expect);
	check_identity(boot);
	report_check(boot < expect.then.count, "the scenario has this boot");
	then = boot < expect.then.count ? expect.then.at[boot] : "poweroff";
	report_close();
	execl("/usr/bin/systemctl", "systemctl", then, (char *)NULL);
	return 1;
}

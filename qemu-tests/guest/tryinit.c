/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The real init of the disk to look around in: does the minimum of an init, keeps a shell running
 * on the console, and ends the machine with clean file systems when busybox' reboot, poweroff or
 * halt send it SIGTERM, SIGUSR2 or SIGUSR1.
 */
#include "qemu-tests/guest/finish.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

/* The terminal behind /dev/console; /dev/console itself cannot be a controlling terminal. */
static void console_name(char *ret, size_t size)
{
	FILE *active = fopen("/sys/class/tty/console/active", "re");
	char name[64] = "console";

	if (active) {
		if (fscanf(active, "%63s", name) != 1)
			strcpy(name, "console");
		fclose(active);
	}
	snprintf(ret, size, "/dev/%s", name);
}

static pid_t start_shell(const sigset_t *before)
{
	char console[80];
	pid_t child = fork();
	int fd;

	if (child)
		return child;
	console_name(console, sizeof console);
	sigprocmask(SIG_SETMASK, before, NULL);
	setsid();
	fd = open(console, O_RDWR);
	for (int i = 0; fd >= 0 && i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
	ioctl(0, TIOCSCTTY, 1);
	execl("/bin/sh", "-sh", (char *)NULL);
	_exit(127);
}

static void end(int cmd)
{
	const struct timespec second = { .tv_sec = 1 };
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	kill(-1, SIGHUP);
	kill(-1, SIGTERM);
	sigtimedwait(&child, NULL, &second);
	kill(-1, SIGKILL);
	while (wait(NULL) > 0)
		;
	if (finish_quiesce() < 0)
		puts("The file systems could not be left clean.");
	finish_machine(cmd);
}

int main(void)
{
	sigset_t wanted;
	sigset_t before;
	pid_t shell;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGUSR1);
	sigaddset(&wanted, SIGUSR2);
	sigprocmask(SIG_BLOCK, &wanted, &before);
	(void)mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	(void)mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	(void)sethostname("demo", 4);
	shell = start_shell(&before);
	for (;;) {
		switch (sigwaitinfo(&wanted, NULL)) {
		case SIGTERM:
			end(RB_AUTOBOOT);
			break;
		case SIGUSR1:
			end((int)RB_HALT_SYSTEM);
			break;
		case SIGUSR2:
			end(RB_POWER_OFF);
			break;
		default:
			for (pid_t gone; (gone = waitpid(-1, NULL, WNOHANG)) > 0;)
				if (gone == shell)
					shell = start_shell(&before);
		}
	}
}

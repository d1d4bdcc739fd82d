// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The real init of the namespace ring: a static program that is the init of the trees made by
// nstree.py. It prints what only the process itself can see (its arguments, environment,
// descriptors, signal state), one "key value" line each, then waits until its standard input
// ends. Meanwhile the test enters its mount namespace and examines everything else.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LAST_DESCRIPTOR = 1023 };

extern char **environ;

// Escapes the value, because a line of the report must not contain a newline.
static void print(const char *key, const char *value)
{
	printf("%s ", key);
	for (const unsigned char *p = (const unsigned char *)value; *p; p++)
		if (*p < ' ' || *p > '~' || *p == '\\')
			printf("\\x%02x", *p);
		else
			putchar(*p);
	putchar('\n');
}

static void print_descriptors(void)
{
	for (int fd = 0; fd <= LAST_DESCRIPTOR; fd++) {
		struct stat st;
		if (!fstat(fd, &st))
			printf("fd %d\n", fd);
	}
}

static void print_signals(void)
{
	sigset_t blocked;
	if (sigprocmask(SIG_BLOCK, NULL, &blocked))
		exit(1);
	for (int sig = 1; sig < NSIG; sig++) {
		struct sigaction action;
		if (sigismember(&blocked, sig) == 1)
			printf("blocked %d\n", sig);
		if (!sigaction(sig, NULL, &action) && action.sa_handler == SIG_IGN)
			printf("ignored %d\n", sig);
	}
}

int main(int argc, char **argv)
{
	char cwd[4096];
	// Before stdio can open anything.
	print_descriptors();
	for (int i = 0; i < argc; i++)
		print("argv", argv[i]);
	for (char **e = environ; *e; e++)
		print("env", *e);
	print("cwd", getcwd(cwd, sizeof cwd) ? cwd : "?");
	mode_t mask = umask(0);
	umask(mask);
	printf("umask %03o\npid %d\nsid %d\npgid %d\n", mask, getpid(), getsid(0), getpgid(0));
	print_signals();
	puts("end");
	if (fflush(stdout))
		return 1;

	char byte;
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}

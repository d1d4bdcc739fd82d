/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/report.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FACILITY_DAEMON = 3 << 3 };

void report_prepare(void)
{
	int fd;

	/* SIGXFSZ: the limit on file sizes (ulimit -f). */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	/* A new descriptor gets the lowest free number. This one can be neither read nor
	 * written. */
	do
		fd = open("/", O_PATH | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static bool send_to_syslog(const char *record, size_t size)
{
	static const struct sockaddr_un service = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool sent;

	if (fd < 0)
		return false;
	sent = sendto(fd, record, size, MSG_NOSIGNAL, (const struct sockaddr *)&service,
		       sizeof service) == (ssize_t)size;
	close(fd);
	return sent;
}

static void send_to_kernel(const char *record, size_t size)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, record, size);
	close(fd);
}

static void make_printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

void report(const struct reporter *reporter, enum report_level level, const char *format, ...)
{
	char sentence[1000], record[1100];
	va_list arguments;
	int size;

	if (!reporter)
		return;
	va_start(arguments, format);
	(void)vsnprintf(sentence, sizeof sentence, format, arguments);
	va_end(arguments);
	make_printable(sentence);

	(void)fprintf(stderr, "%s: %s\n", reporter->program, sentence);
	if (!reporter->hook)
		return;
	size = snprintf(record, sizeof record, "<%d>%.64s: %s", FACILITY_DAEMON | (int)level,
		reporter->program, sentence);
	if (!send_to_syslog(record, (size_t)size))
		send_to_kernel(record, (size_t)size);
}

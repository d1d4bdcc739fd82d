/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-tests/guest/report.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* The rig defines the name of the machine's second serial port. */
#ifndef REPORT_PORT
#define REPORT_PORT "/dev/ttyS1"
#endif

static FILE *port;
static unsigned checks;
static char said[4096];

bool report_open(void)
{
	int fd = open(REPORT_PORT, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	struct termios raw;

	if (fd < 0)
		return false;
	if (tcgetattr(fd, &raw) == 0) {
		cfmakeraw(&raw);
		tcsetattr(fd, TCSANOW, &raw);
	}
	port = fdopen(fd, "w");
	if (port)
		fputs("TAP version 13\n", port);
	return port;
}

void report_say(const char *format, ...)
{
	size_t used = strlen(said);
	va_list args;

	va_start(args, format);
	vsnprintf(said + used, sizeof said - used, format, args);
	va_end(args);
}

void report_check(bool good, const char *text)
{
	char *line = said;

	fprintf(port, "%s %u - %s\n", good ? "ok" : "not ok", ++checks, text);
	while (!good && *line) {
		size_t length = strcspn(line, "\n");

		fprintf(port, "#   %.*s\n", (int)length, line);
		line += length + (line[length] == '\n');
	}
	fflush(port);
	said[0] = '\0';
}

void report_note(const char *key, const char *value)
{
	fprintf(port, "# %s %s\n", key, value);
	fflush(port);
}

void report_close(void)
{
	fprintf(port, "1..%u\n", checks);
	fflush(port);
	tcdrain(fileno(port));
	fclose(port);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "prepare-root/join.h"

static int kmsg_fd = -1;
static bool stderr_open;
static bool console_warnings = true;
static void (*diverted)(int level, const char *sentence);

/* A longer part is a path or a value of which the start is enough. */
enum { PART_MAX = 256 };

static void join_parts(char text[SENTENCE_SIZE], va_list parts)
{
	size_t left = SENTENCE_SIZE;

	*text = 0;
	for (const char *part; (part = va_arg(parts, const char *));) {
		size_t len = strnlen(part, PART_MAX + 1);
		const char *cut = len > PART_MAX ? "..." : "";
		size_t room = left - 1 - strlen(cut);

		len = len > PART_MAX ? PART_MAX : len;
		len = len > room ? room : len;
		memcpy(text, part, len);
		memcpy(text + len, cut, strlen(cut) + 1);
		text += len + strlen(cut);
		left -= len + strlen(cut);
		if (left <= sizeof "...")
			break;
	}
}

int fault(struct fault *ret_fault, int error, ...)
{
	va_list parts;

	va_start(parts, error);
	join_parts(ret_fault->sentence, parts);
	va_end(parts);
	return error;
}

const char *log_escape(const char *text, char *ret_line, size_t size)
{
	static const char digits[] = "0123456789abcdef";

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = c >= ' ' && c <= '~';

		if (size <= (plain ? 1 : sizeof "\\x00" - 1))
			break;
		if (plain) {
			*ret_line++ = *text;
			size--;
			continue;
		}
		*ret_line++ = '\\';
		*ret_line++ = 'x';
		*ret_line++ = digits[c >> 4];
		*ret_line++ = digits[c & 15];
		size -= 4;
	}
	*ret_line = 0;
	return text;
}

void log_start(void)
{
	stderr_open = fcntl(STDERR_FILENO, F_GETFD) >= 0;
}

void log_divert(void (*take)(int level, const char *sentence))
{
	diverted = take;
}

/* Where /dev could not be mounted, a tree may have put a link or a pipe there. */
static int open_kmsg(const char *kmsg)
{
	return open(kmsg, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
}

void log_open(const char *kmsg)
{
	if (kmsg_fd < 0)
		kmsg_fd = open_kmsg(kmsg);
}

void log_reopen(const char *kmsg)
{
	int fd = open_kmsg(kmsg);

	if (fd < 0)
		return;
	if (kmsg_fd >= 0)
		close(kmsg_fd);
	kmsg_fd = fd;
}

bool log_has_kmsg(void)
{
	return kmsg_fd >= 0;
}

void log_console(unsigned level)
{
	console_warnings = level > LOG_WARNING;
}

void log_line(int level, const char *sentence)
{
	/* The kernel refuses records that claim to be its own. */
	char priority[] = "<30>";
	char escaped[SENTENCE_SIZE], line[SENTENCE_SIZE + 32];
	int len;

	if (diverted) {
		diverted(level, sentence);
		return;
	}
	priority[1] = (char)('0' + (LOG_DAEMON | level) / 10);
	priority[2] = (char)('0' + (LOG_DAEMON | level) % 10);
	log_escape(sentence, escaped, sizeof escaped);
	len = join(line, sizeof line, priority, "rootstock: ", escaped, "\n", NULL);
	if (len < 0)
		return;
	if (kmsg_fd >= 0)
		(void)!write(kmsg_fd, line, (size_t)len);
	if (stderr_open &&
		(kmsg_fd < 0 || level == LOG_ERR || (level == LOG_WARNING && console_warnings)))
		(void)!write(STDERR_FILENO, line + 4, (size_t)len - 4);
}

void log_parts(int level, ...)
{
	char sentence[SENTENCE_SIZE];
	va_list parts;

	va_start(parts, level);
	join_parts(sentence, parts);
	va_end(parts);
	log_line(level, sentence);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/kmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Linux, Documentation/ABI/testing/dev-kmsg: no record is longer. */
enum { RECORD_MAX = 8192, KERN_WARNING = 4 };

int kmsg_open(void)
{
	const int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* Returns the text of a record that is a warning or an error, else NULL. */
static char *error_text(char *record)
{
	/* "LEVEL,SEQUENCE,TIME,FLAGS;TEXT"; levels from 8 on are of other facilities. */
	char *text = strchr(record, ';');

	if (!text || strtoul(record, NULL, 10) > KERN_WARNING)
		return NULL;
	text[1 + strcspn(text + 1, "\n")] = 0;
	return text + 1;
}

void kmsg_first_error(int fd, char *ret_text, size_t size)
{
	static char record[RECORD_MAX + 1];
	const char *text = NULL;
	ssize_t got;

	*ret_text = 0;
	if (fd < 0)
		return;
	do {
		got = read(fd, record, RECORD_MAX);
		record[got > 0 ? got : 0] = 0;
		text = error_text(record);
		/* EPIPE: records were lost; the next read() returns the oldest that is left. */
	} while (!text && (got > 0 || (got < 0 && errno == EPIPE)));
	if (text) {
		size_t len = strnlen(text, size - 1);

		memcpy(ret_text, text, len);
		ret_text[len] = 0;
	}
}

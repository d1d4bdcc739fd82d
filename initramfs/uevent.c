/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/uevent.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int uevent_open(void)
{
	const struct sockaddr_nl group = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&group, sizeof group)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

ssize_t uevent_wait(int fd, int timeout, char *ret_message, size_t size)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	struct sockaddr_nl sender = { 0 };
	socklen_t len = sizeof sender;
	ssize_t got;

	if (poll(&wait, 1, timeout) <= 0)
		return 0;
	got = recvfrom(fd, ret_message, size, MSG_DONTWAIT, (struct sockaddr *)&sender, &len);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return sender.nl_pid ? 0 : got;
}

void uevent_parse(char *text, size_t size, char end, struct uevent *ret_uevent)
{
	const struct {
		const char *key;
		const char **value;
	} keys[] = {
		{ "SUBSYSTEM=", &ret_uevent->subsystem },
		{ "DEVNAME=", &ret_uevent->name },
		{ "MAJOR=", &ret_uevent->major },
		{ "MINOR=", &ret_uevent->minor },
		{ "DEVTYPE=", &ret_uevent->type },
		{ "PARTN=", &ret_uevent->number },
		{ "PARTNAME=", &ret_uevent->label },
		{ "PARTUUID=", &ret_uevent->uuid },
	};
	char *stop = text + size;

	*ret_uevent = (struct uevent){ 0 };
	while (text < stop) {
		char *line_end = memchr(text, end, (size_t)(stop - text));

		if (!line_end)
			return;
		*line_end = 0;
		for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
			if (!strncmp(text, keys[i].key, strlen(keys[i].key)))
				*keys[i].value = text + strlen(keys[i].key);
		text = line_end + 1;
	}
}

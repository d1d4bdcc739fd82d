/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/uevent.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
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

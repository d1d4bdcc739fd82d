/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Uevents from a real kernel in a network namespace, and system calls that fail. */
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "initramfs/uevent.h"

static const char event[] = "add@/x\0ACTION=add\0DEVPATH=/x\0SUBSYSTEM=block";
static const char *failing; /* the call that fails with error */
static int error;

static bool fails(const char *call)
{
	errno = error;
	return failing && !strcmp(call, failing);
}

/* Replaces the C library's. */
int socket(int domain, int type, int protocol)
{
	return fails("socket") ? -1 : (int)syscall(SYS_socket, domain, type, protocol);
}

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
	return fails("bind") ? -1 : (int)syscall(SYS_bind, fd, address, size);
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	const struct timespec time = { timeout / 1000, timeout % 1000 * 1000000L };

	return fails("poll") ? -1 : (int)syscall(SYS_ppoll, fds, count, &time, NULL, 0);
}

ssize_t recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *ret_address,
	socklen_t *ret_size)
{
	return fails("recvfrom") ? -1
				 : (ssize_t)syscall(SYS_recvfrom, fd, buffer, size, flags,
					   ret_address, ret_size);
}

/* Uses a network namespace, so that the host's udevd does not receive the messages. */
static int setup(void **state)
{
	static bool possible;

	if (!possible)
		possible = !unshare(CLONE_NEWNET) || !unshare(CLONE_NEWUSER | CLONE_NEWNET);
	*state = &possible;
	failing = NULL;
	return 0;
}

/* Sends the event to the kernel (0), which broadcasts it as its own, or to another socket. */
static void send_event(unsigned number)
{
	struct {
		struct nlmsghdr header;
		char text[sizeof event];
	} request = { .header = { .nlmsg_len = sizeof request,
			      .nlmsg_type = NLMSG_MIN_TYPE,
			      .nlmsg_flags = NLM_F_REQUEST } };
	const struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = number };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	memcpy(request.text, event, sizeof event);
	assert_true(sendto(fd, &request, sizeof request, 0, (const struct sockaddr *)&to,
			    sizeof to) == sizeof request);
	close(fd);
}

static int open_here(void **state)
{
	int fd;

	if (!*(const bool *)*state)
		skip();
	fd = uevent_open();
	assert_true(fd >= 0);
	return fd;
}

static void hears_the_kernel(void **state)
{
	char message[256];
	int fd = open_here(state);

	assert_int_equal(uevent_wait(fd, 0, message, sizeof message), 0);
	send_event(0);
	/* The kernel adds SEQNUM=. */
	assert_true(uevent_wait(fd, 10000, message, sizeof message) > (ssize_t)sizeof event);
	assert_memory_equal(message, event, sizeof event);
	close(fd);
}

static void hears_nobody_else(void **state)
{
	char message[256];
	int fd = open_here(state);
	struct sockaddr_nl own = { 0 };
	socklen_t size = sizeof own;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &size), 0);
	send_event(own.nl_pid);
	assert_int_equal(uevent_wait(fd, 10000, message, sizeof message), 0);
	assert_string_not_equal(message, "");
	close(fd);
}

static void fails_to_open(void **state)
{
	int next = dup(STDOUT_FILENO);

	(void)state;
	close(next);
	error = ENOMEM;
	for (int i = 0; i < 2; i++) {
		failing = i ? "bind" : "socket";
		assert_int_equal(uevent_open(), -ENOMEM);
		/* Nothing stays open. */
		assert_int_equal(dup(STDOUT_FILENO), next);
		close(next);
	}
}

static void fails_to_read(void **state)
{
	static const struct {
		const char *call;
		int error, result;
	} calls[] = {
		{ "poll", EINTR, 0 },
		{ "recvfrom", EAGAIN, 0 },
		{ "recvfrom", EINTR, 0 },
		/* Messages were lost. */
		{ "recvfrom", ENOBUFS, -ENOBUFS },
	};
	char message[256];
	int fd = open_here(state);

	send_event(0);
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		failing = calls[i].call;
		error = calls[i].error;
		assert_int_equal(uevent_wait(fd, 10000, message, sizeof message), calls[i].result);
	}
	/* The message is still there. */
	failing = NULL;
	assert_true(uevent_wait(fd, 0, message, sizeof message) > 0);
	close(fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(hears_the_kernel, setup),
		cmocka_unit_test_setup(hears_nobody_else, setup),
		cmocka_unit_test_setup(fails_to_open, setup),
		cmocka_unit_test_setup(fails_to_read, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

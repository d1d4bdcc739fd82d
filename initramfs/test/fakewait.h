/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fakewait: a fake kernel for tests of code that waits. Its clock advances only during a wait, its
 * messages come at fixed times, its log is a file, and its devices are a faketree.
 */
#pragma once

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include <cmocka.h>

#include "initramfs/search.h"
#include "initramfs/test/faketree.h"
#include "initramfs/test/words.h"

enum { NETLINK = 77, START = 1000000, STEPS_MAX = 64 };

static struct step {
	uint64_t at; /* milliseconds after START */
	const char *message;
	size_t size;
	int error;	 /* of poll (EINTR) or of recvfrom */
	unsigned sender; /* 0 is the kernel */
	void (*action)(const struct step *step);
} steps[STEPS_MAX];

static size_t step_count, step_next; /* steps before step_next have been received */
static uint64_t clock_now;
static unsigned polls;
static char log_path[] = "/tmp/test-search-XXXXXX";
static struct faketree tree;

static inline struct step *add_step(uint64_t at)
{
	assert_true(step_count < STEPS_MAX);
	steps[step_count] = (struct step){ .at = START + at };
	return &steps[step_count++];
}

static inline void add_message(uint64_t at, const char *message, size_t size)
{
	struct step *step = add_step(at);

	step->message = message;
	step->size = size;
}

static inline bool is_due(void)
{
	return step_next < step_count && steps[step_next].at <= clock_now;
}

/* Runs all actions that are due, whether their message has been received or not. */
static inline void act(void)
{
	for (size_t i = step_next; i < step_count && steps[i].at <= clock_now; i++)
		if (steps[i].action) {
			steps[i].action(&steps[i]);
			steps[i].action = NULL;
		}
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	assert_int_equal(count, 1);
	assert_int_equal(fds->fd, NETLINK);
	assert_int_equal(fds->events, POLLIN);
	assert_true(timeout >= 0);
	/* So many calls mean that the program polls in a loop. */
	assert_true(polls++ < 200);
	if (!is_due()) {
		uint64_t until = clock_now + (unsigned)timeout;

		clock_now = step_next < step_count && steps[step_next].at < until
				    ? steps[step_next].at
				    : until;
	}
	act();
	if (is_due() && steps[step_next].error == EINTR) {
		step_next++;
		errno = EINTR;
		return -1;
	}
	return is_due();
}

ssize_t recvfrom(int fd, void *message, size_t size, int flags, struct sockaddr *sender,
	socklen_t *sender_size)
{
	const struct step *step = &steps[step_next];
	struct sockaddr_nl from = { .nl_family = AF_NETLINK, .nl_pid = step->sender };

	assert_int_equal(fd, NETLINK);
	assert_true(flags & MSG_DONTWAIT);
	assert_true(is_due() && *sender_size == sizeof from && step->size <= size);
	step_next++;
	if (step->error) {
		errno = step->error;
		return -1;
	}
	memcpy(message, step->message, step->size);
	memcpy(sender, &from, sizeof from);
	return (ssize_t)step->size;
}

int clock_gettime(clockid_t id, struct timespec *ret_time)
{
	(void)id;
	ret_time->tv_sec = (time_t)(clock_now / 1000);
	ret_time->tv_nsec = (long)(clock_now % 1000) * 1000000;
	return 0;
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)left;
	clock_now += (uint64_t)time->tv_sec * 1000 + (uint64_t)time->tv_nsec / 1000000;
	act();
	return 0;
}

/* Keeps messages out of the host's log. */
int open(const char *path, int flags, ...)
{
	if (!strcmp(path, "/dev/kmsg"))
		return (int)syscall(SYS_openat, AT_FDCWD, log_path, flags | O_APPEND, 0);
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
}

/* Called before the class is read; nth counts from 1. */
static void (*before_scan)(unsigned nth);
static unsigned scans;

int openat(int fd, const char *path, int flags, ...)
{
	if (!strcmp(path, ".") && before_scan)
		before_scan(++scans);
	return (int)syscall(SYS_openat, fd, path, flags, 0600);
}

/* All that was logged since the last call. */
static inline const char *said(void)
{
	static char text[16384];
	FILE *file = fopen(log_path, "r");
	size_t size;

	assert_non_null(file);
	size = fread(text, 1, sizeof text - 1, file);
	text[size] = 0;
	(void)fclose(file);
	assert_int_equal(truncate(log_path, 0), 0);
	return text;
}

static inline unsigned occurs(const char *text, const char *part)
{
	unsigned count = 0;

	for (; (text = strstr(text, part)); text++)
		count++;
	return count;
}

static inline int setup(void **state)
{
	(void)state;
	tree_make(&tree);
	step_count = step_next = polls = scans = 0;
	before_scan = NULL;
	clock_now = START;
	said();
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	tree_end(&tree);
	return 0;
}

/* Begins a search with the words of a command line; the result is valid until the next call. */
static inline struct search begin(const char *words)
{
	static struct rootparams params;

	params = parse_words(words);
	return (struct search){ .params = &params,
		.devices = { .dev = tree.devices.dev },
		.class = tree.class,
		.uevents = NETLINK };
}

/* Ends a search; the tree closes its devices. */
static inline void end(struct search *search)
{
	tree.devices = search->devices;
}

/* Returns the name of the device that is found, or the message, and the time in milliseconds. */
static inline const char *look(struct search *search, uint64_t *ret_time)
{
	static struct fault fault;
	struct device *device;
	struct rootspec spec;
	int err;

	assert_int_equal(rootspec_parse(search->params->root, NULL, &spec, &fault), 0);
	err = search_device(search, &spec, &device, &fault);
	*ret_time = clock_now - START;
	if (err)
		assert_int_equal(err, -ETIMEDOUT);
	end(search);
	return err ? fault.sentence : device->name;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static inline int log_begin(void **state)
{
	int fd = mkstemp(log_path);

	(void)state;
	if (fd >= 0)
		close(fd);
	log_open("/dev/kmsg");
	return fd < 0;
}

static inline int log_end(void **state)
{
	(void)state;
	return unlink(log_path);
}

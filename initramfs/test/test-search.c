/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When waiting for the device of root= ends. corpus-uevent has the concatenated uevents that Linux
 * 6.1 and 7.2 sent in QEMU, recorded by an /init from netlink, when a disk with a GPT was plugged
 * in (device_add nvme on a pcie-root-port), when its uevent file was written, when its table was
 * read again (BLKRRPART) and when it was unplugged (device_del).
 */
#include "initramfs/test/fakewait.h"

static const char change[] = "change@/devices/x\0SUBSYSTEM=block\0DEVNAME=x";
static const char other[] = "add@/devices/x\0SUBSYSTEM=bdi\0DEVNAME=x";

static void plug_sda(const struct step *step)
{
	(void)step;
	tree_add_usual(&tree, "sda", 0, 0);
}

static void there_already(void **state)
{
	struct search search = begin("root=/dev/sda quiet");
	uint64_t time;

	(void)state;
	plug_sda(NULL);
	assert_string_equal(look(&search, &time), "sda");
	assert_int_equal(time, 0);
	assert_int_equal(polls, 0);
	assert_string_equal(said(), "");
}

/* The end of the first message: its last word is SEQNUM=. */
static const char *message_end(const char *message, const char *stop)
{
	while (message < stop && strncmp(message, "SEQNUM=", 7) != 0)
		message += strlen(message) + 1;
	assert_true(message < stop);
	return message + strlen(message) + 1;
}

/* Applies a message to the tree. */
static void follow(const struct step *step)
{
	char uevent[2048] = "", device[256] = "";
	bool block = false;

	for (const char *word = step->message; word < step->message + step->size;
		word += strlen(word) + 1) {
		block |= !strcmp(word, "SUBSYSTEM=block");
		if (!strncmp(word, "DEVPATH=/devices/", 17))
			strcpy(device, word + 17);
		else if (strchr(word, '='))
			strcat(strcat(uevent, word), "\n");
	}
	if (block && !strncmp(step->message, "add@", 4)) {
		tree_add(&tree, device, uevent);
		tree_write(tree_path(&tree, "dev", tree_name(device)), "", 0);
	} else if (block && !strncmp(step->message, "remove@", 7)) {
		unlink(tree_path(&tree, "dev", tree_name(device)));
		tree_remove(&tree, tree_name(device));
	}
}

/* Schedules the messages of a recording, one every ten milliseconds after `at`. */
static void play(const char *name, uint64_t at)
{
	static char text[3][4096];
	static unsigned next;
	char *start = text[next++ % 3];
	FILE *file = fopen(
		tree_path(&(struct faketree){ .top = "initramfs/test" }, "corpus-uevent", name),
		"rb");
	size_t size;

	assert_non_null(file);
	size = fread(start, 1, sizeof text[0], file);
	(void)fclose(file);
	assert_true(size > 0 && size < sizeof text[0]);
	for (const char *message = start, *stop = start + size; message < stop;) {
		const char *next_message = message_end(message, stop);

		add_message(at += 10, message, (size_t)(next_message - message));
		steps[step_count - 1].action = follow;
		message = next_message;
	}
}

/* The time in milliseconds of the first message with this action and this word. */
static uint64_t when(const char *action, const char *word)
{
	for (size_t i = 0; i < step_count; i++)
		if (!strncmp(steps[i].message, action, strlen(action)) &&
			memmem(steps[i].message, steps[i].size, word, strlen(word)))
			return steps[i].at - START;
	fail();
	return 0;
}

static void plugged(void **state)
{
	static const char *const roots[] = { "root=/dev/nvme0n1p2", "root=259:2",
		"root=\"PARTLABEL=my root\"" };

	for (size_t i = 0; i < 2 * sizeof roots / sizeof *roots; i++) {
		struct search search = begin(roots[i / 2]);
		uint64_t time;

		play(i % 2 ? "plug-7.2" : "plug-6.1", 3000);
		assert_string_equal(look(&search, &time), "nvme0n1p2");
		assert_int_equal(time, when("add@", "DEVNAME=nvme0n1p2"));
		assert_string_equal(said(), "");
		teardown(state);
		setup(state);
	}
}

/* Since 6.10 the message has the PARTUUID, so the device is not read. */
static void plugged_with_partuuid(void **state)
{
	struct search search = begin("root=PARTUUID=22222222-2222-4222-8222-22222222ABCD");
	uint64_t time;

	(void)state;
	play("plug-7.2", 3000);
	assert_string_equal(look(&search, &time), "nvme0n1p2");
	assert_int_equal(time, when("add@", "DEVNAME=nvme0n1p2"));
	assert_int_equal(search.devices.at[0]->fd, -1);
}

/* Every message about a block device ends one wait, and no other message does. */
static void each_message(void **state)
{
	static const char *const kernels[] = { "6.1", "7.2" };

	for (size_t k = 0; k < 2; k++) {
		static const char *const streams[] = { "plug", "change", "reread", "unplug" };
		static const size_t counts[] = { 3, 3, 3, 0 };
		struct search search = begin("rootwait");

		for (size_t i = 0; i < 4; i++) {
			char name[32];

			step_count = step_next = 0;
			(void)snprintf(name, sizeof name, "%s-%s", streams[i], kernels[k]);
			play(name, clock_now - START);
			for (size_t m = 0; m < step_count; m++) {
				if (!memmem(steps[m].message, steps[m].size, "SUBSYSTEM=block", 16))
					continue;
				assert_int_equal(search_wait(&search), 0);
				assert_int_equal(clock_now, steps[m].at);
			}
			assert_int_equal(search.devices.count, counts[i]);
		}
		end(&search);
		teardown(state);
		setup(state);
	}
}

/* Messages that come together end the wait once. */
static void burst(void **state)
{
	struct search search = begin("rootwait");

	(void)state;
	add_message(100, other, sizeof other);
	add_message(100, change, sizeof change);
	add_message(100, change, sizeof change);
	add_message(100, other, sizeof other);
	assert_int_equal(search_wait(&search), 0);
	assert_int_equal(step_next, 4);
	assert_int_equal(clock_now, START + 100);
}

static void not_the_kernel(void **state)
{
	struct search search = begin("root=/dev/sda rootwait=2");
	uint64_t time;

	(void)state;
	add_message(100, change, sizeof change);
	steps[0].sender = 1234;
	steps[0].action = plug_sda;
	add_step(200)->error = EINTR;
	add_message(1500, change, sizeof change);
	assert_string_equal(look(&search, &time), "sda");
	assert_int_equal(time, 1500);
}

static void label_sda(const struct step *step)
{
	(void)step;
	tree_make_fs(&tree, "sda", "new");
}

/* Lost messages may have been about any device, so the list is read again. */
static void lost_messages(void **state)
{
	struct search search = begin("root=/dev/sda");
	uint64_t time;

	(void)state;
	add_step(700)->error = ENOBUFS;
	steps[0].action = plug_sda;
	assert_string_equal(look(&search, &time), "sda");
	assert_int_equal(time, 700);
}

/* Lost messages may have been about changed contents, so those are read again. */
static void lost_change(void **state)
{
	struct search search = begin("root=LABEL=new");
	uint64_t time;

	(void)state;
	plug_sda(NULL);
	add_step(700)->error = ENOBUFS;
	steps[0].action = label_sda;
	assert_string_equal(look(&search, &time), "sda");
	assert_int_equal(time, 700);
}

static void no_netlink(void **state)
{
	struct search search = begin("root=/dev/sda");
	uint64_t time;

	(void)state;
	search.uevents = -EAFNOSUPPORT;
	add_step(6005)->action = plug_sda;
	assert_string_equal(look(&search, &time), "sda");
	assert_in_range(time, 6005, 6005 + SEARCH_POLL);
	assert_int_equal(polls, 0);
	assert_int_equal(occurs(said(), "waiting for root="), 1);
}

/* Trying a source costs more than reading the list, so the tries are a second apart. */
static void source_without_netlink(void **state)
{
	struct search search = begin("root=ubi0:root rootwait=5");

	(void)state;
	search.class = search.uevents = -1;
	for (unsigned tries = 1; tries < 6; tries++) {
		assert_int_equal(search_wait(&search), 0);
		assert_in_range(clock_now, START + tries * 1000, START + tries * 1100);
	}
	assert_int_equal(search_wait(&search), -ETIMEDOUT);
}

/* For a source that is not a block device any uevent ends the wait. */
static void any_source(void **state)
{
	struct search search = begin("root=ubi0:root rootwait=1");

	(void)state;
	search.class = -1;
	add_message(400, other, sizeof other);
	assert_int_equal(search_wait(&search), 0);
	assert_int_equal(clock_now, START + 400);
	assert_int_equal(search_wait(&search), -ETIMEDOUT);
	assert_int_equal(clock_now, START + 1000);
}

static void deadlines(void **state)
{
	static const struct {
		const char *words;
		uint64_t time;
		unsigned lines;
	} cases[] = {
		{ "root=/dev/sdb rootwait=0", 0, 0 },
		{ "root=/dev/sdb rootwait=3", 3000, 0 },
		{ "root=/dev/sdb rootwait=5", 5000, 0 },
		{ "root=/dev/sdb rootwait=16", 16000, 2 },
		{ "root=/dev/sdb", 30000, 3 },
		{ "root=/dev/sdb rootdelay=40", 40000, 4 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct search search = begin(cases[i].words);
		uint64_t time;

		/* Messages about other devices do not change the deadline. */
		for (unsigned m = 1; m < 60; m++)
			add_message(
				m * 700UL, m % 2 ? other : change, sizeof change - 7UL * (m % 2));
		assert_non_null(strstr(look(&search, &time), "no device matches root=/dev/sdb"));
		assert_int_equal(time, cases[i].time);
		assert_int_equal(occurs(said(), "waiting for root="), cases[i].lines);
		teardown(state);
		setup(state);
	}
}

static void without_end(void **state)
{
	struct search search = begin("root=/dev/sda rootwait");
	uint64_t time;
	const char *text;

	(void)state;
	tree_add_usual(&tree, "sdb", 16, 0);
	tree_add_usual(&tree, "sdb/sdb1", 17, 1);
	tree_add_usual(&tree, "loop0", 18, 0);
	add_message(1000000, change, sizeof change);
	steps[0].action = plug_sda;
	assert_string_equal(look(&search, &time), "sda");
	assert_int_equal(time, 1000000);
	text = said();
	assert_non_null(strstr(text,
		"<29>rootstock: waiting for root=/dev/sda, 5 seconds so far; block devices: sdb sdb1\n"));
	assert_non_null(strstr(text, " 15 seconds so far"));
	assert_int_equal(occurs(text, "waiting for root="), 100);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(there_already),
		TEST(plugged),
		TEST(plugged_with_partuuid),
		TEST(each_message),
		TEST(burst),
		TEST(not_the_kernel),
		TEST(lost_messages),
		TEST(lost_change),
		TEST(no_netlink),
		TEST(source_without_netlink),
		TEST(any_source),
		TEST(deadlines),
		TEST(without_end),
	};

	return cmocka_run_group_tests(tests, log_begin, log_end);
}

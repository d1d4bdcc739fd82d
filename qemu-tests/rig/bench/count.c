/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A QEMU TCG plugin that counts guest instructions of an x86_64 machine, separately for kernel and
 * user mode, and writes the counters when the guest reaches a hook. These counts are reproducible,
 * unlike seconds. Debian ships no qemu-plugin.h, so this file declares what it needs of the API, in
 * versions 1 (QEMU 4.2 to 8) to 4 (QEMU 10).
 *
 *   -plugin count.so,out=FILE,hook=NAME@ADDRESS,...    writes a line each time the guest gets there
 *     tally=NAME@ADDRESS                               counts how often; the number is in each line
 *     profile=on                                       adds where the instructions were, see below
 *
 * The hook MARK always exists: it is a NOP in the guest that no compiler generates. A profile
 * starts at the hook FROM and ends at the next MARK. It has a line for each entry into the kernel:
 * its reason, which is the first tally that was hit; how many instructions the kernel executed
 * until it returned; and how many were executed in user mode before. Then there is a line for each
 * translated block, with the number of instructions that were executed in it.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define WEAK __attribute__((weak))
#define HOOKS 1024
#define KERNEL (1ULL << 63)

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t qemu_plugin_id_t;
enum { ADD_U64 = 0, NO_REGISTERS = 0 };
void qemu_plugin_register_vcpu_tb_trans_cb(
	qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_insn_exec_cb(
	struct qemu_plugin_insn *, void (*)(unsigned, void *), int, void *);
/* Up to version 2 it returns the address of the bytes; since 3 it copies them. */
uintptr_t qemu_plugin_insn_data(const struct qemu_plugin_insn *, void *, size_t);
/* Version 1 counts in a variable of the plugin, later ones in a scoreboard for all vCPUs. */
WEAK void qemu_plugin_register_vcpu_insn_exec_inline(
	struct qemu_plugin_insn *, int, void *, uint64_t);
struct qemu_plugin_u64 {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
};
WEAK struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t);
WEAK void *qemu_plugin_scoreboard_find(struct qemu_plugin_scoreboard *, unsigned);
WEAK void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(
	struct qemu_plugin_insn *, int, struct qemu_plugin_u64, uint64_t);
struct qemu_info {
	const char *target;
	struct {
		int min, current;
	} version;
};
EXPORT int qemu_plugin_version = 2;
EXPORT int qemu_plugin_install(
	qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv);

struct hook {
	char name[64];
	uint64_t address;
	uint64_t hits;
	bool tally;
};

/* The machine has one vCPU, so a counter has one value. */
struct counter {
	uint64_t *value;
	struct qemu_plugin_scoreboard *score;
};

/* A translated block, and the instructions executed in it since the profile started. */
struct block {
	struct block *next;
	uint64_t address;
	struct counter counter;
};

/* nopl "MARK"(%rax,%rax) */
static const unsigned char mark[] = { 0x0f, 0x1f, 0x84, 0x00, 'M', 'A', 'R', 'K' };
static struct hook hooks[HOOKS] = { { .name = "MARK" } };
static size_t n_hooks = 1;
static struct counter kernel, user;
static int version;
static FILE *out;
static bool profile;
/* The profile: whether it has started, its blocks, the counters at the last return to user mode,
 * and the reason of the entry into the kernel after that. */
static bool started;
static struct block *blocks;
static uint64_t kernel_before, user_before;
static const char *reason;

/* A constructor, because QEMU reads the version right after loading the plugin. */
__attribute__((constructor)) static void choose_version(void)
{
	if (qemu_plugin_register_vcpu_insn_exec_inline)
		qemu_plugin_version = 1;
}

/* There must be a vCPU already. */
static struct counter new_counter(void)
{
	struct counter counter = { 0 };

	if (qemu_plugin_version == 1) {
		counter.value = calloc(1, sizeof *counter.value);
	} else {
		counter.score = qemu_plugin_scoreboard_new(sizeof *counter.value);
		counter.value = qemu_plugin_scoreboard_find(counter.score, 0);
	}
	if (!counter.value)
		abort();
	return counter;
}

static void count_in(struct qemu_plugin_insn *insn, const struct counter *counter)
{
	struct qemu_plugin_u64 entry = { .score = counter->score };

	if (qemu_plugin_version == 1)
		qemu_plugin_register_vcpu_insn_exec_inline(insn, ADD_U64, counter->value, 1);
	else
		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, ADD_U64, entry, 1);
}

static void report(const struct hook *hook)
{
	fprintf(out, "hook %s kernel=%" PRIu64 " user=%" PRIu64, hook->name, *kernel.value,
		*user.value);
	for (size_t i = 0; i < n_hooks; i++) {
		if (hooks[i].tally && !profile)
			fprintf(out, " %s=%" PRIu64, hooks[i].name, hooks[i].hits);
	}
	fputc('\n', out);
	fflush(out);
}

/* Writes the line of the entry into the kernel that has just ended. */
static void leave_kernel(void)
{
	fprintf(out, "trap %s kernel=%" PRIu64 " user=%" PRIu64 "\n", reason ? reason : "other",
		*kernel.value - kernel_before, *user.value - user_before);
	kernel_before = *kernel.value;
	user_before = *user.value;
	reason = NULL;
}

static void start_profile(void)
{
	started = true;
	for (struct block *block = blocks; block; block = block->next)
		*block->counter.value = 0;
	kernel_before = *kernel.value;
	user_before = *user.value;
	reason = "exec";
}

static void end_profile(void)
{
	started = false;
	leave_kernel();
	for (struct block *block = blocks; block; block = block->next) {
		if (*block->counter.value)
			fprintf(out, "block %" PRIx64 " %" PRIu64 "\n", block->address,
				*block->counter.value);
	}
}

static void on_hook(unsigned cpu, void *data)
{
	struct hook *hook = data;

	(void)cpu;
	hook->hits++;
	if (hook->tally) {
		if (!reason)
			reason = hook->name;
		return;
	}
	if (started && hook == hooks)
		end_profile();
	report(hook);
	if (profile && strcmp(hook->name, "FROM") == 0)
		start_profile();
}

static void on_user_block(unsigned cpu, void *data)
{
	(void)cpu;
	(void)data;
	if (started && *kernel.value != kernel_before)
		leave_kernel();
}

/* Counts the block's instructions for the profile; blocks live as long as the machine. */
static void count_block(struct qemu_plugin_tb *tb, uint64_t address)
{
	struct block *block = calloc(1, sizeof *block);

	if (!block)
		abort();
	*block = (struct block){ blocks, address, new_counter() };
	blocks = block;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++)
		count_in(qemu_plugin_tb_get_insn(tb, i), &block->counter);
	if (address < KERNEL)
		qemu_plugin_register_vcpu_insn_exec_cb(
			qemu_plugin_tb_get_insn(tb, 0), on_user_block, NO_REGISTERS, NULL);
}

static bool is_mark(const struct qemu_plugin_insn *insn)
{
	unsigned char copy[sizeof mark];
	const void *bytes = copy;
	uintptr_t data;

	if (qemu_plugin_insn_size(insn) != sizeof mark)
		return false;
	data = qemu_plugin_insn_data(insn, copy, sizeof copy);
	if (version < 3)
		memcpy(&bytes, &data, sizeof bytes);
	return memcmp(bytes, mark, sizeof mark) == 0;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	if (!kernel.value) {
		kernel = new_counter();
		user = new_counter();
	}
	if (profile)
		count_block(tb, qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0)));
	/* Each instruction separately, because a page fault may end a block in the middle. */
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t address = qemu_plugin_insn_vaddr(insn);
		struct hook *hook = NULL;

		count_in(insn, address >= KERNEL ? &kernel : &user);
		if (address < KERNEL && is_mark(insn))
			hook = hooks;
		for (size_t k = 1; k < n_hooks && address >= KERNEL && !hook; k++) {
			if (hooks[k].address == address)
				hook = &hooks[k];
		}
		if (hook)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_hook, NO_REGISTERS, hook);
	}
}

/* "NAME@ADDRESS" */
static bool add_hook(const char *text, bool tally)
{
	const char *at = strchr(text, '@');
	struct hook *hook = &hooks[n_hooks];

	if (!at || n_hooks == HOOKS || (size_t)(at - text) >= sizeof hook->name)
		return false;
	memcpy(hook->name, text, (size_t)(at - text));
	hook->address = strtoull(at + 1, NULL, 16);
	hook->tally = tally;
	n_hooks++;
	return true;
}

static bool take_option(const char *text)
{
	if (strncmp(text, "out=", 4) == 0) {
		out = fopen(text + 4, "we");
		return out;
	}
	if (strcmp(text, "profile=on") == 0) {
		profile = true;
		return true;
	}
	if (strncmp(text, "hook=", 5) == 0)
		return add_hook(text + 5, false);
	return strncmp(text, "tally=", 6) == 0 && add_hook(text + 6, true);
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
	version = info->version.current;
	for (int i = 0; i < argc; i++) {
		if (!take_option(argv[i]))
			return -1;
	}
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	return 0;
}

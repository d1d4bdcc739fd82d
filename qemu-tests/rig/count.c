/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A QEMU TCG plugin that counts guest instructions of an x86_64 machine, kernel and user apart, and
 * writes the counters when the guest comes to a hook. Counts are steady where seconds are not.
 * Debian ships no qemu-plugin.h, so what is used of API version 1 (QEMU 4.2 to 8) is declared here.
 *
 *   -plugin count.so,out=FILE,hook=NAME@ADDRESS,...    a line each time the guest is there
 *     tally=NAME@ADDRESS                               how often it was, in each line
 *     profile=on                                       and where the instructions were, see below
 *
 * The guest's MARK, a NOP that no compiler makes, is a hook that is always there. FROM is the hook
 * at which a profile starts; it ends at the next MARK. In it each way into the kernel is a line:
 * how many user instructions went before it, and how many it took (whatever else the kernel did
 * meanwhile included). Its reason is the first of the tallies that was hit. After them, each
 * translated block with the instructions that were executed in it.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
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
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_insn_exec_cb(
	struct qemu_plugin_insn *, void (*)(unsigned, void *), int, void *);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int, void *, uint64_t);
EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

struct hook {
	char name[64];
	uint64_t address;
	uint64_t hits;
	bool tally;
};

/* A translated block, and the instructions executed in it since the profile started. */
struct block {
	struct block *next;
	uint64_t address;
	uint64_t count;
};

/* nopl "MARK"(%rax,%rax) */
static const unsigned char mark[] = { 0x0f, 0x1f, 0x84, 0x00, 'M', 'A', 'R', 'K' };
static struct hook hooks[HOOKS] = { { .name = "MARK" } };
static size_t n_hooks = 1;
static uint64_t kernel, user;
static FILE *out;
static bool profile;
/* Of the profile: whether it is on, the blocks, the counters at the last way back to user mode, and
 * the reason of the way into the kernel after it. */
static bool started;
static struct block *blocks;
static uint64_t kernel_before, user_before;
static const char *reason;

static void report(const struct hook *hook)
{
	fprintf(out, "hook %s kernel=%" PRIu64 " user=%" PRIu64, hook->name, kernel, user);
	for (size_t i = 0; i < n_hooks; i++) {
		if (hooks[i].tally && !profile)
			fprintf(out, " %s=%" PRIu64, hooks[i].name, hooks[i].hits);
	}
	fputc('\n', out);
	fflush(out);
}

/* The way into the kernel that ended just now. */
static void leave_kernel(void)
{
	fprintf(out, "trap %s kernel=%" PRIu64 " user=%" PRIu64 "\n", reason ? reason : "other",
		kernel - kernel_before, user - user_before);
	kernel_before = kernel;
	user_before = user;
	reason = NULL;
}

static void start_profile(void)
{
	started = true;
	for (struct block *block = blocks; block; block = block->next)
		block->count = 0;
	kernel_before = kernel;
	user_before = user;
	reason = "exec";
}

static void end_profile(void)
{
	started = false;
	leave_kernel();
	for (struct block *block = blocks; block; block = block->next) {
		if (block->count)
			fprintf(out, "block %" PRIx64 " %" PRIu64 "\n", block->address,
				block->count);
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
	if (started && kernel != kernel_before)
		leave_kernel();
}

/* Counts the block's instructions for the profile; blocks live as long as the machine. */
static void count_block(struct qemu_plugin_tb *tb, uint64_t address)
{
	struct block *block = calloc(1, sizeof *block);

	if (!block)
		abort();
	*block = (struct block){ .next = blocks, .address = address };
	blocks = block;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++)
		qemu_plugin_register_vcpu_insn_exec_inline(
			qemu_plugin_tb_get_insn(tb, i), ADD_U64, &block->count, 1);
	if (address < KERNEL)
		qemu_plugin_register_vcpu_insn_exec_cb(
			qemu_plugin_tb_get_insn(tb, 0), on_user_block, NO_REGISTERS, NULL);
}

static bool is_mark(const struct qemu_plugin_insn *insn)
{
	return qemu_plugin_insn_size(insn) == sizeof mark &&
	       memcmp(qemu_plugin_insn_data(insn), mark, sizeof mark) == 0;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	if (profile)
		count_block(tb, qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0)));
	/* Instruction by instruction, since a page fault may leave a block in the middle. */
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t address = qemu_plugin_insn_vaddr(insn);
		struct hook *hook = NULL;

		qemu_plugin_register_vcpu_insn_exec_inline(
			insn, ADD_U64, address >= KERNEL ? &kernel : &user, 1);
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

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (!take_option(argv[i]))
			return -1;
	}
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	return 0;
}

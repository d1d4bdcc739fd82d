/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/tree.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bls/check/files.h"
#include "bls/check/fstab.h"
#include "bls/check/program.h"
#include "prepare-root/facts.h"
#include "prepare-root/plan.h"
#include "prepare-root/step.h"
#include "prepare-root/tree.h"

static const struct finding_kind ostree_missing = { "ostree-missing", FINDINGS_ERROR, false };
static const struct finding_kind physical = { "physical-root", FINDINGS_WARNING, false };
static const struct finding_kind initrd_ostree = { "initrd-ostree", FINDINGS_ERROR, false };
static const struct finding_kind init_missing = { "init-missing", FINDINGS_ERROR, false };
static const struct finding_kind init_program = { "init-program", FINDINGS_ERROR, false };
static const struct finding_kind init_machine = { "init-machine", FINDINGS_ERROR, false };
static const struct finding_kind deployment = { "deployment", FINDINGS_ERROR, false };
static const struct finding_kind deployment_warning = { "deployment-warning", FINDINGS_WARNING,
	false };

/* The entry to which the planner's warnings belong. */
static struct subject *planned;

static void take_warning(int level, const char *sentence)
{
	if (level == LOG_WARNING)
		findings_add(planned->findings, &deployment_warning, subject_options(planned), "%s",
			sentence);
}

/* In a booted deployment the physical root is at /sysroot. */
static char *physical_root(const struct sysroot *sysroot)
{
	char *path;
	bool booted = tree_type(sysroot->root_fd, "ostree") == S_IFLNK &&
		      tree_type(sysroot->root_fd, "sysroot/ostree") == S_IFDIR;

	return asprintf(&path, "%s%s", sysroot->root, booted ? "sysroot" : "") < 0 ? NULL : path;
}

static int open_physical(const struct subject *subject)
{
	char *root = physical_root(subject->sysroot);
	int fd = root ? open(root, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	subject->findings->failed |= !root;
	free(root);
	return fd;
}

static const char *machine_name(unsigned machine)
{
	static const struct {
		unsigned machine;
		const char *name;
	} names[] = { { EM_386, "32-bit x86" }, { EM_X86_64, "x86-64" }, { EM_ARM, "32-bit ARM" },
		{ EM_AARCH64, "64-bit ARM" }, { EM_RISCV, "RISC-V" } };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].machine == machine)
			return names[i].name;
	return NULL;
}

static void check_machine(const struct subject *subject, unsigned machine, const char *init)
{
	const char *kernel = machine_name(subject->kernel.machine);
	const char *program = machine_name(machine);

	if (!kernel || !program || kernel_can_start(subject->kernel.machine, machine))
		return;
	findings_add(subject->findings, &init_machine, subject_options(subject),
		"the kernel is for %s, but %s of the deployment for %s", kernel, init, program);
	findings_remedy(subject->findings, "deploy a kernel and a tree for the same architecture");
}

/* The init that ostree-prepare-root executes. */
static void check_tree_init(const struct subject *subject, int tree_fd, const char *init)
{
	struct program program;

	if (program_look(tree_fd, init, tree_fd, &program)) {
		findings_add(subject->findings, &init_program, subject_options(subject),
			"%s of the deployment cannot be executed: %s", init, program.wrong);
		findings_remedy(subject->findings, "correct the tree and deploy it");
	}
	check_machine(subject, program.machine, init);
}

/* Adds the steps as --dry-run prints them. */
static void tell_plan(struct subject *subject, const struct facts *facts)
{
	static struct plan plan;
	struct text text = { 0 };
	char *rest = NULL;
	int fd = subject->way->wanted ? memfd_create("plan", MFD_CLOEXEC) : -1;

	if (fd >= 0 && !plan_make(facts, &plan) && !step_print(plan.steps, plan.count, fd) &&
		lseek(fd, 0, SEEK_SET) == 0) {
		char part[4096];
		ssize_t n;

		while ((n = read(fd, part, sizeof part)) > 0)
			text_add_bytes(&text, part, (size_t)n);
	}
	for (char *line = text_string(&text) ? strtok_r(text.bytes, "\n", &rest) : NULL; line;
		line = strtok_r(NULL, "\n", &rest))
		way_note(subject->way, "%s", line);
	text_free(&text);
	if (fd >= 0)
		close(fd);
}

/* The settings in the initramfs come before those in the tree. */
static struct settings initrd_settings(const struct initrd *initrd)
{
	for (size_t i = 0; initrd && !initrd->unread && i < INITRD_CONFS; i++)
		if (initrd->confs[i].bytes)
			return (struct settings){ initrd_conf(i), initrd->confs[i].bytes,
				initrd->confs[i].size };
	return (struct settings){ 0 };
}

static void check_deployment(struct subject *subject)
{
	static struct facts facts;
	const struct settings settings = initrd_settings(subject->initrd);
	const struct around around = { .proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.initramfs = -1 };
	char *root = physical_root(subject->sysroot);
	struct fault fault;
	int err, fd;

	subject->findings->failed |= !root;
	planned = subject;
	log_divert(take_warning);
	facts_use_settings(settings.name ? &settings : NULL);
	err = facts_gather(WORLD_PID1, root ? root : "", &around, subject->cmdline, &facts, &fault);
	facts_use_settings(NULL);
	log_divert(NULL);
	if (err) {
		findings_add(subject->findings, &deployment, subject_options(subject), "%s",
			fault.sentence);
		findings_remedy(subject->findings, "deploy again, or remove this entry");
	} else {
		way_step(subject->way,
			"ostree-prepare-root makes the deployment /%s the root:", facts.deployment);
		tell_plan(subject, &facts);
		fd = path_open(subject->sysroot->root_fd, facts.deployment,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0) {
			/* The overlay of a hotfix may have other programs. */
			if (!facts.hotfix)
				check_tree_init(subject, fd, facts.init);
			fstab_check(subject, fd, &facts, subject_word(subject, "root"));
			close(fd);
		}
		way_step(subject->way, "%s of the deployment runs.", facts.init);
	}
	if (around.proc >= 0)
		close(around.proc);
	free(root);
}

/* Without an initramfs the kernel must find the program that prepares the deployment. */
static void check_init(const struct subject *subject)
{
	const char *init = subject->cmdline->init, *what;
	struct program program;
	int fd;

	if (!init || !cmdline_names_prepare_root(init)) {
		findings_add(subject->findings, &init_missing, subject_options(subject),
			"there is neither an initrd nor init= with ostree-prepare-root, so the kernel would start the init of the physical root");
		findings_remedy(subject->findings, "add one of them");
		return;
	}
	what = files_wrong(subject->sysroot->root_fd, init, PATH_IN_ROOT, FILES_PROGRAM);
	if (what) {
		findings_add(subject->findings, &init_program, subject_options(subject),
			"init=%s %s, so the kernel would panic", init, what);
		findings_remedy(
			subject->findings, "add ostree-prepare-root to the tree and deploy it");
		return;
	}
	/* What it needs itself is looked for in the physical root, which is still "/". */
	fd = open_physical(subject);
	if (fd >= 0 && program_look(subject->sysroot->root_fd, init, fd, &program)) {
		findings_add(subject->findings, &init_program, subject_options(subject),
			"init=%s cannot be executed, so the kernel would panic: %s", init,
			program.wrong);
		findings_remedy(subject->findings,
			"use a static ostree-prepare-root, for example rootstock's");
	}
	if (fd >= 0) {
		check_machine(subject, program.machine, "ostree-prepare-root");
		close(fd);
	}
}

static void check_initrd(const struct subject *subject)
{
	const struct initrd *initrd = subject->initrd;

	if (initrd->ostree || initrd->unread || initrd->nested || initrd->maker == INITRD_UNKNOWN)
		return;
	findings_add(subject->findings, &initrd_ostree,
		subject_place(subject, subject->entry->last[ENTRY_INITRD]->number),
		"the initramfs, made by %s, has no ostree-prepare-root, so it would start the init of the physical root",
		initrd_name(initrd->maker));
	findings_remedy(subject->findings, "%s",
		initrd->maker == INITRD_DRACUT
			? "make it with dracut --add rootstock"
			: "make it again where rootstock's hook is installed, see rootstock-initramfs(7)");
}

/* The init that is started at the physical root, or NULL. Without an initramfs the kernel tries no
 * other than the one that init= names. */
static const char *physical_init(const struct subject *subject)
{
	static const char *const inits[] = { "/sbin/init", "/etc/init", "/bin/init" };
	const char *init = subject->cmdline->init, *found = NULL;
	int fd = open_physical(subject);

	if (fd < 0)
		return NULL;
	if (init)
		found = files_wrong(fd, init, PATH_IN_ROOT, FILES_PROGRAM) ? NULL : init;
	for (size_t i = 0; (!init || subject->initrd) && !found && i < sizeof inits / sizeof *inits;
		i++)
		if (!files_wrong(fd, inits[i], PATH_IN_ROOT, FILES_PROGRAM))
			found = inits[i];
	close(fd);
	return found;
}

/* An entry of libostree's that names no deployment. */
static void check_without(struct subject *subject)
{
	const char *init =
		subject->cmdline->init && cmdline_names_prepare_root(subject->cmdline->init)
			? NULL
			: physical_init(subject);

	if (init) {
		findings_add(subject->findings, &physical, subject_options(subject),
			"there is no ostree=, so %s of the physical root is started and no deployment",
			init);
		way_step(subject->way, "%s of the physical root runs.", init);
	} else {
		findings_add(subject->findings, &ostree_missing, subject_options(subject),
			"there is no ostree=, so no deployment is booted");
	}
	findings_remedy(subject->findings, "deploy again, or remove this entry");
}

void tree_check(struct subject *subject)
{
	const struct initrd *initrd = subject->initrd;

	if (!subject->cmdline->ostree && !subject->cmdline->slot) {
		if (subject->item->libostree)
			check_without(subject);
		return;
	}
	if (initrd)
		check_initrd(subject);
	else
		check_init(subject);
	/* From here on init= is the tree's. */
	if (subject->cmdline->init &&
		(!initrd || cmdline_names_prepare_root(subject->cmdline->init)))
		subject->cmdline->init = NULL;
	check_deployment(subject);
}

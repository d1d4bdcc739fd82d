/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/plan.h"

#include <errno.h>
#include <string.h>

#include "prepare-root/join.h"
#include "prepare-root/gvariant.h"

/* What every part of the plan needs: the facts, and where things are before the switch. */
struct layout {
	const struct facts *facts;
	const char *deployment; /* as we see it */
	const char *root;	/* the new root while it is being built */
	unsigned long keep;	/* flags for every remount, or it would drop nosuid and nodev */
	bool unlock;		/* remove ro from the physical root's mount */
};

static void plan_add(struct plan *plan, struct step step)
{
	if (plan->count == sizeof plan->steps / sizeof *plan->steps)
		plan->error = -ENAMETOOLONG;
	else
		plan->steps[plan->count++] = step;
}

/* To be called before adding the step that it takes back. */
static void plan_add_undo(struct plan *plan, struct step step)
{
	plan->undo[plan->undo_count].step = step;
	plan->undo[plan->undo_count++].after = plan->count;
}

/* Joins a path in the memory of the plan; mount(2) takes none longer than PATH_MAX. */
static const char *plan_path(struct plan *plan, const char *directory, const char *path)
{
	char *text = plan->text + plan->used;
	int len = plan->error;

	if (!len && sizeof plan->text - plan->used < PATH_MAX)
		len = -ENAMETOOLONG;
	if (!len)
		len = join(text, PATH_MAX, directory, path, NULL);
	if (len < 0) {
		plan->error = len;
		return "";
	}
	plan->used += (size_t)len + 1;
	return text;
}

static void add_dev(struct plan *plan, const struct layout *layout)
{
	const char *dev = plan_path(plan, layout->root, "/dev");

	if (layout->facts->dev_mounted)
		plan_add(plan, (struct step){ STEP_MOVE, .source = "/dev", .target = dev,
				       .why = "the device nodes stay" });
	else
		plan_add(plan,
			(struct step){ STEP_MOUNT, .type = "devtmpfs", .target = dev,
				.flags = MS_NOSUID | MS_STRICTATIME,
				.why = "init needs /dev/console and the disk's nodes, and the tree has none",
				.otherwise =
					"init finds an empty /dev: the kernel needs CONFIG_DEVTMPFS" });
	plan_add(plan, (struct step){ STEP_OPEN_LOG, .target = plan_path(plan, dev, "/kmsg"),
			       .why = "from here on messages survive in the kernel's log" });
}

/* In a GVariant a boolean is a byte, and numbers have the machine's byte order. */
static size_t make_booted(struct plan *plan, const struct facts *facts)
{
	struct gvariant dict = { .bytes = plan->booted, .size = sizeof plan->booted };
	const uint64_t identity[] = { facts->device, facts->inode };
	const uint8_t no = 0, readonly = facts->sysroot_readonly;
	int len;

	gvariant_add(&dict, "backing-root-device-inode", "(tt)", identity, sizeof identity);
	gvariant_add(&dict, "root.transient", "b", &no, 1);
	gvariant_add(&dict, "root.transient-ro", "b", &no, 1);
	gvariant_add(&dict, "sysroot-ro", "b", &readonly, 1);
	len = gvariant_end(&dict);
	if (len < 0)
		plan->error = len;
	return len < 0 ? 0 : (size_t)len;
}

static void add_run(struct plan *plan, const struct layout *layout)
{
	const struct facts *facts = layout->facts;
	const char *run = plan_path(plan, layout->root, "/run");

	if (facts->world == WORLD_UTILITY && facts->run_mounted)
		run = "/run";
	else if (facts->run_mounted)
		plan_add(plan, (struct step){ STEP_MOVE, .source = "/run", .target = run,
				       .why = "what is in /run stays" });
	else
		plan_add(plan, (struct step){ STEP_MOUNT, .type = "tmpfs", .target = run,
				       .flags = MS_NOSUID | MS_NODEV | MS_STRICTATIME,
				       .data = "mode=0755,size=20%",
				       .why = "what is written there now must reach init" });
	plan_add(plan,
		(struct step){ STEP_MKDIR, .target = plan_path(plan, run, "/ostree"), .flags = 0755,
			.why = "libostree's systemd generator recognizes an OSTree boot by it" });
	plan_add(plan,
		(struct step){ STEP_MKDIR, .target = plan_path(plan, run, "/ostree/.private"),
			.flags = 0, .why = "libostree keeps files there that only root may see" });
	if (facts->sysroot_readonly)
		plan_add(plan,
			(struct step){ STEP_WRITE,
				.target = plan_path(plan, run, "/ostree-sysroot-ro.stamp"),
				.why = "libostree before 2023.6 leaves /sysroot read-only if it is there" });
	plan_add(plan, (struct step){ STEP_WRITE, .target = plan_path(plan, run, "/ostree-booted"),
			       .data = plan->booted, .size = make_booted(plan, facts),
			       .why = "libostree finds the booted deployment by it" });
}

static void add_hotfix(struct plan *plan, const struct layout *layout, const char *usr)
{
	bool readonly = layout->facts->super_readonly;

	if (readonly)
		plan_add(plan,
			(struct step){ STEP_SUPER, .target = layout->root, .flags = layout->keep,
				.why = "an overlay can only be written to on a writable file system",
				.otherwise = "the hotfix overlay cannot be written to" });
	plan_add(plan, (struct step){ STEP_ENTER, .target = layout->root,
			       .why = "a comma in a full path would end the overlay's option" });
	plan_add(plan,
		(struct step){ STEP_MOUNT, .type = "overlay", .target = usr, .flags = layout->keep,
			.data = layout->keep & MS_RDONLY
					? "lowerdir=.usr-ovl-upper:usr"
					: "lowerdir=usr,upperdir=.usr-ovl-upper,workdir=.usr-ovl-work",
			.why = layout->keep & MS_RDONLY
				       ? "the hotfix is visible and cannot be written to"
				       : "ostree admin unlock --hotfix made /usr writable",
			.otherwise =
				"/usr is mounted read-only and without the hotfix: does the kernel have overlay, is the disk writable?",
			.skip = readonly ? 4 : 2 });
	if (readonly) {
		plan_add(plan, (struct step){ STEP_SUPER, .target = layout->root,
				       .flags = layout->keep | MS_RDONLY,
				       .why = "without the overlay it is left as it was",
				       .otherwise = "it stays writable" });
		plan_add(plan,
			(struct step){ STEP_REMOUNT, .target = layout->root, .flags = layout->keep,
				.why = "the step before has set ro on this mount too" });
	}
}

static void add_usr(struct plan *plan, const struct layout *layout)
{
	const char *usr = plan_path(plan, layout->root, "/usr");

	if (layout->facts->hotfix)
		add_hotfix(plan, layout, usr);
	plan_add(plan, (struct step){ STEP_BIND, .source = usr, .target = usr,
			       .why = "/usr needs a mount of its own to be read-only" });
	plan_add(
		plan, (struct step){ STEP_REMOUNT, .target = usr, .flags = layout->keep | MS_RDONLY,
			      .why = "a deployment's /usr is never changed" });
}

static void add_state(struct plan *plan, const struct layout *layout)
{
	const struct facts *facts = layout->facts;
	const char *etc = plan_path(plan, layout->root, "/etc");
	const char *var = plan_path(plan, layout->root, "/var");
	const char *physical = plan_path(plan, facts->sysroot, "/");
	const char *shared_var = plan_path(plan, physical, facts->var);

	if (facts->sysroot_readonly)
		plan_add(plan, (struct step){ STEP_BIND, .source = etc, .target = etc,
				       .why = "/etc stays writable where /sysroot is read-only" });
	if (facts->mount_var) {
		plan_add(plan, (struct step){ STEP_BIND, .source = shared_var, .target = var,
				       .why = "all deployments of a stateroot share its /var" });
		plan_add(plan,
			(struct step){ STEP_SHARED, .target = var,
				.why = "mounts below /var reach containers, and not /sysroot" });
	} else if (facts->sysroot_readonly) {
		plan_add_undo(plan, (struct step){ STEP_UMOUNT, .target = shared_var });
		plan_add(plan,
			(struct step){ STEP_BIND, .source = shared_var, .target = shared_var,
				.why = "the tree's own mount of /var from there must be writable" });
	}
	if (*facts->boot)
		plan_add(plan,
			(struct step){ STEP_BIND, .source = plan_path(plan, physical, facts->boot),
				.target = plan_path(plan, layout->root, "/boot"),
				.why = "the boot loader's files are on the same file system" });
	if (layout->keep & MS_RDONLY)
		plan_add(plan,
			(struct step){ STEP_LOG,
				.why = "the root is mounted read-only, and its file system is not: /etc and /var take no writes" });
	else if (facts->super_readonly && !facts->hotfix)
		plan_add(plan,
			(struct step){ STEP_LOG,
				.why = "the root file system is mounted read-only: /etc and /var take no writes until it is remounted" });
}

static void add_sysroot(struct plan *plan, const struct layout *layout, const char *sysroot)
{
	if (layout->facts->sysroot_readonly)
		plan_add(plan, (struct step){ STEP_REMOUNT, .target = sysroot,
				       .flags = layout->keep | MS_RDONLY,
				       .why = "sysroot.readonly is configured" });
}

static void add_private(struct plan *plan, const struct layout *layout)
{
	const char *sysroot =
		plan_path(plan, layout->facts->sysroot, *layout->facts->sysroot ? "" : "/");

	if (layout->facts->world == WORLD_UTILITY)
		plan_add(plan,
			(struct step){ STEP_PRIVATE, .target = sysroot,
				.why = "the root file system must be mounted there, and only root may move it" });
	plan_add(plan, (struct step){ STEP_PRIVATE, .target = "/", .flags = MS_REC,
			       .why = "the kernel refuses to move what is below a shared mount" });
	plan_add_undo(plan,
		(struct step){ STEP_REMOUNT, .target = sysroot, .flags = layout->facts->flags });
	if (layout->unlock)
		plan_add(plan,
			(struct step){ STEP_REMOUNT, .target = sysroot, .flags = layout->keep,
				.why = "binds would inherit ro and keep it after the tree's own remount" });
}

static void add_pid1(struct plan *plan, const struct layout *layout)
{
	add_private(plan, layout);
	plan_add(plan, (struct step){ STEP_BIND, .source = layout->deployment,
			       .target = layout->root, .why = "only a mount can become /" });
	add_dev(plan, layout);
	add_run(plan, layout);
	add_usr(plan, layout);
	add_state(plan, layout);
	if (layout->facts->proc_mounted)
		plan_add(plan, (struct step){ STEP_MOVE, .source = "/proc",
				       .target = plan_path(plan, layout->root, "/proc"),
				       .why = "it stays mounted" });
	if (layout->facts->sys_mounted)
		plan_add(plan, (struct step){ STEP_MOVE, .source = "/sys",
				       .target = plan_path(plan, layout->root, "/sys"),
				       .why = "it stays mounted" });
	plan_add(plan, (struct step){ STEP_PIVOT, .source = layout->root, .target = "sysroot",
			       .why = "the deployment becomes /" });
	add_sysroot(plan, layout, "/sysroot");
	plan_add(plan, (struct step){ STEP_LOG,
			       .why = plan_path(plan, "booting /", layout->facts->deployment) });
	plan_add(plan, (struct step){ STEP_EXEC, .target = layout->facts->init,
			       .why = "the tree's init takes over" });
}

static void add_utility(struct plan *plan, const struct layout *layout)
{
	const char *sysroot = layout->facts->sysroot;
	const char *physical = plan_path(plan, layout->root, "/sysroot");

	add_private(plan, layout);
	plan_add_undo(plan, (struct step){ STEP_RMDIR, .target = layout->root });
	plan_add(plan, (struct step){ STEP_MKDIR, .target = layout->root, .flags = 0755,
			       .why = "the new root is put together beside the old one" });
	plan_add_undo(plan, (struct step){ STEP_UMOUNT, .target = layout->root });
	plan_add(plan, (struct step){ STEP_BIND, .source = layout->deployment,
			       .target = layout->root, .why = "the deployment is to become /" });
	add_run(plan, layout);
	add_usr(plan, layout);
	add_state(plan, layout);
	plan_add_undo(plan, (struct step){ STEP_MOVE, .source = physical, .target = sysroot });
	plan_add(plan,
		(struct step){ STEP_MOVE, .source = sysroot, .target = physical,
			.why = "the physical root stays reachable, with what is mounted in it" });
	add_sysroot(plan, layout, physical);
	plan_add(plan, (struct step){ STEP_MOVE, .source = layout->root, .target = sysroot,
			       .why = "the initramfs switches to this directory" });
	plan_add(plan, (struct step){ STEP_RMDIR, .target = layout->root,
			       .why = "it is not needed any more",
			       .otherwise = "it stays in the initramfs, where it does no harm" });
	plan_add(plan, (struct step){ STEP_LOG,
			       .why = plan_path(plan, "prepared /", layout->facts->deployment) });
}

int plan_make(const struct facts *facts, struct plan *ret_plan)
{
	struct layout layout = { .facts = facts };

	/* Not the whole structure: clearing its text would cost more than the rest of the plan. */
	ret_plan->count = ret_plan->undo_count = ret_plan->used = 0;
	ret_plan->error = 0;
	layout.deployment =
		plan_path(ret_plan, plan_path(ret_plan, facts->sysroot, "/"), facts->deployment);
	layout.root = facts->world == WORLD_PID1 ? layout.deployment : PLAN_NEW_ROOT;
	/* Without rw the kernel makes both read-only; a read-only mount alone is someone's choice. */
	layout.unlock = facts->super_readonly && facts->flags & MS_RDONLY;
	layout.keep = facts->flags & ~(unsigned long)(layout.unlock ? MS_RDONLY : 0);
	if (facts->world == WORLD_PID1)
		add_pid1(ret_plan, &layout);
	else
		add_utility(ret_plan, &layout);
	return ret_plan->error;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "prepare-root/conf.h"
#include "prepare-root/join.h"
#include "prepare-root/mountinfo.h"
#include "prepare-root/path.h"
#include "prepare-root/realinit.h"
#include "prepare-root/rootconf.h"
#include "prepare-root/step.h"
#include "prepare-root/tree.h"
#include "prepare-root/var.h"

#ifndef ST_NOSYMFOLLOW
#define ST_NOSYMFOLLOW 0x2000 /* Linux, include/linux/statfs.h; musl's lacks it */
#endif

static char text[TREE_FILE_MAX]; /* one file at a time */
static const struct settings *given_settings;

void facts_use_settings(const struct settings *settings)
{
	given_settings = settings;
}

bool facts_mounted(int dir, const char *path)
{
	char parent[16];
	struct stat above, st;

	return join(parent, sizeof parent, path, "/..", NULL) >= 0 &&
	       !fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode) &&
	       !fstatat(dir, parent, &above, 0) && st.st_dev != above.st_dev;
}

int facts_cmdline(int proc, struct cmdline *ret_cmdline, struct fault *ret_fault)
{
	static char line[CMDLINE_MAX + 1];
	int fd = proc < 0 ? -1 : openat(proc, "cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t got = -1, used = 0;
	int err;

	if (proc < 0)
		errno = ENOENT;
	if (fd >= 0) {
		while ((got = read(fd, line + used, (size_t)(CMDLINE_MAX - used))) > 0)
			used += got;
		close(fd);
	}
	err = got < 0 ? -errno : 0;
	line[err ? 0 : used] = 0;
	if (used == CMDLINE_MAX) {
		cmdline_cut(line);
		log_line(LOG_WARNING,
			"the kernel command line is longer than 16384 bytes: the words after that are ignored");
	} else if (used && line[used - 1] == '\n') {
		/* A value whose quote is never closed would take it in. */
		line[used - 1] = 0;
	}
	cmdline_parse(line, ret_cmdline);
	return err ? fault(ret_fault, err,
			     "cannot read the kernel command line from /proc/cmdline: ",
			     strerror(-err), "; is /proc mounted?", NULL)
		   : 0;
}

/*
 * If the file cannot be read or parsed, warns and assumes false: a stray character must not brick a
 * device.
 */
static bool repository_readonly(int root)
{
	static const char path[] = "ostree/repo/config";
	ssize_t len = tree_read(root, path, text);
	struct where where = { 0 };
	char number[12];
	bool value = false;
	int err;

	err = len < 0 ? (int)len
		      : conf_bool(text, (size_t)len, "sysroot", "readonly", &value, &where);
	if (!err || err == -ENOENT)
		return !err && value;
	if (where.line)
		log_parts(LOG_WARNING, "/", path, ": line ", decimal(where.line, number), ": ",
			where.what, "; assuming that sysroot.readonly is false", NULL);
	else
		log_parts(LOG_WARNING, "/", path, ": ", strerror(-err),
			"; assuming that sysroot.readonly is false", NULL);
	return false;
}

/*
 * Reads ostree/prepare-root.conf, of which there may be two (in /etc, which then counts alone, and
 * in /usr/lib), below dir. Returns 1 if there is one, 0 if there is none, or a negative errno with
 * the sentence set.
 */
static int read_rootconf(int dir, const char *whose, bool *ret_readonly, struct fault *ret_fault)
{
	static const char *const paths[] = { "/etc/ostree/prepare-root.conf",
		"/usr/lib/ostree/prepare-root.conf" };
	ssize_t len = -ENOENT;
	char name[128];
	int err;

	for (size_t i = 0; i < sizeof paths / sizeof *paths && len < 0; i++) {
		len = tree_read(dir, paths[i], text);
		join(name, sizeof name, whose, paths[i], NULL);
		if (len < 0 && len != -ENOENT && len != -ENOTDIR)
			return fault(ret_fault, (int)len, name, ": ",
				len == -EINVAL ? "it is not a regular file" : strerror((int)-len),
				"; it may ask for protection, so it is not ignored", NULL);
	}
	if (len < 0)
		return 0;
	err = rootconf_file(name, text, (size_t)len, ret_readonly, ret_fault);
	return err ? err : 1;
}

/* Reads what the administrator has configured. */
static int read_settings(int root, int tree, const struct around *around,
	const struct cmdline *cmdline, struct facts *facts, struct fault *ret_fault)
{
	int found = rootconf_cmdline(cmdline, ret_fault);

	if (!found && around->initramfs >= 0)
		found = read_rootconf(
			around->initramfs, "the initramfs' ", &facts->sysroot_readonly, ret_fault);
	if (!found && given_settings) {
		found = rootconf_file(given_settings->name, given_settings->text,
			given_settings->size, &facts->sysroot_readonly, ret_fault);
		found = found ? found : 1;
	}
	if (!found)
		found = read_rootconf(tree, "the deployment's ", NULL, ret_fault);
	facts->sysroot_readonly |= repository_readonly(root);
	return found < 0 ? found : 0;
}

/* Looks for a mount in self/mountinfo, which may be longer than the text. */
static void read_mountinfo(int proc, unsigned id, bool *ret_mount, bool *ret_super)
{
	int fd = openat(proc, "self/mountinfo", O_RDONLY | O_CLOEXEC);
	ssize_t used = 0, got;

	while (fd >= 0 && (got = read(fd, text + used, (size_t)(TREE_FILE_MAX - used))) > 0) {
		const char *rest;

		used += got;
		if (!mountinfo_read(text, (size_t)used, id, ret_mount, ret_super))
			break;
		rest = memrchr(text, '\n', (size_t)used);
		rest = rest ? rest + 1 : text + used;
		used -= rest - text;
		memmove(text, rest, (size_t)used);
	}
	close(fd);
}

/* Without /proc, both are taken for read-only, as the kernel mounts its root. */
static void read_only(int root, int proc, bool *ret_mount, bool *ret_super)
{
	char path[32], number[12];
	ssize_t len;
	unsigned id;

	*ret_mount = *ret_super = true;
	if (proc < 0)
		return;
	join(path, sizeof path, "self/fdinfo/", decimal((unsigned)root, number), NULL);
	len = tree_read(proc, path, text);
	id = len > 0 ? mountinfo_id(text, (size_t)len) : 0;
	if (id)
		read_mountinfo(proc, id, ret_mount, ret_super);
}

static unsigned long mount_flags(int dir)
{
	static const struct {
		unsigned long st, ms;
	} flags[] = {
		{ ST_RDONLY, MS_RDONLY },
		{ ST_NOSUID, MS_NOSUID },
		{ ST_NODEV, MS_NODEV },
		{ ST_NOEXEC, MS_NOEXEC },
		{ ST_NOATIME, MS_NOATIME },
		{ ST_NODIRATIME, MS_NODIRATIME },
		{ ST_RELATIME, MS_RELATIME },
		{ ST_NOSYMFOLLOW, MS_NOSYMFOLLOW },
	};
	struct statvfs vfs;
	unsigned long ret = 0;

	if (fstatvfs(dir, &vfs))
		return 0;
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		ret |= vfs.f_flag & flags[i].st ? flags[i].ms : 0;
	/* mount(2) defaults to relatime. */
	return ret & (MS_NOATIME | MS_RELATIME) ? ret : ret | MS_STRICTATIME;
}

/* The symbolic link to the deployment, by an Android boot slot or by ostree=. */
static const char *target(int root, const struct cmdline *cmdline)
{
	if (cmdline->slot && !strcmp(cmdline->slot, "_a") && tree_type(root, "ostree/root.a"))
		return "/ostree/root.a";
	if (cmdline->slot && !strcmp(cmdline->slot, "_b") && tree_type(root, "ostree/root.b"))
		return "/ostree/root.b";
	return cmdline->ostree;
}

static int find_deployment(
	int root, const struct cmdline *cmdline, struct facts *facts, struct fault *ret_fault)
{
	const char *hint, *link = target(root, cmdline);
	int err;

	/* Any other slot belongs to a third system, or is a mistake. */
	if (cmdline->slot && strcmp(cmdline->slot, "_a") && strcmp(cmdline->slot, "_b"))
		return fault(ret_fault, -EINVAL, "androidboot.slot_suffix=", cmdline->slot,
			" on the kernel command line is not a slot: it must be _a or _b", NULL);
	if (!link)
		return fault(ret_fault, -EINVAL,
			"no ostree= on the kernel command line, so no deployment to boot: the boot loader entry must name one, for example ostree=/ostree/boot.0/...",
			NULL);
	err = path_resolve(root, link, PATH_BENEATH, facts->deployment);
	if (err == 1 && tree_type(root, facts->deployment) == S_IFDIR)
		return 0;
	hint = err == -EXDEV ? "it leaves the sysroot, which no deployment does"
	       : err == -ENOENT
		       ? "the link or what it points to is missing; boot another entry and look at ls -l /ostree/boot.* there"
	       : err < 0 ? strerror(-err)
	       : err	 ? "it does not lead to a directory"
			 : "it is not a symbolic link, as libostree makes them";
	return fault(
		ret_fault, err < 0 ? err : -EINVAL, "cannot use ostree=", link, ": ", hint, NULL);
}

static bool is_directory(int dir, const char *path)
{
	return tree_type(dir, path) == S_IFDIR;
}

/* Checks all directories that the plan will need. */
static int check_tree(int root, int tree, struct facts *facts, struct fault *ret_fault)
{
	static const char *const needed[] = { "usr", "etc", "var", "run", "dev", "sysroot" };
	int err;

	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (!is_directory(tree, needed[i]))
			return fault(ret_fault, -ENOTDIR, "the deployment /", facts->deployment,
				" has no directory /", needed[i],
				": the tree was built without it and cannot become /", NULL);
	err = var_find(root, facts->deployment, facts->var);
	if (err == -EXDEV)
		return fault(ret_fault, err, "the stateroot's var beside /", facts->deployment,
			" is a link that leaves the sysroot: it must lead to a directory of the same file system",
			NULL);
	return err ? fault(ret_fault, err, "ostree= leads to /", facts->deployment,
			     ", beside which there is no stateroot's var: is it in /ostree/deploy/STATEROOT/deploy, made by ostree admin?",
			     NULL)
		   : 0;
}

/* True if a kernel file system is mounted and the tree has a directory to move it to. */
static bool goes_along(int root, int tree, const char *name)
{
	bool mounted = facts_mounted(root, name);

	if (!mounted || is_directory(tree, name))
		return mounted;
	log_parts(LOG_WARNING, "the tree has no directory /", name, ", so init will not have it",
		NULL);
	return false;
}

/* Links do not count: the overlay would follow them. */
static bool has_hotfix(int tree)
{
	if (!is_directory(tree, ".usr-ovl-work"))
		return false;
	if (is_directory(tree, ".usr-ovl-upper"))
		return true;
	log_line(LOG_WARNING,
		"the hotfix's .usr-ovl-upper is not a directory in the deployment: mounting /usr without the hotfix");
	return false;
}

/* Sets the path of the root's /boot, or "" if it is not ours to mount. */
static void find_boot(int root, int tree, char ret_path[PATH_MAX])
{
	char link[PATH_MAX];
	int err = path_resolve(root, "boot", PATH_BENEATH, ret_path);

	if (err == -EXDEV)
		log_line(LOG_WARNING,
			"the root file system's /boot is a link that leaves it: nothing is mounted on /boot");
	if (err < 0 || !is_directory(tree, "boot") ||
		join(link, sizeof link, ret_path, "/loader", NULL) < 0 ||
		tree_type(root, link) != S_IFLNK)
		ret_path[0] = 0;
}

/* The utility executes no init, so there may be none. */
static int find_init(int tree, const struct cmdline *cmdline, char ret_path[PATH_MAX],
	struct facts *facts, struct fault *ret_fault)
{
	if (facts->world == WORLD_PID1)
		facts->init = realinit_choose(tree, "the deployment /", facts->deployment,
			cmdline->init, ret_path, ret_fault);
	else
		facts->init = realinit_find(tree, cmdline->init, ret_path);
	return facts->init || facts->world != WORLD_PID1 ? 0 : -ENOENT;
}

/* With this file libostree's generators leave /var to the initramfs. */
static bool has_var_marker(enum world world, int root)
{
	static const char marker[] = "/run/ostree/initramfs-mount-var";
	char path[PATH_MAX];

	if (world == WORLD_UTILITY)
		return tree_type(AT_FDCWD, marker);
	return path_resolve(root, marker, PATH_BENEATH, path) >= 0 && tree_type(root, path);
}

static int gather(int root, int tree, const struct around *around, const struct cmdline *cmdline,
	struct facts *facts, struct fault *ret_fault)
{
	char init[PATH_MAX] = "";
	bool readonly = false;
	int err = check_tree(root, tree, facts, ret_fault);

	if (!err)
		err = find_init(tree, cmdline, init, facts, ret_fault);
	if (!err)
		err = read_settings(root, tree, around, cmdline, facts, ret_fault);
	if (err)
		return err;
	facts->flags = mount_flags(root);
	if (facts->flags & MS_RDONLY)
		read_only(root, around->proc, &readonly, &facts->super_readonly);
	if (!readonly)
		facts->flags &= ~(unsigned long)MS_RDONLY;
	facts->dev_mounted = facts_mounted(root, "dev");
	if (facts->world == WORLD_PID1) {
		facts->proc_mounted = goes_along(root, tree, "proc");
		facts->sys_mounted = goes_along(root, tree, "sys");
		facts->run_mounted = facts_mounted(root, "run");
	} else {
		facts->run_mounted = facts_mounted(AT_FDCWD, "/run");
	}
	facts->mount_var = !var_is_the_trees(tree, init) || has_var_marker(facts->world, root);
	facts->hotfix = has_hotfix(tree);
	find_boot(root, tree, facts->boot);
	return 0;
}

/* In a deployment /ostree is a link, into the physical root. */
static bool is_prepared(int root)
{
	return tree_type(root, "ostree") == S_IFLNK && is_directory(root, "sysroot") &&
	       is_directory(root, "sysroot/ostree");
}

/* True for a name of "/"; one that does not begin there is seen from the working directory. */
static bool is_running_root(const char *sysroot)
{
	int top = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char cwd[PATH_MAX] = "", name[2 * PATH_MAX], path[PATH_MAX];
	bool ret;

	/* The C library's getcwd would bring malloc along. */
	ret = top >= 0 && (*sysroot == '/' || syscall(SYS_getcwd, cwd, sizeof cwd) > 0) &&
	      join(name, sizeof name, cwd, "/", sysroot, NULL) >= 0 &&
	      path_resolve(top, name, PATH_IN_ROOT, path) >= 0 && !*path;
	close(top);
	return ret;
}

static int look(int root, const char *sysroot, const struct around *around,
	const struct cmdline *cmdline, struct facts *facts, struct fault *ret_fault)
{
	struct stat st;
	int tree, err;

	if (!is_directory(root, "ostree"))
		return fault(ret_fault, -ENOENT, sysroot,
			" has no directory ostree, so it is not the root file system of an OSTree system: check root= on the kernel command line",
			NULL);
	if (facts->world == WORLD_UTILITY && is_running_root(sysroot))
		return fault(ret_fault, -EBUSY, sysroot,
			" is the running root: as a utility this program needs the root file system mounted on another directory, and as init= it works on / as process 1",
			NULL);
	err = find_deployment(root, cmdline, facts, ret_fault);
	if (err)
		return err;
	tree = openat(root, facts->deployment, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree < 0 || fstat(tree, &st))
		return fault(ret_fault, -errno, "cannot open the deployment /", facts->deployment,
			": ", strerror(errno), NULL);
	facts->device = st.st_dev;
	facts->inode = st.st_ino;
	err = gather(root, tree, around, cmdline, facts, ret_fault);
	close(tree);
	return err;
}

int facts_gather(enum world world, const char *sysroot, const struct around *around,
	const struct cmdline *cmdline, struct facts *ret_facts, struct fault *ret_fault)
{
	int root = open(sysroot, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[PATH_MAX];
	int err;

	*ret_facts =
		(struct facts){ .world = world, .sysroot = world == WORLD_PID1 ? "" : sysroot };
	if (root < 0)
		return fault(ret_fault, -errno, "cannot open ", sysroot, ": ", strerror(errno),
			"; it must be the mounted root file system", NULL);
	ret_facts->prepared = is_prepared(root);
	if (ret_facts->prepared)
		err = find_init(root, cmdline, path, ret_facts, ret_fault);
	else
		err = look(root, sysroot, around, cmdline, ret_facts, ret_fault);
	close(root);
	return err;
}

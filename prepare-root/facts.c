/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "prepare-root/conf.h"
#include "prepare-root/join.h"
#include "prepare-root/path.h"
#include "prepare-root/step.h"

#ifndef ST_NOSYMFOLLOW
#define ST_NOSYMFOLLOW 0x2000 /* Linux, include/linux/statfs.h; musl's lacks it */
#endif

enum { CONFIG_MAX = 65536 };

static mode_t type_of(int dir, const char *path)
{
	struct stat st;

	return fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) ? 0 : st.st_mode & S_IFMT;
}

bool facts_mounted(int dir, const char *path)
{
	char parent[16];
	struct stat above, st;

	return join(parent, sizeof parent, path, "/..", NULL) >= 0 &&
	       !fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode) &&
	       !fstatat(dir, parent, &above, 0) && st.st_dev != above.st_dev;
}

int facts_cmdline(const char *proc, char ret_text[CMDLINE_MAX + 1], struct fault *ret_fault)
{
	char path[32];
	ssize_t got = -1, used = 0;
	int fd;

	ret_text[0] = 0;
	join(path, sizeof path, proc, "/cmdline", NULL);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		while ((got = read(fd, ret_text + used, (size_t)(CMDLINE_MAX - used))) > 0)
			used += got;
		close(fd);
	}
	if (got < 0)
		return fault(ret_fault, -errno, "cannot read the kernel command line from ", path,
			": ", strerror(errno), "; is /proc mounted?", NULL);
	if (used == CMDLINE_MAX)
		return fault(ret_fault, -E2BIG, "the kernel command line in ", path, " is too long",
			NULL);
	/* The kernel ends the line, and a quote left open would take that for part of the value. */
	ret_text[used] = 0;
	if (used && ret_text[used - 1] == '\n')
		ret_text[used - 1] = 0;
	return 0;
}

const char *facts_init(int root, const char *wanted, char ret_path[PATH_MAX])
{
	const char *const candidates[] = { wanted, "/sbin/init", "/etc/init", "/bin/init" };
	struct stat st;

	for (size_t i = !wanted; i < sizeof candidates / sizeof *candidates; i++)
		if (path_resolve(root, candidates[i], PATH_IN_ROOT, ret_path) >= 0 &&
			!fstatat(root, ret_path, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) &&
			st.st_mode & 0111)
			return candidates[i];
	return NULL;
}

/* Systemd mounts /var itself where libostree's generator tells it to. */
static bool systemd_mounts_var(int tree, const char *init)
{
	static const char systemd[] = "/systemd/systemd";
	size_t len = strlen(init);

	return len >= sizeof systemd && !strcmp(init + len - (sizeof systemd - 1), systemd) &&
	       type_of(tree, "usr/lib/systemd/system-generators/ostree-system-generator");
}

static char text[CONFIG_MAX]; /* one configuration file at a time */

/* Reads a file below dir into text. Returns its length or a negative errno. */
static ssize_t read_text(int dir, const char *path)
{
	char resolved[PATH_MAX];
	ssize_t used = 0, got = path_resolve(dir, path, PATH_IN_ROOT, resolved);
	int fd;

	if (got < 0)
		return got;
	fd = openat(dir, resolved, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	do {
		got = read(fd, text + used, (size_t)(CONFIG_MAX - used));
		used += got > 0 ? got : 0;
	} while (got > 0 && used < CONFIG_MAX);
	used = got < 0 ? -errno : got ? -EFBIG : used;
	close(fd);
	return used;
}

/*
 * An unreadable or malformed file is said and otherwise taken as not saying read-only: refusing to
 * boot over it would brick a device for a stray character.
 */
static bool sysroot_readonly(int root)
{
	static const char path[] = "ostree/repo/config";
	ssize_t len = read_text(root, path);
	struct where where = { 0 };
	char number[12];
	struct fault said;
	bool value = false;
	int err;

	err = len < 0 ? (int)len
		      : conf_bool(text, (size_t)len, "sysroot", "readonly", &value, &where);
	if (!err || err == -ENOENT)
		return !err && value;
	if (where.line)
		fault(&said, err, "/", path, ": line ", decimal(where.line, number), ": ",
			where.what, "; sysroot.readonly is taken as false", NULL);
	else
		fault(&said, err, "/", path, ": ", strerror(-err),
			"; sysroot.readonly is taken as false", NULL);
	log_line(LOG_LOUD, said.sentence);
	return false;
}

static bool fstab_has_var(int tree)
{
	ssize_t len = read_text(tree, "etc/fstab");

	return len > 0 && conf_fstab_has(text, (size_t)len, "/var");
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
	/* What is not said to mount(2) means relatime. */
	return ret & (MS_NOATIME | MS_RELATIME) ? ret : ret | MS_STRICTATIME;
}

/* The symbolic link that stands for the deployment, from an android boot slot or from ostree=. */
static const char *target(int root, const struct cmdline *cmdline)
{
	if (cmdline->slot && !strcmp(cmdline->slot, "_a") && type_of(root, "ostree/root.a"))
		return "/ostree/root.a";
	if (cmdline->slot && !strcmp(cmdline->slot, "_b") && type_of(root, "ostree/root.b"))
		return "/ostree/root.b";
	return cmdline->ostree;
}

static int find_deployment(int root, const char *link, struct facts *facts, struct fault *ret_fault)
{
	const char *hint;
	int err;

	if (!link)
		return fault(ret_fault, -EINVAL,
			"no ostree= on the kernel command line, so no deployment to boot: the boot "
			"loader entry must name one, ostree=/ostree/boot.0/... say",
			NULL);
	err = path_resolve(root, link, PATH_BENEATH, facts->deployment);
	if (err == 1 && type_of(root, facts->deployment) == S_IFDIR)
		return 0;
	hint = err == -EXDEV ? "it leaves the sysroot, which no deployment does"
	       : err == -ENOENT
		       ? "the link or what it points to is missing; boot another entry, and "
			 "see what ls -l /ostree/boot.* says there"
	       : err < 0 ? strerror(-err)
	       : err	 ? "it does not lead to a directory"
			 : "it is not a symbolic link, as libostree makes them";
	return fault(
		ret_fault, err < 0 ? err : -EINVAL, "cannot use ostree=", link, ": ", hint, NULL);
}

static int check_tree(
	int root, int tree, const char *link, struct facts *facts, struct fault *ret_fault)
{
	static const char *const needed[] = { "usr", "etc", "var", "run", "dev", "sysroot" };
	const char *end = facts->deployment + strlen(facts->deployment);
	int len;

	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (type_of(tree, needed[i]) != S_IFDIR)
			return fault(ret_fault, -ENOTDIR, "the deployment /", facts->deployment,
				" has no directory /", needed[i],
				": the tree was built without it and cannot become /", NULL);

	/* STATEROOT/deploy/CHECKSUM.SERIAL: the var of the stateroot is two steps up. */
	for (int steps = 2; steps && end > facts->deployment; steps--)
		while (end > facts->deployment && *--end != '/')
			;
	len = join(facts->var, sizeof facts->var, facts->deployment, NULL);
	if (len >= 0 && end > facts->deployment)
		len = join(facts->var + (end - facts->deployment),
			sizeof facts->var - (size_t)(end - facts->deployment), "/var", NULL);
	if (len < 0 || end == facts->deployment || type_of(root, facts->var) != S_IFDIR)
		return fault(ret_fault, -ENOENT, "ostree=", link, " leads to /", facts->deployment,
			", beside which there is no stateroot's var: is it in "
			"/ostree/deploy/STATEROOT/deploy, made by ostree admin?",
			NULL);
	return 0;
}

static int gather(
	int root, const struct cmdline *cmdline, struct facts *facts, struct fault *ret_fault)
{
	const char *link = target(root, cmdline);
	char init[PATH_MAX] = "";
	struct stat st;
	int tree, err;

	err = find_deployment(root, link, facts, ret_fault);
	if (err)
		return err;
	tree = openat(root, facts->deployment, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree < 0 || fstat(tree, &st))
		return fault(ret_fault, -errno, "cannot open the deployment /", facts->deployment,
			": ", strerror(errno), NULL);
	facts->device = st.st_dev;
	facts->inode = st.st_ino;
	err = check_tree(root, tree, link, facts, ret_fault);
	if (!err) {
		facts->flags = mount_flags(root);
		facts->dev_mounted = facts_mounted(root, "dev");
		facts->proc_mounted = facts_mounted(root, "proc");
		facts->sys_mounted = facts_mounted(root, "sys");
		facts->run_mounted = facts->world == WORLD_UTILITY ? facts_mounted(AT_FDCWD, "/run")
								   : facts_mounted(root, "run");
		facts->hotfix = type_of(tree, ".usr-ovl-work") == S_IFDIR;
		facts->boot =
			type_of(root, "boot/loader") == S_IFLNK && type_of(tree, "boot") == S_IFDIR;
		facts->init = facts_init(tree, cmdline->init, init);
		facts->mount_var = !systemd_mounts_var(tree, init) && !fstab_has_var(tree);
		facts->sysroot_readonly = sysroot_readonly(root);
		if (facts->world == WORLD_PID1 && cmdline->init && facts->init &&
			facts->init != cmdline->init) {
			fault(ret_fault, 0, "init=", cmdline->init,
				" is no executable file of the deployment; it boots with ",
				facts->init, NULL);
			log_line(LOG_LOUD, ret_fault->sentence);
		}
		if (facts->world == WORLD_PID1 && !facts->init)
			err = fault(ret_fault, -ENOENT, "the deployment /", facts->deployment,
				" has no init: looked for /sbin/init, /etc/init and /bin/init, "
				"executable files",
				NULL);
	}
	close(tree);
	return err;
}

int facts_gather(enum world world, const char *sysroot, const struct cmdline *cmdline,
	struct facts *ret_facts, struct fault *ret_fault)
{
	int root = open(sysroot, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mode_t ostree;
	int err = 0;

	*ret_facts =
		(struct facts){ .world = world, .sysroot = world == WORLD_PID1 ? "" : sysroot };
	if (root < 0)
		return fault(ret_fault, -errno, "cannot open ", sysroot, ": ", strerror(errno),
			"; it must be the mounted root file system", NULL);
	ostree = type_of(root, "ostree");
	ret_facts->prepared = ostree == S_IFLNK && type_of(root, "sysroot/ostree") == S_IFDIR;
	if (ret_facts->prepared)
		ret_facts->init = facts_init(root, cmdline->init, ret_facts->deployment);
	else if (ostree != S_IFDIR)
		err = fault(ret_fault, -ENOENT, sysroot,
			" has no directory ostree, so it is not the root file system of an OSTree "
			"system: check root= on the kernel command line",
			NULL);
	else
		err = gather(root, cmdline, ret_facts, ret_fault);
	close(root);
	return err;
}

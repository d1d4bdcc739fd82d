/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/realinit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "prepare-root/path.h"
#include "prepare-root/step.h"

const char *realinit_find(int root, const char *wanted, char ret_path[PATH_MAX])
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

const char *realinit_choose(int root, const char *tree, const char *path, const char *wanted,
	char ret_path[PATH_MAX], struct fault *ret_fault)
{
	const char *init = realinit_find(root, wanted, ret_path);

	if (!init)
		fault(ret_fault, 0, tree, path,
			" has no init: looked for an executable file /sbin/init, /etc/init or /bin/init; check root= and ostree= on the kernel command line",
			NULL);
	else if (wanted && init != wanted)
		log_parts(LOG_WARNING, "init=", wanted, " is not an executable file in ", tree,
			path, ": executing ", init, NULL);
	return init;
}

int realinit_execute(
	const char *init, char **argv, void (*before_init)(void), struct fault *ret_fault)
{
	const struct step exec = { STEP_EXEC, .target = init, .why = "the tree's init takes over" };
	size_t done;

	if (before_init)
		before_init();
	return step_run(&exec, 1, argv, &done, ret_fault);
}

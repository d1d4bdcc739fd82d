/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * repoconf: the configuration of the sysroot's repository.
 *
 * The file is ROOT/ostree/repo/config, a keyfile (ostree.repo-config(5)).
 */
#pragma once

/*
 * Reads sysroot.bootloader, which decides what libostree calls at a deployment. Returns 0 with
 * *ret_value to be freed, or NULL if it is not set; or a negative errno: -ENOENT if there is no
 * repository, -EINVAL if libostree could not read the file either.
 */
int repoconf_bootloader(int root_fd, char **ret_value);

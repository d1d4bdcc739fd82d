/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * repoconf: what the configuration of a sysroot's repository says to libostree.
 *
 * The file is ROOT/ostree/repo/config, a keyfile (ostree.repo-config(5)).
 */
#pragma once

/*
 * Reads sysroot.bootloader, by which libostree chooses what to call at a deployment. Returns 0 with
 * *ret_value to be freed, NULL where the file does not say; or a negative errno: -ENOENT where
 * there is no repository, -EINVAL for a file that libostree would not read either.
 */
int repoconf_bootloader(int root_fd, char **ret_value);

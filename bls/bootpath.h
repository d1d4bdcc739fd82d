/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bootpath: the path of a file, as an entry and as a boot loader name it.
 *
 * An entry's paths start at /boot, a loader's at the top of the file system that has /boot. The
 * prefix (sysroot.h) is the path between the two. With libostree's sysroot.bootprefix the entry's
 * paths begin with "/boot" already: with the whole prefix or its end. The functions are pure.
 */
#pragma once

/* An entry's path without the prefix, that is below /boot; points into path. */
const char *bootpath_below(const char *path, const char *prefix);

/* An entry's path with the prefix, once, as the loader needs it. To be freed; NULL without
 * memory. */
char *bootpath_make(const char *path, const char *prefix);

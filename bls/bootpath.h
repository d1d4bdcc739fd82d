/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bootpath: the path of a file as an entry, /boot and a boot loader have it.
 *
 * An entry's paths begin at /boot, a loader's at the top of the file system that /boot is in; the
 * prefix (sysroot.h) is the way between. With libostree's sysroot.bootprefix an entry has "/boot",
 * the whole prefix or its end, in its paths already. The functions are pure.
 */
#pragma once

/* The path of an entry as it is below /boot, without the prefix: a part of path. */
const char *bootpath_below(const char *path, const char *prefix);

/* The path of an entry as the loader needs it: with the prefix, once. To be freed; NULL without memory. */
char *bootpath_make(const char *path, const char *prefix);

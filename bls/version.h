/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * version: which of two version strings is the newer one.
 *
 * The comparison is that of the Version Format Specification (UAPI.10), the one by which the Boot
 * Loader Specification sorts. It orders all byte strings and needs no memory. In two places the
 * text of the specification and its implementation in systemd disagree, and systemd counts here,
 * because menus made by different programs should agree: "^" is older than anything but the end of
 * a string (1 < 1^1 < 1.1, as for rpm, from where it comes), and a number is newer than no number
 * even if it is 0 (a < 0).
 */
#pragma once

/* Below 0 if a is older than b, above 0 if it is newer, 0 if they are equal, as "01" and "1". */
int version_compare(const char *a, const char *b);

/*
 * The same for glibc's strverscmp(3), by which libostree sorts: numbers count as numbers, those
 * with a leading zero as what follows a decimal point, everything else as bytes. musl before 1.2.4
 * gives another answer where a number meets a letter.
 */
int version_compare_libostree(const char *a, const char *b);

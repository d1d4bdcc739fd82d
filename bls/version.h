/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * version: which of two version strings is newer.
 *
 * The order is that of the Version Format Specification (UAPI.10), which the Boot Loader
 * Specification sorts by. It covers all byte strings and needs no memory. In two points systemd
 * differs from the text of the specification, and this code follows systemd, so that different
 * programs make the same menu: "^" is older than anything but the end of a string (1 < 1^1 < 1.1,
 * as in rpm, where it comes from), and a number is newer than no number, even 0 (a < 0).
 */
#pragma once

/* Below 0 if a is older than b, above 0 if it is newer, 0 if they are equal, as "01" and "1". */
int version_compare(const char *a, const char *b);

/* The same for glibc's strverscmp(3), which libostree sorts by: numbers compare as numbers, numbers
 * with a leading zero as digits after a decimal point, all else as bytes. musl before 1.2.4 differs
 * where a number meets a letter. */
int version_compare_libostree(const char *a, const char *b);

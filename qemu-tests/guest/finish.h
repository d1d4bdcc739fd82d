/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of a guest: makes every file system clean, then powers the machine off or restarts it.
 * The probe and the init of `make try` share this, because the host checks the file systems of
 * both.
 */
#pragma once

/*
 * Writes everything out, unmounts all ext4 file systems except the root and remounts the root
 * read-only. Returns 0, or -errno of the first step that failed (EBUSY: a process still has a file
 * open for writing); the later steps are tried nevertheless.
 */
int finish_quiesce(void);

/* Ends the machine: CMD is RB_POWER_OFF, RB_AUTOBOOT or RB_HALT_SYSTEM of <sys/reboot.h>. */
void finish_machine(int cmd) __attribute__((noreturn));

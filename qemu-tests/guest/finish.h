/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of a guest: leaves every file system clean, then powers the machine off or restarts it.
 * Both guests (the probe and the init of the try-out) share it, because "clean after power-off" is
 * something the host checks, and must not depend on which of them ran.
 */
#pragma once

/*
 * Writes everything out, unmounts the ext4 partitions besides the root's and makes the root file
 * system read-only. Returns 0, or -errno of the first step that failed (EBUSY: a process still has
 * a file open for writing); the later steps are tried all the same.
 */
int finish_quiesce(void);

/* Ends the machine: CMD is RB_POWER_OFF, RB_AUTOBOOT or RB_HALT_SYSTEM of <sys/reboot.h>. */
void finish_machine(int cmd) __attribute__((noreturn));

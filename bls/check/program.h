/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * program: whether a kernel could execute a file: an ELF program or a script, and what interprets it.
 *
 * Nothing is said about what may be mounted only later, in which an interpreter may be.
 */
#pragma once

struct program {
	unsigned machine; /* EM_... of an ELF program; else 0 */
	char wrong[200];  /* a sentence about the path; empty if nothing is known to be wrong */
};

/* Looks at the program at path below dir_fd; its interpreter is looked for below root_fd, which is
 * "/" when it starts. Links are followed inside. Returns 0, or -1 with ret_program->wrong set. */
int program_look(int dir_fd, const char *path, int root_fd, struct program *ret_program);

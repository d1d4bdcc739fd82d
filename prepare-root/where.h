/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * where: what is wrong with a text, and in which line of it.
 */
#pragma once

struct where {
	unsigned line;	  /* counted from 1; 0 when no single line is to blame */
	const char *what; /* the middle of a sentence, in static memory */
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * typos: words of the kernel command line that nobody will read, because they are misspelt or were
 * meant for another program.
 */
#pragma once

#include "bls/check/subject.h"

/* Checks the names of the words, and the value of rootstock.onfail=. */
void typos_check(struct subject *subject);

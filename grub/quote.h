/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * quote: from the options of an entry to words that GRUB hands to the kernel unharmed.
 *
 * Three parties read a word. The kernel (Linux, lib/cmdline.c, next_arg) knows double quotes, which
 * may stand anywhere, are removed only around a whole word or a whole value, and cannot be escaped.
 * GRUB's shell (grub-core/script/yylex.l) leaves everything between single quotes alone, except
 * that the file reader drops every CR. GRUB's linux command (grub-core/lib/cmdline.c) puts double
 * quotes around a word with a blank in it and a backslash before each ", ' and \, and changes
 * nothing else.
 *
 * So: split as the kernel does, remove the quotes it would remove, and single-quote what is left.
 * The kernel then sees the same names and values as in the entry. What would arrive changed is
 * refused: a double quote that is left, ', \, CR, an empty word, a quote that is not closed, and,
 * of the bytes that are blanks to the kernel, those other than " " where only quotes kept them and
 * GRUB puts none (no " " in the word), or where they end a word for the kernel beside quotes.
 */
#pragma once

#include "bls/text.h"

/*
 * Takes the next word of a kernel command line off *rest and stores it without its quotes in word,
 * which has room for all of *rest. Returns false at the end. *ret_what is NULL for a word that
 * arrives as it is, else the reason why it does not.
 */
bool quote_next(const char **rest, char *word, const char **ret_what);

/* The bytes that GRUB's linux command makes of a word of quote_next. */
size_t quote_length(const char *word);

/* Adds a word as GRUB's shell reads it back, for any bytes but NUL and CR. */
void quote_add(struct text *text, const char *word);

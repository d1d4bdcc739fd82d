/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * quote: the options of an entry, as words that GRUB passes to the kernel unchanged.
 *
 * Three programs read a word. The kernel (Linux, lib/cmdline.c, next_arg) knows double quotes: they
 * may be anywhere, are removed only around a whole word or a whole value, and cannot be escaped.
 * GRUB's shell (grub-core/script/yylex.l) does not change anything between single quotes, except
 * that the file reader drops every CR. GRUB's linux command (grub-core/lib/cmdline.c) puts double
 * quotes around a word that has a " " in it, and a backslash before each ", ' and \.
 *
 * So a word is cut at " " and TAB outside quotes, the quotes that the kernel would remove are
 * removed, and the rest is put in single quotes. The kernel gets the names and values of the entry.
 * Words that would change are refused: with another double quote, ', \, CR, an unclosed quote, or
 * empty; and words with other bytes that the kernel takes for blanks (TAB, VT, FF, 0xa0), if they
 * are inside quotes and the word has no " ", so that GRUB does not quote it, or if the kernel would
 * start a new word there and the word has quotes. Such a byte outside quotes stays in its word,
 * because only the kernel takes it for a blank: 0xa0 is half of a UTF-8 letter. That is why the
 * words are not those of bls/kargs.h.
 */
#pragma once

#include "bls/text.h"

/*
 * Takes the next word off *rest and stores it in word without its quotes. word has room for all of
 * *rest. Returns false at the end. *ret_what is NULL if the kernel will get the word unchanged,
 * else the reason why not.
 */
bool quote_next(const char **rest, char *word, const char **ret_what);

/* The length that GRUB's linux command makes of a word of quote_next(). */
size_t quote_length(const char *word);

/* Adds a word in quotes, for GRUB's shell; the word has no NUL and no CR. */
void quote_add(struct text *text, const char *word);

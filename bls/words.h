/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* words: a list of words with blanks or TABs between them, as the value of a setting. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Takes the next word off the list. Returns its beginning and its length, or NULL at the end. */
const char *words_next(const char **list, size_t *ret_length);

/* True if the list, which may be NULL, has this word. */
bool words_have(const char *list, const char *word);

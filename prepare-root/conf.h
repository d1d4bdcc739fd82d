/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf: the keys of a configuration file whose text is in memory.
 *
 * The rules are those of GLib's GKeyFile, since libostree writes and reads the same files: groups
 * in brackets may repeat, the last value of a key wins, blanks around "=" are ignored, "#" starts a
 * comment line, and a boolean is true, false, 1 or 0, with or without blanks after it. What GLib
 * refuses to load is refused, with two exceptions: any byte outside ASCII is a letter here, and a
 * key "Encoding" is like any other.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "prepare-root/where.h"

/* Bytes of a longer text, without a zero byte at the end. */
struct span {
	const char *text;
	size_t len;
};

struct conf {
	struct span rest, group;
	unsigned line; /* of the key that was returned last */
};

struct conf_key {
	struct span group, name, value; /* the value with the blanks that end its line */
};

/* To be called once before conf_next. */
void conf_start(struct conf *conf, const char *text, size_t len);

/*
 * Takes the next key. Returns 1, or 0 at the end of the text, or -EINVAL with *ret_where filled if
 * the text breaks the rules above, after which conf must not be used.
 */
int conf_next(struct conf *conf, struct conf_key *ret_key, struct where *ret_where);

/* True if the key has this group and name. */
bool conf_is(const struct conf_key *key, const char *group, const char *name);

/* True if the bytes are those of word. */
bool span_is(struct span span, const char *word);

/* Reads true, false, 1 or 0, with or without blanks after it. Returns 0 or -EINVAL. */
int conf_truth(struct span value, bool *ret_value);

/*
 * Looks up a boolean. Returns 0 with *ret_value set, -ENOENT if the key is not there, or
 * -EINVAL with *ret_where filled if the text breaks the rules above.
 */
int conf_bool(const char *text, size_t len, const char *group, const char *key, bool *ret_value,
	struct where *ret_where);

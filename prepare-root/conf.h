/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf: the few configuration values that are read before init runs, out of text in memory.
 *
 * The keyfile rules are GLib's GKeyFile, since libostree writes and reads the same files: groups in
 * brackets may repeat, the last value of a key wins, blanks around "=" do not count, "#" starts a
 * comment line, and a truth value is true, false, 1 or 0 with nothing but blanks behind it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct where {
	unsigned line; /* counted from 1; 0 when no single line is to blame */
	const char *what;
};

/*
 * Looks up a truth value. Returns 0 with *ret_value set, -ENOENT if the key is not there, or
 * -EINVAL with *ret_where filled if the text breaks the rules above.
 */
int conf_bool(const char *text, size_t len, const char *group, const char *key, bool *ret_value,
	struct where *ret_where);

/* True if a line of this fstab(5) text mounts something at target, given without trailing "/". */
bool conf_fstab_has(const char *text, size_t len, const char *target);

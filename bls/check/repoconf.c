/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/repoconf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bls/file.h"
#include "bls/text.h"
#include "prepare-root/conf.h"
#include "prepare-root/path.h"

enum { FILE_SIZE_MAX = 65536 };

/* The last value counts. */
static int find(const struct text *text, struct span *ret_value)
{
	struct conf conf;
	struct conf_key key;
	struct where where;
	int err;

	conf_start(&conf, text->bytes, text->size);
	while ((err = conf_next(&conf, &key, &where)) > 0)
		if (conf_is(&key, "sysroot", "bootloader"))
			*ret_value = key.value;
	return err;
}

int repoconf_bootloader(int root_fd, char **ret_value)
{
	char path[PATH_MAX];
	struct text text = { 0 };
	struct span value = { 0 };
	int err = path_resolve(root_fd, "ostree/repo/config", PATH_IN_ROOT, path);

	*ret_value = NULL;
	if (err >= 0)
		err = file_add(root_fd, path, FILE_SIZE_MAX, &text);
	if (!err)
		err = find(&text, &value);
	/* With the blanks at its end: libostree knows no such loader. */
	if (!err && value.text) {
		*ret_value = strndup(value.text, value.len);
		err = *ret_value ? 0 : -ENOMEM;
	}
	text_free(&text);
	return err;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keyfiles against GLib's own reader, and fstab lines. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "prepare-root/conf.h"

static const char *const keyfiles[] = {
	"",
	"[sysroot]\nreadonly=true\n",
	"[sysroot]\nreadonly=true",
	"[sysroot]\nreadonly = true\n",
	"[sysroot]\n  readonly\t=\t1  \n",
	"[sysroot]\nreadonly=false\n",
	"[sysroot]\nreadonly=0\n",
	/* One of libostree's own, with a comment. */
	"# c\n\n[core]\nmode=bare\n\n[sysroot]\nreadonly=true\n[remote \"x\"]\nurl=a=b\n",
	"[core]\nreadonly=true\n",
	"[sysroot]\nreadonly=true\nreadonly=false\n",
	"[sysroot]\nreadonly=false\n[core]\n[sysroot]\nreadonly=true\n",
	"[sysroot]\n#readonly=true\n",
	"[sysroot]\nreadonly2=true\n",
	"[sysroot]\nreadonly=true\r\n",
	"[ sysroot ]\nreadonly=true\n",
	"[Sysroot]\nreadonly=true\n",
	"[sysroot]\nreadonly=yes\n",
	"[sysroot]\nreadonly=yes\nreadonly=true\n",
	"[sysroot]\nreadonly=true\nreadonly=yes\n",
	"[]\nreadonly=true\n",
	"[sysroot]\nreadonly=TRUE\n",
	"[sysroot]\nreadonly=true x\n",
	"[sysroot]\nreadonly=\n",
	"readonly=true\n",
	"[sysroot\nreadonly=true\n",
	"[sysroot]\nnonsense\nreadonly=true\n",
};

/* 1 or 0 for the value, -1 where there is none, -2 where there is an error. */
static int ask_glib(const char *text)
{
	GKeyFile *file = g_key_file_new();
	GError *error = NULL;
	int ret;

	if (!g_key_file_load_from_data(file, text, strlen(text), G_KEY_FILE_NONE, &error))
		ret = -2;
	else if (ret = g_key_file_get_boolean(file, "sysroot", "readonly", &error), error)
		ret = error->code == G_KEY_FILE_ERROR_KEY_NOT_FOUND ||
				      error->code == G_KEY_FILE_ERROR_GROUP_NOT_FOUND
			      ? -1
			      : -2;
	g_clear_error(&error);
	g_key_file_free(file);
	return ret;
}

static void agrees_with_glib(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof keyfiles / sizeof *keyfiles; i++) {
		struct where where;
		bool value = false;
		int err = conf_bool(
			keyfiles[i], strlen(keyfiles[i]), "sysroot", "readonly", &value, &where);
		int ours = !err ? value : err == -ENOENT ? -1 : -2;

		if (ours != ask_glib(keyfiles[i]))
			fail_msg("%d instead of %d for:\n%s", ours, ask_glib(keyfiles[i]),
				keyfiles[i]);
	}
}

static void names_the_line(void **state)
{
	static const char text[] = "[core]\n\n[sysroot]\nreadonly=maybe\n";
	struct where where;
	bool value;

	(void)state;
	assert_int_equal(
		conf_bool(text, sizeof text - 1, "sysroot", "readonly", &value, &where), -EINVAL);
	assert_int_equal(where.line, 4);
	assert_non_null(where.what);
}

static void finds_fstab_lines(void **state)
{
	static const struct {
		const char *text;
		bool found;
	} cases[] = {
		{ "", false },
		{ "LABEL=v /var ext4 defaults 0 2\n", true },
		{ "LABEL=v /var ext4", true },
		{ "LABEL=v\t/var/ \text4\n", true },
		{ " LABEL=v  /var ext4\n", true },
		{ "#LABEL=v /var ext4\n", false },
		{ "# LABEL=v /var ext4\n", false },
		{ "LABEL=v /var/lib ext4\n", false },
		{ "LABEL=v /variable ext4\n", false },
		{ "/var /mnt ext4\n", false },
		{ "LABEL=v\n/var\n", false },
		{ "LABEL=r / ext4\nLABEL=v /var ext4\n", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(conf_fstab_has(cases[i].text, strlen(cases[i].text), "/var"),
			cases[i].found);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_glib),
		cmocka_unit_test(names_the_line),
		cmocka_unit_test(finds_fstab_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

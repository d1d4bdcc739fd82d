/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Our reader of keyfiles gives the same results as GLib's. */
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
	/* A repository's configuration, with a comment. */
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
	/* Blanks, ends of lines, comments. */
	"\r\n[sysroot]\r\nreadonly=true\r\n",
	"[sysroot]\r\r\nreadonly=true\n",
	"[sysroot] \t\nreadonly=true\n",
	"  [sysroot]\n\f readonly = \f true \f\n",
	"[sysroot]\nreadonly\v=true\n",
	"[sysroot]\nreadonly=true\v\n",
	"[sysroot]\nreadonly=true # really\n",
	" # c\n[sysroot]\n \n\t# c\nreadonly=true\n",
	"; c\n[sysroot]\nreadonly=true\n",
	/* Groups and their names. */
	"[sysroot]x\nreadonly=true\n",
	"[sys[root]\nreadonly=true\n",
	"[sys]root]\nreadonly=true\n",
	"[[sysroot]]\nreadonly=true\n",
	"[a\tb]\n[sysroot]\nreadonly=true\n",
	"[a=b]\n[sysroot]\nreadonly=true\n",
	"[sysroot]\n[x\n",
	"[sysroot]\n[x=y\n",
	"[sysroot]\nreadonly=true\n[other]\nreadonly=false\n[sysroot]\nx=y\n",
	/* Names of keys, with languages. */
	"[sysroot]\nreadonly[de]=false\nreadonly=true\n",
	"[sysroot]\nreadonly[de]=true\n",
	"[sysroot]\nreadonly [de]=true\n",
	"[sysroot]\nreadonly[de=true\n",
	"[sysroot]\nreadonly]=true\n",
	"[sysroot]\nreadonly[]=true\n",
	"[sysroot]\nreadonly[d e]=true\n",
	"[sysroot]\nreadonly[de_DE.UTF-8@euro]=true\n",
	"[sysroot]\nreadonly[de]x=true\n",
	"[sysroot]\nread only=true\n",
	"[sysroot]\n=true\n",
	"[sysroot]\n \t=true\n",
	"[sysroot]\n[de]=true\n",
	/* Values: no lists, no escapes, nothing empty. */
	"[sysroot]\nreadonly=true;\n",
	"[sysroot]\nreadonly=true;false\n",
	"[sysroot]\nreadonly=tr\\x75e\n",
	"[sysroot]\nreadonly=\\strue\n",
	"[sysroot]\nreadonly==true\n",
	"[sysroot]\nreadonly=\"true\"\n",
	"[sysroot]\nreadonly=01\n",
	"[sysroot]\nreadonly= 1\n",
};

/* Returns 1 or 0 for the value, -1 if there is none, -2 for an error. */
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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_glib),
		cmocka_unit_test(names_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

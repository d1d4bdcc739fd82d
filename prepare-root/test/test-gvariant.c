/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Our a{sv} has the same bytes as GLib's, and GLib reads it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "prepare-root/gvariant.h"

static uint8_t bytes[200000];

/* A dictionary with a string of len bytes; the width of the offsets depends on its size. */
static void same_bytes_as_glib(size_t len)
{
	struct gvariant dict = { .bytes = bytes, .size = sizeof bytes };
	const uint64_t pair[] = { 0xfe00, 0x123456789abcdef };
	const uint8_t yes = 1, no = 0;
	char *text = g_strnfill(len, 'x');
	GVariantBuilder builder;
	GVariant *judge, *read;
	int size;

	gvariant_add(&dict, "backing-root-device-inode", "(tt)", pair, sizeof pair);
	gvariant_add(&dict, "composefs", "b", &yes, 1);
	gvariant_add(&dict, "transient-etc", "s", text, len + 1);
	gvariant_add(&dict, "sysroot-ro", "b", &no, 1);
	size = gvariant_end(&dict);
	assert_true(size > 0);

	g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
	g_variant_builder_add(&builder, "{sv}", "backing-root-device-inode",
		g_variant_new("(tt)", pair[0], pair[1]));
	g_variant_builder_add(&builder, "{sv}", "composefs", g_variant_new_boolean(TRUE));
	g_variant_builder_add(&builder, "{sv}", "transient-etc", g_variant_new_string(text));
	g_variant_builder_add(&builder, "{sv}", "sysroot-ro", g_variant_new_boolean(FALSE));
	judge = g_variant_ref_sink(g_variant_builder_end(&builder));
	assert_int_equal(size, g_variant_get_size(judge));
	assert_memory_equal(bytes, g_variant_get_data(judge), (size_t)size);

	read = g_variant_ref_sink(g_variant_new_from_data(
		G_VARIANT_TYPE_VARDICT, bytes, (gsize)size, FALSE, NULL, NULL));
	assert_true(g_variant_is_normal_form(read));
	assert_true(g_variant_equal(read, judge));
	g_variant_unref(read);
	g_variant_unref(judge);
	g_free(text);
}

static void every_size_of_offsets(void **state)
{
	(void)state;
	for (size_t len = 0; len < 400; len++)
		same_bytes_as_glib(len);
	for (size_t len = 65200; len < 65536; len++)
		same_bytes_as_glib(len);
}

static void empty(void **state)
{
	struct gvariant dict = { .bytes = bytes, .size = sizeof bytes };

	(void)state;
	assert_int_equal(gvariant_end(&dict), 0);
}

static void too_small_is_an_error(void **state)
{
	(void)state;
	for (size_t size = 0; size < 32; size++) {
		struct gvariant dict = { .bytes = bytes, .size = size };

		gvariant_add(&dict, "sysroot-ro", "b", "", 1);
		assert_int_equal(gvariant_end(&dict), size < 21 ? -ENOSPC : 21);
	}
}

static void too_many_is_an_error(void **state)
{
	struct gvariant dict = { .bytes = bytes, .size = sizeof bytes };

	(void)state;
	for (int i = 0; i < 17; i++)
		gvariant_add(&dict, "k", "b", "", 1);
	assert_int_equal(gvariant_end(&dict), -ENOSPC);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_of_offsets),
		cmocka_unit_test(empty),
		cmocka_unit_test(too_small_is_an_error),
		cmocka_unit_test(too_many_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/json.h"

#include "bls/utf8.h"

static void add_quoted(struct text *text, const char *string)
{
	text_add(text, "\"");
	while (*string) {
		unsigned code;
		size_t length = utf8_decode(string, &code);

		if (!length) {
			text_add(text, "\xef\xbf\xbd");
			length = 1;
		} else if (utf8_is_control(code) || code == '"' || code == '\\') {
			text_print(text, "\\u%04x", code & 0xffff);
		} else {
			text_add_bytes(text, string, length);
		}
		string += length;
	}
	text_add(text, "\"");
}

static void begin_value(struct json *json, const char *name)
{
	if (json->after_value)
		text_add(json->text, ",");
	json->after_value = true;
	if (!name)
		return;
	add_quoted(json->text, name);
	text_add(json->text, ":");
}

void json_open(struct json *json, const char *name, char bracket)
{
	begin_value(json, name);
	text_add_bytes(json->text, &bracket, 1);
	json->after_value = false;
}

void json_close(struct json *json, char bracket)
{
	text_add_bytes(json->text, &bracket, 1);
	json->after_value = true;
}

void json_string(struct json *json, const char *name, const char *value)
{
	begin_value(json, name);
	add_quoted(json->text, value);
}

void json_number(struct json *json, const char *name, long value)
{
	begin_value(json, name);
	text_print(json->text, "%ld", value);
}

void json_bool(struct json *json, const char *name, bool value)
{
	begin_value(json, name);
	text_add(json->text, value ? "true" : "false");
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/conf.h"

#include <errno.h>
#include <string.h>

struct span {
	const char *text;
	size_t len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim(struct span s)
{
	while (s.len && is_blank(*s.text))
		s.text++, s.len--;
	while (s.len && is_blank(s.text[s.len - 1]))
		s.len--;
	return s;
}

static bool equal(struct span s, const char *word)
{
	return s.len == strlen(word) && !memcmp(s.text, word, s.len);
}

/* Cuts the first line off rest; false when nothing is left. */
static bool next_line(struct span *rest, struct span *ret_line)
{
	const char *end;

	if (!rest->len)
		return false;
	end = memchr(rest->text, '\n', rest->len);
	ret_line->text = rest->text;
	ret_line->len = end ? (size_t)(end - rest->text) : rest->len;
	rest->text += ret_line->len + (end != NULL);
	rest->len -= ret_line->len + (end != NULL);
	return true;
}

static int truth(struct span value, bool *ret_value)
{
	*ret_value = equal(value, "true") || equal(value, "1");
	return *ret_value || equal(value, "false") || equal(value, "0") ? 0 : -EINVAL;
}

/* A line is empty or a comment, a group, or a key; -EINVAL with what else it is. */
static int check_line(struct span line, bool any_group, struct where *where)
{
	if (!line.len || *line.text == '#')
		return 0;
	if (*line.text == '[')
		where->what = line.len > 2 && line.text[line.len - 1] == ']'
				      ? NULL
				      : "a group without a name or its closing bracket";
	else if (!any_group || !memchr(line.text, '=', line.len))
		where->what = "neither a comment, a group nor a key of a group";
	return where->what ? -EINVAL : 0;
}

int conf_bool(const char *text, size_t len, const char *group, const char *key, bool *ret_value,
	struct where *ret_where)
{
	struct span rest = { text, len }, line, value = { 0 };
	bool inside = false, any_group = false;
	unsigned found = 0;
	int err;

	*ret_where = (struct where){ 0 };
	while (next_line(&rest, &line)) {
		const char *equals;

		ret_where->line++;
		line = trim(line);
		err = check_line(line, any_group, ret_where);
		if (err)
			return err;
		if (line.len && *line.text == '[') {
			any_group = true;
			inside = equal((struct span){ line.text + 1, line.len - 2 }, group);
			continue;
		}
		equals = line.len && *line.text != '#' ? memchr(line.text, '=', line.len) : NULL;
		if (inside && equals &&
			equal(trim((struct span){ line.text, (size_t)(equals - line.text) }),
				key)) {
			found = ret_where->line;
			value.text = equals + 1;
			value.len = line.len - (size_t)(value.text - line.text);
		}
	}
	if (!found)
		return -ENOENT;
	err = truth(trim(value), ret_value);
	if (err)
		*ret_where = (struct where){ found, "a truth value must be true or false" };
	return err;
}

/* Takes the next field of an fstab line; an empty one at the end. */
static struct span next_field(struct span *line)
{
	struct span field;

	*line = trim(*line);
	field.text = line->text;
	for (field.len = 0; field.len < line->len && !is_blank(line->text[field.len]);)
		field.len++;
	line->text += field.len;
	line->len -= field.len;
	return field;
}

bool conf_fstab_has(const char *text, size_t len, const char *target)
{
	struct span rest = { text, len }, line, field;

	while (next_line(&rest, &line)) {
		field = next_field(&line);
		if (field.len && *field.text == '#')
			continue;
		field = next_field(&line);
		while (field.len > 1 && field.text[field.len - 1] == '/')
			field.len--;
		if (equal(field, target))
			return true;
	}
	return false;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/conf.h"

#include <errno.h>
#include <string.h>

/* As GLib's g_ascii_isspace(), without the line feed, which ends a line. */
static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f';
}

static bool is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (unsigned char)c >= 0x80;
}

static struct span trim_start(struct span s)
{
	while (s.len && is_blank(*s.text))
		s.text++, s.len--;
	return s;
}

static struct span trim_end(struct span s)
{
	while (s.len && is_blank(s.text[s.len - 1]))
		s.len--;
	return s;
}

bool span_is(struct span span, const char *word)
{
	return span.len == strlen(word) && !memcmp(span.text, word, span.len);
}

/* Cuts the first line off rest, without its end, LF or CR LF; false when nothing is left. */
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
	if (end && ret_line->len && end[-1] == '\r')
		ret_line->len--;
	return true;
}

/* Reads the line "[name]". Returns what is wrong with it, or NULL. */
static const char *take_group(struct span line, struct span *ret_group)
{
	const char *close = memchr(line.text, ']', line.len);
	size_t after = close ? (size_t)(line.text + line.len - close) : 0;

	if (!close)
		return "a group without its closing bracket";
	while (after > 1 && (close[after - 1] == ' ' || close[after - 1] == '\t'))
		after--;
	if (after > 1)
		return "there is text after the group's closing bracket";
	*ret_group = (struct span){ line.text + 1, (size_t)(close - line.text) - 1 };
	if (!ret_group->len)
		return "a group without a name";
	for (size_t i = 0; i < ret_group->len; i++)
		if (ret_group->text[i] == '[' || is_control(ret_group->text[i]))
			return "a group name must not contain brackets or control characters";
	return NULL;
}

/* True for a name, with or without a language in brackets. */
static bool is_key_name(struct span name)
{
	size_t i = 0;

	while (i < name.len && name.text[i] != '[' && name.text[i] != ']')
		i++;
	if (!i || name.text[i - 1] == ' ')
		return false;
	if (i == name.len)
		return true;
	if (name.text[i++] == ']')
		return false;
	while (i < name.len && (is_letter(name.text[i]) || memchr("-_.@", name.text[i], 4)))
		i++;
	return i + 1 == name.len && name.text[i] == ']';
}

/* Reads a line with a "=". Returns what is wrong with it, or NULL. */
static const char *take_key(const struct conf *conf, struct span line, struct conf_key *ret_key)
{
	const char *equals = memchr(line.text, '=', line.len);
	size_t len = (size_t)(equals - line.text);

	if (!conf->group.text)
		return "a key before the first group";
	ret_key->group = conf->group;
	ret_key->name = trim_end((struct span){ line.text, len });
	ret_key->value = trim_start((struct span){ equals + 1, line.len - len - 1 });
	return is_key_name(ret_key->name) ? NULL : "this is not a valid key name";
}

void conf_start(struct conf *conf, const char *text, size_t len)
{
	*conf = (struct conf){ .rest = { text, len } };
}

int conf_next(struct conf *conf, struct conf_key *ret_key, struct where *ret_where)
{
	struct span line;

	ret_where->what = NULL;
	while (!ret_where->what && next_line(&conf->rest, &line)) {
		ret_where->line = ++conf->line;
		line = trim_start(line);
		if (!line.len || *line.text == '#')
			continue;
		if (*line.text == '[')
			ret_where->what = take_group(line, &conf->group);
		else if (*line.text == '=' || !memchr(line.text, '=', line.len))
			ret_where->what = "neither a comment, a group nor a key of a group";
		else if (!(ret_where->what = take_key(conf, line, ret_key)))
			return 1;
	}
	return ret_where->what ? -EINVAL : 0;
}

bool conf_is(const struct conf_key *key, const char *group, const char *name)
{
	return span_is(key->group, group) && span_is(key->name, name);
}

int conf_truth(struct span value, bool *ret_value)
{
	value = trim_end(value);
	*ret_value = span_is(value, "true") || span_is(value, "1");
	return *ret_value || span_is(value, "false") || span_is(value, "0") ? 0 : -EINVAL;
}

int conf_bool(const char *text, size_t len, const char *group, const char *key, bool *ret_value,
	struct where *ret_where)
{
	struct span value = { 0 };
	struct conf_key found;
	struct conf conf;
	unsigned line = 0;
	int err;

	conf_start(&conf, text, len);
	while ((err = conf_next(&conf, &found, ret_where)) > 0)
		if (conf_is(&found, group, key)) {
			value = found.value;
			line = conf.line;
		}
	if (err)
		return err;
	if (!line)
		return -ENOENT;
	err = conf_truth(value, ret_value);
	if (err)
		*ret_where = (struct where){ line, "the value must be true or false" };
	return err;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/rootconf.h"

#include <errno.h>
#include <string.h>

#include "prepare-root/conf.h"
#include "prepare-root/join.h"

/* Of warnings: a file may have thousands of keys, and the console may be a serial line. */
enum { LINES_MAX = 16 };

/* Values of composefs.enabled; libostree allows no blanks after them. */
static const struct {
	const char *word;
	enum { PLAIN, MAYBE, REFUSED } meaning;
} composefs[] = {
	{ "no", PLAIN },
	{ "false", PLAIN },
	{ "0", PLAIN },
	{ "maybe", MAYBE },
	{ "yes", REFUSED },
	{ "true", REFUSED },
	{ "1", REFUSED },
	{ "verity", REFUSED },
	{ "signed", REFUSED },
};

/* A span as a string, cut where a sentence would cut it. */
struct word {
	char text[256];
};

static struct word word(struct span span)
{
	struct word ret = { "" };

	memcpy(ret.text, span.text, span.len < sizeof ret.text ? span.len : sizeof ret.text - 1);
	return ret;
}

/* where names the file and the line, or the command line. */
static int check_composefs(
	const char *where, const char *key, struct span value, struct fault *ret_fault)
{
	for (size_t i = 0; i < sizeof composefs / sizeof *composefs; i++) {
		if (!span_is(value, composefs[i].word))
			continue;
		if (composefs[i].meaning == REFUSED)
			return fault(ret_fault, -EOPNOTSUPP, where, key, "=", composefs[i].word,
				" asks for composefs, which this version does not have, and a boot without it would lack the protection that was asked for; no or maybe boots without it",
				NULL);
		if (composefs[i].meaning == MAYBE) {
			log_parts(LOG_WARNING, where, key,
				"=maybe: this version does not have composefs, booting without it",
				NULL);
		}
		return 0;
	}
	return fault(ret_fault, -EINVAL, where, key, "=", word(value).text,
		" is not understood, and may ask for protection: it must be no, maybe, yes, verity or signed",
		NULL);
}

/* value is NULL for a word that is not on the command line. */
static int check_word(const char *name, const char *value, struct fault *ret_fault)
{
	return value ? check_composefs("kernel command line: ", name,
			       (struct span){ value, strlen(value) }, ret_fault)
		     : 0;
}

int rootconf_cmdline(const struct cmdline *cmdline, struct fault *ret_fault)
{
	int err;

	if (cmdline->unknown) {
		log_parts(LOG_WARNING, "kernel command line: ", cmdline->unknown,
			" is not known to this version and is ignored", NULL);
	}
	err = check_word(CMDLINE_COMPOSEFS, cmdline->composefs, ret_fault);
	/* Its values may name a key, a digest or no more than "on". */
	if (!err && cmdline->ot_composefs && strcmp(cmdline->ot_composefs, "off") != 0)
		err = check_word(CMDLINE_OT_COMPOSEFS, cmdline->ot_composefs, ret_fault);
	return err;
}

/* "NAME: line N: " */
static const char *place(char ret_text[256], const char *name, unsigned line)
{
	char number[12];

	join(ret_text, 256, name, ": line ", decimal(line, number), ": ", NULL);
	return ret_text;
}

/* Warns about a key that has no effect, unless it switches off what this version lacks. */
static void warn_ignored(const char *where, const struct conf_key *key)
{
	bool on = true;

	if ((conf_is(key, "etc", "transient") || conf_is(key, "root", "transient") ||
		    conf_is(key, "root", "transient-ro") || conf_is(key, "sysroot", "readonly")) &&
		!conf_truth(key->value, &on) && !on)
		return;
	log_parts(LOG_WARNING, where, word(key->group).text, ".", word(key->name).text, "=",
		word(key->value).text,
		conf_is(key, "sysroot", "readonly")
			? ": ignored, since only the initramfs' own file and /ostree/repo/config decide this"
			: " is not acted on by this version",
		NULL);
}

/* libostree refuses a file that is not UTF-8. Returns the line of the first bad byte, or 0. */
static unsigned line_of_bad_byte(const char *text, size_t len)
{
	unsigned line = 1;

	for (size_t i = 0; i < len;) {
		unsigned char c = (unsigned char)text[i++];
		size_t more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		/* The second byte has narrower bounds: no overlong forms, surrogates, > U+10FFFF. */
		unsigned char low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
		unsigned char high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;

		if (!c || (c >= 0x80 && c < 0xc2) || c > 0xf4 || more > len - i)
			return line;
		for (; more; more--, i++, low = 0x80, high = 0xbf)
			if ((unsigned char)text[i] < low || (unsigned char)text[i] > high)
				return line;
		line += c == '\n';
	}
	return 0;
}

int rootconf_file(
	const char *name, const char *text, size_t len, bool *ret_readonly, struct fault *ret_fault)
{
	struct span enabled = { 0 }, readonly = { 0 };
	struct where where = { .line = line_of_bad_byte(text, len), .what = "this is not UTF-8" };
	unsigned enabled_line = 0, readonly_line = 0, lines = 0;
	struct conf_key key;
	struct conf conf;
	char buffer[256];
	int err = where.line ? -EINVAL : 0;

	conf_start(&conf, text, len);
	while (!err && (err = conf_next(&conf, &key, &where)) > 0) {
		err = 0;
		if (conf_is(&key, "composefs", "enabled")) {
			enabled = key.value;
			enabled_line = conf.line;
		} else if (ret_readonly && conf_is(&key, "sysroot", "readonly")) {
			readonly = key.value;
			readonly_line = conf.line;
		} else if (lines++ < LINES_MAX) {
			warn_ignored(place(buffer, name, conf.line), &key);
		}
	}
	if (!err && readonly_line) {
		where = (struct where){
			readonly_line,
			"sysroot.readonly must be true or false; it may ask for protection, so it is not ignored"
		};
		err = conf_truth(readonly, ret_readonly);
	}
	if (err)
		return fault(ret_fault, err, place(buffer, name, where.line), where.what, NULL);
	if (!enabled_line)
		return 0;
	return check_composefs(
		place(buffer, name, enabled_line), "composefs.enabled", enabled, ret_fault);
}

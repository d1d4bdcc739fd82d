/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/keys.h"

#include <string.h>
#include <unistd.h>

enum { LOOK_MAX = 64 << 10 };

static gboolean begins(const guint8 *bytes, gsize size, const char *text)
{
	const gsize length = strlen(text);

	return size >= length && !memcmp(bytes, text, length);
}

/* A line such as -----BEGIN RSA PRIVATE KEY-----, with a key after it: programs and manuals have the
 * words alone. */
static gboolean is_pem_header(const guint8 *line, gsize size)
{
	static const char start[] = "-----BEGIN ", end[] = "PRIVATE KEY";
	const guint8 *feed = memchr(line, '\n', size);
	gsize length, base64 = 0;

	if (!feed || !begins(line, size, start))
		return FALSE;
	length = (gsize)(feed - line);
	if (!memmem(line, length, end, strlen(end)) ||
		line[length - 1 - (line[length - 1] == '\r')] != '-')
		return FALSE;
	for (const guint8 *at = feed + 1; at < line + size; at++)
		if (g_ascii_isalnum(*at) || *at == '+' || *at == '/' || *at == '=')
			base64++;
		else if (!strchr("\r\n:-, ", *at) || !*at)
			break;
	return base64 >= 40;
}

static gboolean has_pem(const guint8 *bytes, gsize size)
{
	const guint8 *line = bytes, *feed;

	while (line) {
		if (is_pem_header(line, size - (gsize)(line - bytes)))
			return TRUE;
		feed = memchr(line, '\n', size - (gsize)(line - bytes));
		line = feed && feed + 1 < bytes + size ? feed + 1 : NULL;
	}
	return FALSE;
}

/* The bytes after the header of a DER sequence of the length of the file, or NULL. */
static const guint8 *der_sequence(const guint8 *bytes, gsize size)
{
	if (size < 8 || bytes[0] != 0x30)
		return NULL;
	return bytes[1] < 0x80	  ? bytes + 2
	       : bytes[1] == 0x81 ? bytes + 3
	       : bytes[1] == 0x82 ? bytes + 4
				  : NULL;
}

static const char *in_der(const guint8 *bytes, gsize size)
{
	const guint8 *inside = der_sequence(bytes, size);
	const gsize left = inside ? size - (gsize)(inside - bytes) : 0;

	if (left < 16)
		return NULL;
	/* Version 0, then an algorithm (PKCS #8) or the modulus of 1024 bits or more (PKCS #1). */
	if (!memcmp(inside, "\2\1\0\x30", 4) && (inside[5] == 6))
		return "a private key in DER (PKCS #8)";
	if (!memcmp(inside, "\2\1\0\2", 4) && (inside[4] == 0x81 || inside[4] == 0x82))
		return "a private key in DER (PKCS #1)";
	/* Version 1, then the key as an octet string. */
	if (!memcmp(inside, "\2\1\1\4", 4) && inside[4] >= 28 && inside[4] <= 66)
		return "a private key in DER (SEC 1)";
	if (!memcmp(inside, "\2\1\3\x30", 4))
		return "a keyring in DER (PKCS #12)";
	return NULL;
}

/* A secret key packet of version 4 or later, with its time of creation after 1990. */
static gboolean is_openpgp(const guint8 *bytes, gsize size)
{
	gsize header;

	if (size < 32)
		return FALSE;
	if (bytes[0] >= 0x94 && bytes[0] <= 0x97)
		header = bytes[0] == 0x94 ? 2 : bytes[0] == 0x95 ? 3 : 5;
	else if (bytes[0] == 0xc5)
		header = bytes[1] < 192 ? 2 : bytes[1] < 224 ? 3 : 6;
	else
		return FALSE;
	return bytes[header] >= 4 && bytes[header] <= 6 && bytes[header + 1] >= 0x25;
}

/* The names of the algorithms come first in Dropbear's host keys, and in OpenSSH's public keys in no
 * file of this form. */
static gboolean is_dropbear(const guint8 *bytes, gsize size)
{
	static const char *const names[] = { "ssh-rsa", "ssh-dss", "ssh-ed25519", "ecdsa-sha2-" };

	if (size < 64 || bytes[0] || bytes[1] || bytes[2])
		return FALSE;
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
		if (begins(bytes + 4, size - 4, names[i]))
			return TRUE;
	return FALSE;
}

const char *keys_in_bytes(const guint8 *bytes, gsize size)
{
	const char *der = in_der(bytes, size);

	if (der)
		return der;
	if (has_pem(bytes, size))
		return "a private key in PEM";
	if (is_openpgp(bytes, size))
		return "a secret key of OpenPGP";
	if (is_dropbear(bytes, size))
		return "a private key of Dropbear";
	if (memmem(bytes, MIN(size, 4096), "(private-key", 12) ||
		memmem(bytes, MIN(size, 4096), "(21:protected-private-key", 25) ||
		memmem(bytes, MIN(size, 4096), "(protected-private-key", 22))
		return "a private key of gpg-agent";
	return NULL;
}

const char *keys_in(int content)
{
	g_autofree guint8 *bytes = g_malloc(LOOK_MAX);
	gsize size = 0;
	ssize_t n;

	while (size < LOOK_MAX &&
		(n = pread(content, bytes + size, LOOK_MAX - size, (off_t)size)) > 0)
		size += (gsize)n;
	return keys_in_bytes(bytes, size);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keys: files with a private key in them, which must not get into a repository that is served.
 *
 * Known are PEM (RFC 7468), also OpenSSH's and armoured OpenPGP; OpenPGP secret keys (RFC 4880, 5.5)
 * and gpg-agent's; DER by PKCS #1, #8 and #12 and SEC 1; and Dropbear's.
 */
#pragma once

#include <glib.h>

/* What kind of key it is, as "a private key in PEM"; NULL: none is seen. Looks at no more than the
 * first 64 KiB of an open file, and keeps its position. */
const char *keys_in(int content);

/* The same for bytes. */
const char *keys_in_bytes(const guint8 *bytes, gsize size);

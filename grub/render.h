/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * render: a menu as a grub.cfg.
 *
 * The file is made for GRUB 2.06 and later on every platform, needs of its modules only test, and
 * is the same for the same menu. An entry first looks whether its files are there, because GRUB
 * goes to the next entry of its fallback list only when it has nothing to boot, and boots a kernel
 * without its initrd when only that is missing. Where GRUB has no test command the entry is booted
 * unchecked. The last line is RENDER_MARK: a file without it was not written to its end.
 */
#pragma once

#include "bls/menu.h"
#include "bls/text.h"

#define RENDER_MARK "set rootstock_complete=1\n"

/*
 * Adds the whole file to text, with prefix (see place.h) before every path that does not begin with
 * it already. An item that GRUB cannot carry out to the letter gets an error and where, and is left
 * out: -EINVAL for a byte or an architecture, -E2BIG for a command line beyond what the kernel
 * takes. Returns the number of entries in the file. Without any there is no menu, and text is left
 * empty.
 */
size_t render_menu(struct text *text, struct menu *menu, const char *prefix);

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# dracut's own init runs this before it switches to $NEWROOT, the root file system.

if getarg ostree= >/dev/null; then
	/usr/lib/ostree/ostree-prepare-root "$NEWROOT" ||
		die "ostree-prepare-root could not make the deployment of ostree= the root, see above."
fi

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# dracut's own init accepts a root file system only if it has /proc, /sys and /dev. An OSTree system
# has them in its deployments: "ostree admin init-fs --modern" makes only /boot and /ostree.

if getarg ostree= >/dev/null; then
	usable_root() {
		[ -d "$1/ostree" ]
	}
fi

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# dracut's own init takes for a root file system what has /proc, /sys and /dev. Those of an OSTree
# system are in its deployments: "ostree admin init-fs --modern" makes only /boot and /ostree.

if getarg ostree= >/dev/null; then
	usable_root() {
		[ -d "$1/ostree" ]
	}
fi

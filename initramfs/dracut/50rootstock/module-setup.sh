#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A dracut module: ostree-prepare-root makes the deployment that ostree= names the root, with or
# without systemd in the initramfs. It is in an image only on request:
# add_dracutmodules+=" rootstock ", or dracut --add rootstock.
#
# shellcheck disable=SC2154 # dracut sets these variables

check() {
	require_binaries /usr/lib/ostree/ostree-prepare-root || return 1
	# Both would do the same thing to the same directory, and the second one would fail.
	if [[ " $dracutmodules $add_dracutmodules $force_add_dracutmodules " == *" ostree "* &&
		" $omit_dracutmodules " != *" ostree "* ]]; then
		derror "rootstock: dracut's module 'ostree' is in the list too: take one of them, for" \
			"example with omit_dracutmodules+=\" ostree \"."
		return 1
	fi
	return 255
}

installkernel() {
	# For deployments unlocked with --hotfix, also if the machine that makes the image has none.
	hostonly='' instmods overlay
}

install() {
	inst_binary /usr/lib/ostree/ostree-prepare-root
	inst_multiple -o /etc/ostree/prepare-root.conf /usr/lib/ostree/prepare-root.conf
	if dracut_module_included systemd; then
		inst_simple "$systemdsystemunitdir/ostree-prepare-root.service"
		$SYSTEMCTL -q --root "$initdir" add-requires initrd-root-fs.target \
			ostree-prepare-root.service
	else
		inst_hook pre-mount 00 "$moddir/accept-root.sh"
		# Before the other hooks, so that they find the deployment in $NEWROOT.
		inst_hook pre-pivot 00 "$moddir/prepare-root.sh"
	fi
}

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The real init of the small tree in a device's life: runs the steps of one boot, makes the file
# systems clean and ends the machine.
export PATH=/usr/sbin:/usr/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -a
end=poweroff
sh /usr/lib/rootstock-judge && read -r end </run/life.end
sync
umount -a -t ext4 2>/dev/null
mount -o remount,ro /
exec "$end" -f

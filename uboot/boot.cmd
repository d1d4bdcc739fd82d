# SPDX-License-Identifier: LGPL-2.1-or-later
#
# rootstock's boot script for U-Boot; see rootstock-boot.cmd(7). Made into boot.scr with
#
#	mkimage -A arm -T script -C none -d boot.cmd boot.scr
#
# It starts the first entry of uEnv.txt that can be loaded, and never ends at a prompt. It is written
# for the classic shell (hush), which has neither "break" nor functions, limits a command to 16 words,
# and looks for "${x}" in the environment before it looks at a loop's variable. So the script's own
# names begin with rs_, and those that you may set with rootstock_.

# The disk is the one on which U-Boot found this script (U-Boot sets the three variables), unless the
# board sets it, for example rootstock_disk=mmc 0:2.
if test -z "${rootstock_disk}" -a -n "${devtype}" -a -n "${devnum}" -a -n "${distro_bootpart}"; then
	setenv rootstock_disk ${devtype} ${devnum}:${distro_bootpart}
fi

# libostree switches the symlink "loader" between loader.0 and loader.1; on FAT it is a directory. If
# a loss of power has damaged it, or the file in it, one of the two still has a menu. The second half
# is for a /boot that is a partition without libostree's symlink boot -> . in it.
if test -n "${rootstock_disk}" -a -n "${kernel_addr_r}" -a -n "${ramdisk_addr_r}"; then
	setenv rs_dirs /boot/loader /boot/loader.1 /boot/loader.0 /loader /loader.1 /loader.0
	# For example /@root/boot, in a btrfs subvolume.
	if test -n "${rootstock_boot}"; then
		setenv rs_dirs ${rootstock_boot}/loader ${rootstock_boot}/loader.1 ${rootstock_boot}/loader.0
	fi
else
	setenv rs_dirs
	echo "rootstock: these must be set: kernel_addr_r, ramdisk_addr_r, and rootstock_disk or"
	echo "rootstock: devtype, devnum and distro_bootpart; see rootstock-boot.cmd(7)"
fi

# Some U-Boots have no arithmetic (Debian's for x86): they can start the first entry, with one
# initramfs.
setenv rs_maths
setexpr rs_maths 1 + 1

# The variables of an entry in uEnv.txt. Those of the second entry end in 2, and so on.
setenv rs_fields kernel_image bootdir ramdisk_image ramdisk_images fdt_file fdtdir bootargs

for rs_dir in ${rs_dirs}; do
	# The last line of the file sets rootstock_complete. A file that is incomplete, empty or full
	# of garbage does not set it, although "env import" accepts it.
	setenv rootstock_complete
	setenv rootstock_crc32
	if test -e ${rootstock_disk} ${rs_dir}/uEnv.txt; then
		if load ${rootstock_disk} ${kernel_addr_r} ${rs_dir}/uEnv.txt; then
			env import -t ${kernel_addr_r} ${filesize} rootstock_complete rootstock_crc32
		fi
		# The checksum, of all lines but the last two (31 bytes, hexadecimal), detects the
		# head of one file with the tail of another. If U-Boot lacks one of the commands,
		# rootstock_complete must be enough.
		if test -n "${rootstock_crc32}" -a -n "${rs_maths}"; then
			setexpr rs_size ${filesize} - 31
			itest ${filesize} -gt 31 || setenv rs_size 0
			if itest 1 -eq 1 && crc32 ${kernel_addr_r} ${rs_size} ${ramdisk_addr_r}; then
				# The first byte in memory is the highest or, as on an i.MX6, the
				# lowest, depending on U-Boot's configuration.
				setenv rs_high 1
				setenv rs_low 1
				setenv rs_end ${ramdisk_addr_r}
				setexpr rs_last ${ramdisk_addr_r} + 3
				for rs_name in ${rootstock_crc32}; do
					itest.b *${rs_end} -eq ${rs_name} || setenv rs_high
					itest.b *${rs_last} -eq ${rs_name} || setenv rs_low
					setexpr rs_end ${rs_end} + 1
					setexpr rs_last ${rs_last} - 1
				done
				test -n "${rs_high}${rs_low}" || setenv rootstock_complete
			fi
		fi
		if test "${rootstock_complete}" != 1; then
			echo "rootstock: ${rs_dir}/uEnv.txt is not complete"
		fi
	fi

	if test "${rootstock_complete}" = 1; then
		if test -n "${rootstock_import}"; then
			env import -t ${kernel_addr_r} ${filesize} ${rootstock_import}
		fi
		# Only these names are imported, and none keeps an older value.
		for rs_name in ${rs_fields}; do
			setenv rs_all ${rs_name}
			for rs_next in 2 3 4 5 6 7 8 9; do
				setenv rs_all ${rs_all} ${rs_name}${rs_next}
			done
			env delete ${rs_all}
			env import -t ${kernel_addr_r} ${filesize} ${rs_all}
		done
	else
		setenv kernel_image
	fi

	# Each round tries the entry in kernel_image and so on, then moves the next one there.
	# Without a kernel_image there are no more entries, and the remaining rounds do nothing.
	for rs_next in 2 3 4 5 6 7 8 9 none; do
		if test -n "${kernel_image}"; then
			echo "rootstock: ${kernel_image}, from ${rs_dir}/uEnv.txt"
			# A loss of power while a file is removed can leave it empty. On FAT, U-Boot loads
			# an empty file, and would start a kernel without its initramfs.
			if load ${rootstock_disk} ${kernel_addr_r} "${kernel_image}" && test "${filesize}" != 0; then
				setenv rs_missing
			else
				setenv rs_missing "${kernel_image}"
			fi

			# The device tree is the one that the entry names; else this board's (fdtfile)
			# in the entry's fdtdir or beside the kernel; else that of the firmware or of
			# U-Boot itself.
			setenv rs_dtb "${fdt_file}"
			for rs_name in ${fdtdir} ${bootdir}; do
				setenv rs_file "${rs_name}/${fdtfile}"
				if test -z "${rs_dtb}" -a -n "${fdtfile}"; then
					if test -e ${rootstock_disk} "${rs_file}"; then
						setenv rs_dtb "${rs_file}"
					fi
				fi
			done
			if test -n "${rs_dtb}"; then
				setenv rs_fdt ${fdt_addr_r}
				if test -z "${fdt_addr_r}"; then
					setenv rs_missing "without fdt_addr_r ${rs_dtb}"
				elif load ${rootstock_disk} ${fdt_addr_r} "${rs_dtb}" && test "${filesize}" != 0; then
					true
				else
					setenv rs_missing "${rs_dtb}"
				fi
			elif test -n "${fdt_addr}"; then
				setenv rs_fdt ${fdt_addr}
			else
				setenv rs_fdt ${fdtcontroladdr}
			fi

			# All initramfs archives, one after the other. Each must begin at a multiple of
			# four, with zeros in the gap before it.
			test -n "${ramdisk_images}" || setenv ramdisk_images "${ramdisk_image}"
			setenv rs_ramdisk -
			setenv rs_end ${ramdisk_addr_r}
			for rs_name in ${ramdisk_images}; do
				mw.b ${rs_end} 0 4
				setexpr rs_end ${rs_end} + 3
				setexpr rs_end ${rs_end} / 4
				setexpr rs_end ${rs_end} * 4
				if test -z "${rs_maths}" -a "${rs_ramdisk}" != -; then
					setenv rs_missing "without setexpr ${rs_name}"
				elif load ${rootstock_disk} ${rs_end} "${rs_name}" && test "${filesize}" != 0; then
					setenv rs_size ${filesize}
					setexpr rs_end ${rs_end} + ${filesize}
					setexpr rs_size ${rs_end} - ${ramdisk_addr_r}
					setenv rs_ramdisk ${ramdisk_addr_r}:${rs_size}
				else
					setenv rs_missing "${rs_name}"
				fi
			done

			# U-Boot passes bootargs to the kernel. The command that fits the kernel does
			# not return; the others, if U-Boot has them, change nothing. A PC's command has
			# other arguments: an empty size of the kernel, then the initramfs.
			if test -z "${rs_missing}"; then
				# A FIT begins with the four bytes of a device tree, and has an initramfs and
				# a device tree of its own. Those of the entry replace them; the board's do
				# not.
				if itest.l *${kernel_addr_r} -eq edfe0dd0; then
					setenv rs_all
					if test -n "${rs_dtb}"; then
						setenv rs_all ${rs_ramdisk} ${rs_fdt}
					elif test "${rs_ramdisk}" != -; then
						setenv rs_all ${rs_ramdisk}
					fi
					# Without a name, U-Boot takes the configuration for this board, if it
					# was built to compare them, and ignores the default.
					setenv rs_config ${rootstock_fit_config}
					if test -z "${rs_config}"; then
						bootm ${kernel_addr_r} ${rs_all}
						fdt addr ${kernel_addr_r}
						fdt get value rs_config /configurations default
					fi
					test -z "${rs_config}" || bootm ${kernel_addr_r}#${rs_config} ${rs_all}
				else
					setenv rs_all ${kernel_addr_r} ${rs_ramdisk} ${rs_fdt}
					for rs_name in booti bootz bootm; do
						${rs_name} ${rs_all}
					done
				fi
				setenv rs_all ${kernel_addr_r}
				if test "${rs_ramdisk}" != -; then
					setenv rs_all ${rs_all} 0 ${ramdisk_addr_r} ${rs_size}
				fi
				zboot ${rs_all}
				echo "rootstock: ${kernel_image} does not start"
			else
				echo "rootstock: ${rs_missing} cannot be loaded"
			fi

			# NAME2 becomes NAME. The shell would lose quotes and backslashes. So the text
			# "NAME2=value" is written to memory, " NAME" is written over its beginning,
			# and that is imported; a blank before a name is ignored. The exported text of
			# the variable " NAME" is four bytes longer: "=1", a line feed and a NUL. If
			# NAME2 is not set, NAME is not set either.
			if test -z "${rs_maths}"; then
				setenv kernel_image
				setenv rs_fields
			fi
			for rs_name in ${rs_fields}; do
				setenv " ${rs_name}" 1
				env export -t ${ramdisk_addr_r} " ${rs_name}"
				setexpr rs_size ${filesize} - 4
				setenv ${rs_name}
				env export -t ${kernel_addr_r} ${rs_name}${rs_next}
				cp.b ${ramdisk_addr_r} ${kernel_addr_r} ${rs_size}
				env import -t ${kernel_addr_r} ${filesize} ${rs_name}
			done
		fi
	done
done

echo "rootstock: nothing on ${rootstock_disk} starts; looked in ${rs_dirs}; resetting"
reset

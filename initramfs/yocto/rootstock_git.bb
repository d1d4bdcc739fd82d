# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A recipe for OpenEmbedded that builds the source tree that contains it:
#
#     BBFILES += "/path/to/rootstock/initramfs/yocto/*.bb"
#     DISABLE_STATIC:pn-util-linux = ""
#
# The second line, in the configuration of the distribution or in local.conf, builds the static
# libmount and libblkid that the programs need. Static programs need no package at run time.
#
# rootstock-prepare-root replaces ostree-switchroot. rootstock-grub has a file that meta-oe's package
# ostree has too: delete it there, in an ostree_%.bbappend. An initramfs image installs rootstock-init
# and has
#
#     ROOTFS_POSTPROCESS_COMMAND += "link_init;"
#     link_init() { ln -s ${nonarch_libdir}/rootstock/rootstock-init ${IMAGE_ROOTFS}/init; }
#
# BitBake has not been run with this. What is tested: its two functions, in a shell and with the
# values that BitBake gives to the variables, and that each installed file is in one package.

SUMMARY = "Boot-time stack of OSTree systems"
DESCRIPTION = "Small static programs that turn an OSTree deployment into the root, and boot loader \
entries into what GRUB and U-Boot read."
SECTION = "base"
LICENSE = "LGPL-2.1-or-later"
LIC_FILES_CHKSUM = "file://LICENSES/LGPL-2.1-or-later.txt;md5=4fbd65380cdd255951079008b364516c"

PV = "0.1.0"
DEPENDS = "util-linux u-boot-tools-native"
EXTERNALSRC = "${THISDIR}/../.."

inherit externalsrc features_check pkgconfig systemd

REQUIRED_DISTRO_FEATURES = "usrmerge"
COMPATIBLE_HOST = "(x86_64|aarch64|arm).*-linux"
ROOTSTOCK_ARCH:x86-64 = "x86_64"
ROOTSTOCK_ARCH:aarch64 = "arm64"
ROOTSTOCK_ARCH:arm = "armhf"
EXTRA_OEMAKE = "-C ${S} ARCH=${ROOTSTOCK_ARCH} BUILD=${B}/build PREFIX=${prefix} WITH_OTA=no"

do_compile() {
	oe_runmake all
}

do_install() {
	oe_runmake install DESTDIR=${D}
}

PACKAGE_BEFORE_PN = "${PN}-prepare-root ${PN}-init ${PN}-grub ${PN}-uboot ${PN}-dracut \
	${PN}-initramfs-tools"
FILES:${PN} = "${bindir} ${nonarch_libdir}/rootstock/list-image"
FILES:${PN}-doc = "${mandir}"
FILES:${PN}-prepare-root = "${nonarch_libdir}/ostree/ostree-prepare-root \
	${systemd_system_unitdir}/ostree-prepare-root.service"
FILES:${PN}-init = "${nonarch_libdir}/rootstock/rootstock-init"
FILES:${PN}-grub = "${nonarch_libdir}/ostree/ostree-grub-generator ${datadir}/rootstock/stub.cfg"
FILES:${PN}-uboot = "${nonarch_libdir}/ostree/ostree-uboot-generator ${datadir}/rootstock/boot.*"
FILES:${PN}-dracut = "${nonarch_libdir}/dracut"
FILES:${PN}-initramfs-tools = "${datadir}/initramfs-tools"

SYSTEMD_PACKAGES = "${PN}-prepare-root"
SYSTEMD_SERVICE:${PN}-prepare-root = "ostree-prepare-root.service"
RPROVIDES:${PN}-prepare-root = "ostree-switchroot"
RREPLACES:${PN}-prepare-root = "ostree-switchroot"
RCONFLICTS:${PN}-prepare-root = "ostree-switchroot"
RDEPENDS:${PN}-dracut = "${PN}-prepare-root bash"
RDEPENDS:${PN}-initramfs-tools = "${PN}-prepare-root"
RRECOMMENDS:${PN}-prepare-root = "kernel-module-overlay"

################################################################################
#
# rootstock
#
################################################################################
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A package for Buildroot that builds the sources it lies in. In a br2-external tree:
#
#     Config.in       source "/path/to/rootstock/initramfs/buildroot/Config.in"
#     external.mk     include /path/to/rootstock/initramfs/buildroot/rootstock.mk
#
# In an initramfs a root file system overlay brings /init, a link to
# /usr/lib/rootstock/rootstock-init.
#
# Buildroot has not been run on this. Tested are its commands, with a compiler given as Buildroot
# gives it, and that they install what "make install" does.

ROOTSTOCK_VERSION = 0.1.0
ROOTSTOCK_SITE := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))../..)
ROOTSTOCK_SITE_METHOD = local
ROOTSTOCK_LICENSE = LGPL-2.1+
ROOTSTOCK_LICENSE_FILES = LICENSES/LGPL-2.1-or-later.txt
# After libostree, some of whose programs these replace.
ROOTSTOCK_DEPENDENCIES = host-pkgconf host-uboot-tools util-linux \
	$(if $(BR2_PACKAGE_LIBOSTREE),libostree)
ROOTSTOCK_MAKE = $(TARGET_MAKE_ENV) $(MAKE) -C $(@D) $(TARGET_CONFIGURE_OPTS) \
	ARCH=$(if $(BR2_aarch64),arm64,$(if $(BR2_arm),armhf,x86_64)) \
	BUILD=$(@D)/build/buildroot PREFIX=/usr

define ROOTSTOCK_BUILD_CMDS
	$(ROOTSTOCK_MAKE) all
endef

define ROOTSTOCK_INSTALL_TARGET_CMDS
	$(ROOTSTOCK_MAKE) install DESTDIR=$(TARGET_DIR)
endef

$(eval $(generic-package))

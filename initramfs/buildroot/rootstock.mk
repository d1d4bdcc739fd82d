################################################################################
#
# rootstock
#
################################################################################
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A package for Buildroot that builds the source tree that contains it. In a br2-external tree:
#
#     Config.in       source "/path/to/rootstock/initramfs/buildroot/Config.in"
#     external.mk     include /path/to/rootstock/initramfs/buildroot/rootstock.mk
#
# For an initramfs, add /init in a root file system overlay, as a link to
# /usr/lib/rootstock/rootstock-init.
#
# Buildroot has not been run with this. What is tested: its commands, with the compiler given as
# Buildroot gives it, and that they install what "make install" does.

ROOTSTOCK_VERSION = 0.1.0
ROOTSTOCK_SITE := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))../..)
ROOTSTOCK_SITE_METHOD = local
ROOTSTOCK_LICENSE = LGPL-2.1+
ROOTSTOCK_LICENSE_FILES = LICENSES/LGPL-2.1-or-later.txt
# After libostree, because this replaces some of its programs.
ROOTSTOCK_DEPENDENCIES = host-pkgconf host-uboot-tools util-linux \
	$(if $(BR2_PACKAGE_LIBOSTREE),libostree)
ROOTSTOCK_MAKE = $(TARGET_MAKE_ENV) $(MAKE) -C $(@D) $(TARGET_CONFIGURE_OPTS) \
	ARCH=$(if $(BR2_aarch64),arm64,$(if $(BR2_arm),armhf,x86_64)) \
	BUILD=$(@D)/build/buildroot PREFIX=/usr WITH_OTA=no

define ROOTSTOCK_BUILD_CMDS
	$(ROOTSTOCK_MAKE) all
endef

define ROOTSTOCK_INSTALL_TARGET_CMDS
	$(ROOTSTOCK_MAKE) install DESTDIR=$(TARGET_DIR)
endef

$(eval $(generic-package))

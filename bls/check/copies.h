/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * copies: the kernel and the initramfs in /boot beside those in the tree.
 *
 * libostree copies them unchanged, so one of another size is damaged. Only sizes are compared, which
 * costs nothing and needs no permission to read. Where it is not certain which file libostree has
 * copied, nothing is compared.
 */
#pragma once

#include "bls/check/subject.h"

void copies_check(const struct subject *subject);

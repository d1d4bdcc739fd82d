/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A "kernel" for tests of the data that U-Boot passes on: it has the header of an arm64 Image or of
 * an arm zImage (Linux, Documentation/arch/arm64/booting.rst and arch/arm/boot/compressed/head.S),
 * keeps the address of the device tree in x19 or r4 for realuboot.py, and powers the machine off
 * (PSCI SYSTEM_OFF), after which its memory can be read.
 *
 *	aarch64-linux-gnu-gcc -c realuboot.S -o stub.o && aarch64-linux-gnu-objcopy -O binary stub.o stub
 */
	.text
	.globl _start
_start:
#ifdef __aarch64__
	b code
	.long 0
	.quad 0			/* text_offset */
	.quad 0x1000		/* image_size */
	.quad 0xa		/* flags: little endian, pages of 4 KiB, anywhere in memory */
	.org 0x38
	.ascii "ARM\x64"
	.long 0
code:
	mov x19, x0
	ldr w0, =0x84000008
	hvc #0
#else
	.arch armv7ve
	.arm
	b code
	.org 0x24
	.long 0x016f2818	/* zImage */
	.long 0, end		/* from where to where */
code:
	mov r4, r2
	ldr r0, =0x84000008
	hvc #0
#endif
stop:	b stop
	.ltorg
	.org 0x1000
end:

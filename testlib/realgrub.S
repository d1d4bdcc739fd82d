/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A "kernel" for tests of the data that GRUB passes on: it has the header of a bzImage (Linux,
 * Documentation/arch/x86/boot.rst, protocol 2.12), prints its command line and the size of its
 * initrd on COM1, and ends QEMU through isa-debug-exit.
 *
 *	gcc -m32 -c realgrub.S -o stub.o && ld -m elf_i386 -Ttext 0 --oformat binary stub.o -o stub
 */
	.set LOADED_AT, 0x100000
	.code32
	.text
	.globl _start
_start:
	.org 0x1f1
	.byte 1			/* setup_sects: one after the boot sector */
	.word 0
	.long (end - code) / 16	/* syssize */
	.word 0, 0, 0
	.word 0xaa55
	.byte 0xeb, 0x62	/* a jump over the header, by which GRUB knows the header's size */
	.ascii "HdrS"
	.word 0x020c
	.org 0x211
	.byte 1			/* loadflags: the rest belongs to 1 MiB */
	.org 0x214
	.long LOADED_AT		/* code32_start */
	.org 0x22c
	.long 0x37ffffff	/* initrd_addr_max */
	.long 0x1000		/* kernel_alignment */
	.byte 0, 0
	.org 0x238
	.long 2047		/* cmdline_size */
	.org 0x258
	.quad LOADED_AT		/* pref_address */
	.long 0x10000		/* init_size */

	.org 0x400
code:
	movl %esi, %ebp		/* boot_params */
	leal (label_cmdline - code) + LOADED_AT, %esi
	call print
	movl 0x228(%ebp), %esi	/* cmd_line_ptr */
	call print
	leal (label_initrd - code) + LOADED_AT, %esi
	call print
	movl 0x21c(%ebp), %ebx	/* ramdisk_size, as eight digits */
	movl $8, %ecx
digit:	roll $4, %ebx
	movl %ebx, %eax
	andl $15, %eax
	movb (digits - code) + LOADED_AT(%eax), %al
	movw $0x3f8, %dx
	outb %al, %dx
	loop digit
	leal (label_end - code) + LOADED_AT, %esi
	call print
	movw $0xf4, %dx
	movl $0, %eax
	outl %eax, %dx
stop:	hlt
	jmp stop

print:	lodsb
	testb %al, %al
	jz 1f
	movw $0x3f8, %dx
	outb %al, %dx
	jmp print
1:	ret

label_cmdline:	.asciz "cmdline:"
label_initrd:	.asciz "\ninitrd:"
label_end:	.asciz "\nend\n"
digits:		.ascii "0123456789abcdef"
	.balign 16
end:
	.org 0x4000

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stream: the bytes of an initramfs, from a file or from the program that unpacks one.
 *
 * The file is not trusted: a few bytes of it can become any number. So all streams of a run share a
 * count of the bytes that were read, packed and unpacked, and end when it is STREAM_MAX.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* gzip makes as many of zeros in 20 seconds; five images of 100 MB have fewer. */
#define STREAM_MAX (UINT64_C(2) << 30)

struct stream {
	int fd;
	pid_t program; /* 0: the file itself */
	off_t at, end; /* of the file: the next byte that is not in bytes, and the end */
	uint64_t *used;
	bool limited; /* it ended because of STREAM_MAX */
	bool ended;
	size_t first, count; /* of bytes */
	char bytes[1 << 16];
};

/* Begins to read the file fd from an offset to another one. It must stay open. */
void stream_open(struct stream *stream, int fd, off_t at, off_t end, uint64_t *used);

/* The same for what a program makes of it. Returns false if the program cannot be started; else
 * stream_close() must follow. */
bool stream_unpack(struct stream *stream, const char *const argv[], int fd, off_t at, off_t end,
	uint64_t *used);

/* Ends the program. Returns its status as of waitpid(2); 0 if it was not read to its end. */
int stream_close(struct stream *stream);

/* The offset of the next byte in the file. */
off_t stream_offset(const struct stream *stream);

/* Makes at least size bytes ready at stream->bytes + stream->first, if there are so many, and no
 * more than the buffer has. Returns how many are. */
size_t stream_peek(struct stream *stream, size_t size);

/* Takes the next bytes. These return false if there are fewer. */
bool stream_get(struct stream *stream, void *bytes, size_t size);
bool stream_skip(struct stream *stream, size_t size);

/* Returns false if nothing else follows. */
bool stream_skip_zeros(struct stream *stream);

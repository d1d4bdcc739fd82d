/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Counts bytes. Returns false if they are too many. */
static bool spend(struct stream *stream, uint64_t size)
{
	stream->limited |= size > STREAM_MAX - *stream->used;
	if (stream->limited)
		return false;
	*stream->used += size;
	return true;
}

void stream_open(struct stream *stream, int fd, off_t at, off_t end, uint64_t *used)
{
	stream->fd = fd;
	stream->program = 0;
	stream->at = at;
	stream->end = end;
	stream->used = used;
	stream->limited = stream->ended = false;
	stream->first = stream->count = 0;
}

static bool spawn(struct stream *stream, const char *const argv[], int in, int out)
{
	posix_spawn_file_actions_t actions;
	int err = -1;

	if (posix_spawn_file_actions_init(&actions))
		return false;
	if (!posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO) &&
		!posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO) &&
		!posix_spawn_file_actions_addopen(
			&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0))
		err = posix_spawnp(
			&stream->program, argv[0], &actions, NULL, (char **)argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return !err;
}

bool stream_unpack(struct stream *stream, const char *const argv[], int fd, off_t at, off_t end,
	uint64_t *used)
{
	int ends[2];
	bool started;

	stream_open(stream, -1, at, end, used);
	/* What the program reads costs time too, even if nothing comes out. */
	if (!spend(stream, (uint64_t)(end - at)))
		stream->ended = true;
	if (lseek(fd, at, SEEK_SET) < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return false;
	started = spawn(stream, argv, fd, ends[1]);
	close(ends[1]);
	if (started)
		stream->fd = ends[0];
	else
		close(ends[0]);
	return started;
}

int stream_close(struct stream *stream)
{
	bool whole = stream->ended && !stream->limited;
	int status;

	if (!whole)
		(void)kill(stream->program, SIGKILL);
	close(stream->fd);
	if (waitpid(stream->program, &status, 0) != stream->program)
		return 0;
	return whole ? status : 0;
}

off_t stream_offset(const struct stream *stream)
{
	return stream->at - (off_t)stream->count;
}

static ssize_t fetch(struct stream *stream, char *bytes, size_t size)
{
	ssize_t n;

	if (!stream->program && (off_t)size > stream->end - stream->at)
		size = (size_t)(stream->end - stream->at);
	do
		n = stream->program ? read(stream->fd, bytes, size)
				    : pread(stream->fd, bytes, size, stream->at);
	while (n < 0 && errno == EINTR);
	return n;
}

size_t stream_peek(struct stream *stream, size_t size)
{
	if (stream->count < size && stream->first) {
		memmove(stream->bytes, stream->bytes + stream->first, stream->count);
		stream->first = 0;
	}
	while (stream->count < size && !stream->ended) {
		ssize_t n = fetch(stream, stream->bytes + stream->count,
			sizeof stream->bytes - stream->count);

		if (n <= 0 || !spend(stream, (uint64_t)n)) {
			stream->ended = true;
			break;
		}
		stream->count += (size_t)n;
		stream->at += stream->program ? 0 : n;
	}
	return stream->count;
}

static void drop(struct stream *stream, size_t size)
{
	stream->first += size;
	stream->count -= size;
}

bool stream_get(struct stream *stream, void *bytes, size_t size)
{
	char *to = bytes;

	while (size) {
		size_t part = stream_peek(stream, 1);

		if (!part)
			return false;
		part = part < size ? part : size;
		memcpy(to, stream->bytes + stream->first, part);
		drop(stream, part);
		to += part;
		size -= part;
	}
	return true;
}

bool stream_skip(struct stream *stream, size_t size)
{
	/* In a file this costs nothing. */
	if (!stream->program && size > stream->count) {
		if (size - stream->count > (size_t)(stream->end - stream->at))
			return false;
		stream->at += (off_t)(size - stream->count);
		stream->count = 0;
		return true;
	}
	/* More than may be read need not be tried. */
	stream->limited |=
		size > stream->count && size - stream->count > STREAM_MAX - *stream->used;
	while (size && !stream->limited) {
		size_t part = stream_peek(stream, 1);

		if (!part)
			return false;
		part = part < size ? part : size;
		drop(stream, part);
		size -= part;
	}
	return !stream->limited;
}

/* Leaves out a hole, which may be as large as it wants. */
static void skip_hole(struct stream *stream)
{
	off_t data = lseek(stream->fd, stream->at, SEEK_DATA);

	if (data < 0)
		data = errno == ENXIO ? stream->end : stream->at;
	stream->at = data < stream->end ? data : stream->end;
}

bool stream_skip_zeros(struct stream *stream)
{
	for (;;) {
		if (!stream->count && !stream->program)
			skip_hole(stream);
		if (!stream_peek(stream, 1))
			return false;
		while (stream->count) {
			if (stream->bytes[stream->first])
				return true;
			drop(stream, 1);
		}
	}
}

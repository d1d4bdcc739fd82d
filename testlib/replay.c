/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * replay: feeds every file of a corpus to a fuzz target, without libFuzzer, and prints TAP. If the
 * target misbehaves, the sanitizers end the program before it prints a result.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t buffer[1 << 20];

static void feed(const char *directory, const char *name)
{
	char path[4096];
	uint8_t *data;
	FILE *file;
	size_t size;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	file = fopen(path, "rb");
	if (!file) {
		perror(path);
		exit(1);
	}
	size = fread(buffer, 1, sizeof buffer, file);
	fclose(file);
	/* Exactly as large as the input, so that any access beyond it is detected. */
	data = malloc(size ? size : 1);
	if (!data)
		abort();
	memcpy(data, buffer, size);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
}

int main(int argc, char **argv)
{
	struct dirent **names;
	int count = argc == 2 ? scandir(argv[1], &names, NULL, alphasort) : -1;
	int fed = 0;

	printf("1..1\n");
	for (int i = 0; i < count; i++) {
		if (names[i]->d_name[0] != '.') {
			feed(argv[1], names[i]->d_name);
			fed++;
		}
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	printf("%sok 1 - replayed %d inputs\n", fed ? "" : "not ", fed);
	return !fed;
}

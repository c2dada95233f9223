#include "fleet/title.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	char *start;
	size_t size;		/* 0: titles cannot be set */
	char **argv, **environ; /* the copies: for the process's life */
} area;

/* All is in one block, so that a variable that is removed later is no leak. */
static char **copy_strings(char *const *from, size_t count)
{
	size_t bytes = (count + 1) * sizeof(*from);

	for (size_t i = 0; i < count; i++)
		bytes += strlen(from[i]) + 1;
	char **to = calloc(1, bytes);
	char *at = to == NULL ? NULL : (char *)(to + count + 1);
	for (size_t i = 0; to != NULL && i < count; i++) {
		size_t n = strlen(from[i]) + 1;
		to[i] = memcpy(at, from[i], n);
		at += n;
	}
	return to;
}

/* The strings lie one after the other; where that ends is known only by looking. */
static char *end_of(char *end, char *const *strings, size_t count)
{
	for (size_t i = 0; i < count && strings[i] == end; i++)
		end += strlen(strings[i]) + 1;
	return end;
}

char **title_init(int argc, char **argv)
{
	size_t count = 0;

	while (environ[count] != NULL)
		count++;
	char **new_argv = copy_strings(argv, (size_t)argc);
	char **new_environ = copy_strings(environ, count);
	if (argc < 1 || new_argv == NULL || new_environ == NULL)
		return argv;
	area.start = argv[0];
	char *end = end_of(argv[0], argv, (size_t)argc);
	end = end_of(end, environ, count);
	area.size = (size_t)(end - area.start);
	environ = new_environ;
	area.argv = new_argv;
	area.environ = new_environ;
	return new_argv;
}

void title_set(const char *format, ...)
{
	va_list values;

	if (area.size == 0)
		return;
	va_start(values, format);
	int n = vsnprintf(area.start, area.size, format, values);
	va_end(values);
	size_t used = n < 0 ? 0 : (size_t)n;
	if (used < area.size)
		memset(area.start + used, 0, area.size - used);
}

void title_set_master(char *const *argv)
{
	char words[1024] = "";
	size_t used = 0;

	for (unsigned i = 1; argv[0] != NULL && argv[i] != NULL && used < sizeof(words); i++) {
		int n = snprintf(words + used, sizeof(words) - used, " %s", argv[i]);
		used += n > 0 ? (size_t)n : 0;
	}
	title_set("neap: master%s", words);
}

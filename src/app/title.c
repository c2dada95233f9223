#include "app/title.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	char *start;
	size_t size; /* 0: titles cannot be set */
} area;

static char **copy_strings(char *const *from, size_t count)
{
	char **to = calloc(count + 1, sizeof(*to));

	for (size_t i = 0; to != NULL && i < count; i++) {
		to[i] = strdup(from[i]);
		if (to[i] == NULL)
			return NULL; /* rare enough: what was copied is lost */
	}
	return to;
}

/* The strings lie one behind the other; how far is known by looking. */
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

#include "conf/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/grow.h"

struct names {
	char **of;
	uint32_t n, room;
	size_t bytes;
};

static bool is_fit(const char *name)
{
	for (const char *p = name; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	}
	return name[0] != '.';
}

static bool add(struct names *names, const char *name)
{
	char **of = grow(names->of, names->n, &names->room, sizeof(char *));
	if (of == NULL)
		return false;
	names->of = of;
	char *copy = strdup(name);
	if (copy == NULL)
		return false;
	names->of[names->n++] = copy;
	names->bytes += strlen(name) + 1;
	return true;
}

static enum err collect(struct names *names, DIR *folder, const char *path, struct error *e)
{
	const struct dirent *entry;

	errno = 0;
	while ((entry = readdir(folder)) != NULL) {
		if (!is_fit(entry->d_name))
			continue;
		if (names->n == FOLDER_FILES_MAX)
			return err_set(e, ERR_LIMIT, "%s: more than %d files in this folder", path,
				       FOLDER_FILES_MAX);
		if (!add(names, entry->d_name))
			return err_set(e, ERR_MEMORY, "out of memory");
		errno = 0;
	}
	return errno == 0 ? ERR_OK : err_sys(e, errno, "%s: cannot be read", path);
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum err join(struct names *names, char **text, struct error *e)
{
	char *to = *text = malloc(names->bytes + 1);

	if (to == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	if (names->n > 0)
		qsort(names->of, names->n, sizeof(*names->of), by_bytes);
	for (size_t i = 0; i < names->n; i++) {
		size_t n = strlen(names->of[i]);
		memcpy(to, names->of[i], n);
		to[n] = '\n';
		to += n + 1;
	}
	*to = '\0';
	return ERR_OK;
}

enum err folder_read(int fd, const char *path, char **names, struct error *e)
{
	struct names found = { .of = NULL };
	DIR *folder = fdopendir(fd);

	*names = NULL;
	if (folder == NULL) {
		int sys = errno;
		(void)close(fd); /* the error is another one */
		return err_sys(e, sys, "%s: cannot be read as a folder", path);
	}
	enum err err = collect(&found, folder, path, e);
	(void)closedir(folder); /* only read from */
	if (err == ERR_OK)
		err = join(&found, names, e);
	for (size_t i = 0; i < found.n; i++)
		free(found.of[i]);
	free(found.of);
	return err;
}

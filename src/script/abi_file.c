/* Files for Lua: of registries, and secrets that others renew. */
#include "script/abi_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/kept_file.h"
#include "script/policies.h"

enum { PATH_BYTES = 4096, STAMP_BYTES = 128 };

static uint32_t give(const char *text, size_t n, uint32_t verdict)
{
	io_give(&policies_current()->cos.io, text, n);
	return verdict;
}

static uint32_t give_failure(const struct error *e)
{
	static char why[sizeof(e->text)];

	(void)str_copy(why, sizeof(why), str_of(e->text)); /* as long as what it copies */
	return give(why, strlen(why), 0);
}

static enum err copy_path(char to[PATH_BYTES], const char *path, size_t n, struct error *e)
{
	if (memchr(path, '\0', n) == NULL && str_copy(to, PATH_BYTES, (struct str){ path, n }))
		return ERR_OK;
	return err_set(e, ERR_INVALID, "the path is too long, or has a zero byte");
}

/* A file that took the place of another has another number, even with the times of the old one. */
NEAP_API uint32_t neap_file_stamp(const char *path, size_t n)
{
	static char text[STAMP_BYTES];
	char name[PATH_BYTES];
	struct error e;
	struct stat st;

	if (copy_path(name, path, n, &e) != ERR_OK)
		return give_failure(&e);
	if (stat(name, &st) != 0) {
		(void)err_sys(&e, errno, "%s: cannot be looked at", name);
		return give_failure(&e);
	}
	int wrote = snprintf(text, sizeof(text), "%lld.%09ld %lld %llu.%llu",
			     (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
			     (long long)st.st_size, (unsigned long long)st.st_dev,
			     (unsigned long long)st.st_ino);
	return give(text, (size_t)wrote, 1); /* five numbers fit */
}

NEAP_API uint32_t neap_file_load(const char *path, size_t n, size_t most)
{
	static char *bytes; /* of the call before: Lua has copied it */
	char name[PATH_BYTES];
	struct error e;
	struct out out;

	free(bytes);
	bytes = malloc(most + 1);
	if (bytes == NULL) {
		(void)err_set(&e, ERR_MEMORY, "there is no memory for a file");
		return give_failure(&e);
	}
	out_init(&out, bytes, most);
	if (copy_path(name, path, n, &e) != ERR_OK || kept_file_read(name, &out, &e) != ERR_OK)
		return give_failure(&e);
	return give(bytes, out.n, 1);
}

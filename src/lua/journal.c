#include "lua/journal.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* The file begins with it: where the text is. One small write replaces it. */
struct place {
	uint32_t at, n; /* 0: nothing */
};

enum { JOURNAL_MAX = 64 * 1024 * 1024 };

static enum err fail_journal(struct error *e)
{
	return err_sys(e, errno, "memory for changes at run time");
}

static enum err find_place(int fd, struct place *p, struct error *e)
{
	ssize_t n = pread(fd, p, sizeof(*p), 0);

	if (n < 0)
		return fail_journal(e);
	if (n != (ssize_t)sizeof(*p) || p->n > JOURNAL_MAX)
		*p = (struct place){ 0 };
	return ERR_OK;
}

enum err journal_read(int fd, char **bytes, size_t *n, struct error *e)
{
	struct place p;
	enum err err = find_place(fd, &p, e);

	*bytes = NULL;
	*n = 0;
	if (err != ERR_OK || p.n == 0)
		return err;
	*bytes = malloc(p.n);
	if (*bytes == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	if (pread(fd, *bytes, p.n, p.at) == (ssize_t)p.n) {
		*n = p.n;
		return ERR_OK;
	}
	free(*bytes);
	*bytes = NULL;
	return err_set(e, ERR_INVALID, "changes at run time cannot be read");
}

enum err journal_write(int fd, struct str bytes, struct error *e)
{
	struct place old, new = { .n = (uint32_t)bytes.n };
	enum err err = find_place(fd, &old, e);

	if (err != ERR_OK)
		return err;
	if (bytes.n > JOURNAL_MAX)
		return err_set(e, ERR_LIMIT, "there are too many changes at run time");
	/* Not over the old text, which counts until the place is written. */
	bool is_room = old.n == 0 || sizeof(new) + bytes.n <= old.at;
	new.at = is_room ? (uint32_t)sizeof(new) : old.at + old.n;
	if (pwrite(fd, bytes.p, bytes.n, new.at) != (ssize_t)bytes.n ||
	    pwrite(fd, &new, sizeof(new), 0) != (ssize_t)sizeof(new))
		return fail_journal(e);
	return ERR_OK;
}

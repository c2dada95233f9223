#include "fleet/stores.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/store.h"

static const struct store_keep *find(const struct store_set *s, const char *name)
{
	for (unsigned i = 0; s != NULL && i < s->n; i++) {
		if (strcmp(s->rows[i].name, name) == 0)
			return &s->rows[i];
	}
	return NULL;
}

static enum err copy_fd(int *to, int from, const char *name, struct error *e)
{
	*to = fcntl(from, F_DUPFD_CLOEXEC, 0);
	return *to >= 0 ? ERR_OK : err_sys(e, errno, "shared store '%s'", name);
}

static enum err make(struct store_keep *row, struct error *e)
{
	row->fd = memfd_create("neap store", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (row->fd < 0)
		return err_sys(e, errno, "shared store '%s'", row->name);
	enum err err = store_lay_out(row->fd, row->bytes, e);
	return err == ERR_OK ? err : err_set(e, err, "shared store '%s': %s", row->name, e->text);
}

static enum err claim(struct store_keep *row, const struct store_keep *from, struct error *e)
{
	if (from != NULL && from->bytes == row->bytes)
		return copy_fd(&row->fd, from->fd, row->name, e);
	enum err err = make(row, e);
	if (err == ERR_OK && from != NULL)
		err = copy_fd(&row->before, from->fd, row->name, e);
	return err;
}

enum err stores_claim(struct store_set *to, const struct board_plan *p,
		      const struct store_set *from, struct error *e)
{
	enum err err = ERR_OK;

	for (unsigned i = 0; i < p->stores && err == ERR_OK; i++) {
		struct store_keep *row = &to->rows[to->n++];
		*row = (struct store_keep){ .bytes = p->store[i].bytes, .fd = -1, .before = -1 };
		memcpy(row->name, p->store[i].name, sizeof(row->name));
		err = claim(row, find(from, row->name), e);
	}
	return err;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

void stores_list(const struct store_set *s, int to[BOARD_STORES_MAX])
{
	for (unsigned i = 0; i < s->n; i++)
		to[i] = s->rows[i].fd;
}

void stores_forget_before(struct store_set *s)
{
	for (unsigned i = 0; i < s->n; i++)
		close_fd(&s->rows[i].before);
}

void stores_close(struct store_set *s)
{
	stores_forget_before(s);
	for (unsigned i = 0; i < s->n; i++)
		close_fd(&s->rows[i].fd);
	s->n = 0;
}

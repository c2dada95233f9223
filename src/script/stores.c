#include "script/stores.h"

#include <string.h>

enum { PRIVATE_BYTES_MAX = 1 << 20 };

enum err stores_init(struct stores *s, const struct conf *c, struct error *e)
{
	enum err err = ERR_OK;

	memset(s, 0, sizeof(*s));
	s->conf = c->stores;
	for (unsigned i = 0; i < c->stores_n && i < BOARD_STORES_MAX && err == ERR_OK; i++) {
		uint64_t bytes = c->stores[i].bytes;
		err = store_create(&s->rows[i],
				   bytes < PRIVATE_BYTES_MAX ? bytes : PRIVATE_BYTES_MAX, e);
		s->n += err == ERR_OK;
	}
	if (err != ERR_OK)
		stores_fini(s);
	return err;
}

void stores_fini(struct stores *s)
{
	for (unsigned i = 0; i < s->n; i++)
		store_close(s->rows[i]);
	s->n = 0;
}

static enum err name_error(const struct stores *s, unsigned number, struct error *e)
{
	return err_set(e, e->code, "shared store '%s': %s", s->conf[number].name, e->text);
}

enum err stores_take(struct stores *s, unsigned number, int fd, struct error *e)
{
	struct store *taken;

	if (number >= s->n)
		return err_set(e, ERR_INVALID, "there is no shared store number %u", number);
	if (store_open(&taken, fd, e) != ERR_OK)
		return name_error(s, number, e);
	store_close(s->rows[number]);
	s->rows[number] = taken;
	return ERR_OK;
}

enum err stores_fill(struct stores *s, unsigned number, int fd, struct error *e)
{
	struct store *from;

	if (number >= s->n)
		return err_set(e, ERR_INVALID, "there is no shared store number %u", number);
	if (store_open(&from, fd, e) != ERR_OK)
		return name_error(s, number, e);
	store_copy(s->rows[number], from);
	store_close(from);
	return ERR_OK;
}

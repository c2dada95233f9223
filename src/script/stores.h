/*
 * The stores that this process has open (shm/store.h), in the order of the config. Each begins with
 * a private one, which is all that a check has. Workers and the agent are then given the fleet's.
 */
#ifndef NEAP_SCRIPT_STORES_H
#define NEAP_SCRIPT_STORES_H

#include "conf/conf.h"
#include "script/abi_store.h"
#include "shm/board_plan.h"
#include "shm/store_all.h"

struct stores {
	unsigned n;
	struct store *rows[BOARD_STORES_MAX];
	const struct conf_store *conf; /* their names */
	neap_store_answer answer;      /* of the last call */
	struct store_cursor cursor;    /* of the keys that are listed */
	uint32_t listed;	       /* which store's */
};

/* What the config names, empty. *c is borrowed. */
enum err stores_init(struct stores *s, const struct conf *c, struct error *e);
void stores_fini(struct stores *s);

/* NULL: there is none of that number, which no runtime of ours asks for. */
static inline struct store *stores_at(const struct stores *s, uint32_t number)
{
	return likely(number < s->n) ? s->rows[number] : NULL;
}

/* The store of that number is that one from here on. The descriptor stays the caller's. */
enum err stores_take(struct stores *s, unsigned number, int fd, struct error *e);

/* Copies into it what is in that one, which had another size. */
enum err stores_fill(struct stores *s, unsigned number, int fd, struct error *e);

#endif

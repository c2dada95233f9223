/*
 * What policies do with a store's items. Any process that has it open, at any time. Times to live
 * are in milliseconds; 0: for ever.
 */
#ifndef NEAP_SHM_STORE_ENTRY_H
#define NEAP_SHM_STORE_ENTRY_H

#include <stdbool.h>

#include "shm/store.h"
#include "shm/store_place.h"

/* A number, a boolean or a text, as its kind says. A text that was read stands in s->text. */
struct store_value {
	enum store_kind kind; /* STORE_NOTHING: there is none */
	double number;
	struct str text;
};

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
/* When an item is set. */
enum store_when { STORE_ALWAYS, STORE_IF_ABSENT, STORE_IF_THERE };
/* cdef end */

/* Takes no lock. STORE_OK: also when nothing is there, or something that is no value. */
enum store_result store_get(struct store *s, struct str key, struct store_value *to);

enum store_result store_set(const struct store *s, struct str key, const struct store_value *value,
			    int64_t ttl_ms, enum store_when when);

/* initial: what is added to if nothing is there; only then ttl_ms counts. NULL: STORE_NOT_FOUND. */
struct store_step {
	double by;
	const double *initial;
	int64_t ttl_ms;
};
enum store_result store_increment(const struct store *s, struct str key,
				  const struct store_step *step, double *to);

/* STORE_NOT_FOUND: nothing was there. */
enum store_result store_delete(const struct store *s, struct str key);

/* How long it has yet; 0: for ever. STORE_NOT_FOUND. */
enum store_result store_ttl(const struct store *s, struct str key, int64_t *ttl_ms);

#endif

#include "script/holds.h"

#include <string.h>

_Static_assert(sizeof(struct hold) <= 128, "a hold is two cache lines");

void holds_init(struct holds *h)
{
	slab_init(&h->slab, sizeof(struct hold), HOLDS_MAX);
}

void holds_fini(struct holds *h)
{
	slab_fini(&h->slab);
}

static struct str key_of(const struct hold *hold)
{
	return (struct str){ hold->key, hold->key_n };
}

/* What points to it; to NULL: there is none. */
static struct hold **find(struct hold **of, const struct store *s, struct str key)
{
	while (*of != NULL && ((*of)->store != s || !str_eq(key_of(*of), key)))
		of = &(*of)->next;
	return of;
}

enum store_result holds_enter(struct holds *h, void **of, struct store *s, struct str key,
			      uint32_t limit)
{
	struct hold *first = *of, *hold;
	uint32_t inside;

	if (*find(&first, s, key) != NULL)
		return STORE_OK;
	hold = slab_take(&h->slab);
	if (hold == NULL)
		return STORE_FULL;
	enum store_result result = store_enter(s, key, limit, &inside);
	if (result != STORE_OK) {
		slab_put(&h->slab, hold);
		return result;
	}
	hold->next = first;
	hold->slab = &h->slab;
	hold->store = s;
	hold->key_n = (uint16_t)key.n;
	memcpy(hold->key, key.p, key.n);
	*of = hold;
	return STORE_OK;
}

enum store_result holds_leave(void **of, const struct store *s, struct str key)
{
	struct hold *first = *of, **at = find(&first, s, key), *hold = *at;

	if (hold == NULL)
		return STORE_NOT_FOUND;
	*at = hold->next;
	*of = first;
	slab_put(hold->slab, hold);
	return store_leave(s, key);
}

void holds_end(void **of)
{
	struct hold *next;

	for (struct hold *hold = *of; hold != NULL; hold = next) {
		next = hold->next;
		(void)store_leave(hold->store, key_of(hold)); /* flushed meanwhile: that is fine */
		slab_put(hold->slab, hold);
	}
	*of = NULL;
}

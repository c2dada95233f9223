/* What the agent asks of limits that are kept in common. */
#include "script/abi_lease.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "script/policies.h"
#include "shm/store_lease.h"

enum { STALE_MAX = 3600 }; /* seconds */

static struct store *store_at(uint32_t store)
{
	return stores_at(&policies_current()->stores, store);
}

static void leave_text(struct str text)
{
	neap_current *current = &policies_current()->cos.current;
	current->out = text.p;
	current->out_n = (uint32_t)text.n;
}

NEAP_API void neap_lease_share(uint32_t store, uint32_t balancers, double stale)
{
	const struct store *s = store_at(store);
	if (s != NULL)
		store_lease_share(s, balancers, (uint32_t)(fmin(stale, STALE_MAX) * 10));
}

NEAP_API uint32_t neap_lease_balancers(uint32_t store)
{
	const struct store *s = store_at(store);
	return s == NULL ? 0 : store_lease_balancers(s);
}

NEAP_API void neap_lease_id(uint32_t store)
{
	struct store *s = store_at(store);
	enum { SIZE = 17 };

	leave_text((struct str){ "", 0 });
	if (s == NULL || !store_make_text(s, SIZE))
		return;
	(void)snprintf(s->text, SIZE, "%016" PRIx64, s->head->id);
	leave_text((struct str){ s->text, SIZE - 1 });
}

NEAP_API uint32_t neap_lease_begin(uint32_t store, neap_lease_round *r, uint32_t cells)
{
	const struct store *s = store_at(store);
	struct store_round round = { { r->shard, r->cell }, 0 };

	if (s == NULL)
		return 0;
	bool owes = store_lease_begin(s, &round, cells);
	r->shard = round.at.shard;
	r->cell = round.at.cell;
	r->left = round.cells;
	return owes ? 1 : 0;
}

NEAP_API uint32_t neap_lease_next(uint32_t store, neap_lease_round *r)
{
	struct store *s = store_at(store);
	struct store_round round = { { r->shard, r->cell }, r->left };
	struct store_debt debt;

	if (s == NULL)
		return 0;
	bool is_found = store_lease_next(s, &round, &debt);
	r->shard = round.at.shard;
	r->cell = round.at.cell;
	r->left = round.cells;
	if (!is_found)
		return 0;
	r->owed_us = (double)debt.owed_ns / 1e3;
	r->tolerance_us = debt.tolerance_us;
	leave_text(debt.key);
	return 1;
}

NEAP_API void neap_lease_settle(uint32_t store, const char *key, size_t n, double ahead_us,
				uint32_t takers)
{
	const struct store *s = store_at(store);

	if (s != NULL && ahead_us >= 0 && ahead_us < 1e15)
		(void)store_lease_settle(s, (struct str){ key, n }, (int64_t)(ahead_us * 1e3),
					 takers);
}

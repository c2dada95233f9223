#include "shm/board_serve.h"

#include "shm/board_pool.h"

/* Does it count in the share? A backend does that would serve in a panic of its tier. */
static bool counts(const struct board *b, int slot)
{
	struct board_serving panic = { true, board_tier(b, slot) };
	return board_may_serve(b, slot, &panic);
}

/* The lowest tier with one up, else the lowest of all. */
static int32_t tier_in_use(const struct board *b, const int32_t *slots, unsigned n)
{
	int32_t lowest = INT32_MAX, used = INT32_MAX;
	for (unsigned i = 0; i < n; i++) {
		int32_t tier = board_tier(b, slots[i]);
		if (!counts(b, slots[i]))
			continue;
		lowest = tier < lowest ? tier : lowest;
		used = board_is_live(b, slots[i]) && tier < used ? tier : used;
	}
	return used != INT32_MAX ? used : lowest;
}

void board_pool_share(const struct board *b, int pool, struct board_share *to)
{
	static int32_t slots[BOARD_BACKENDS_MAX]; /* one thread a process */
	unsigned n = board_pool_members(b, pool, slots, BOARD_BACKENDS_MAX);
	n = n < BOARD_BACKENDS_MAX ? n : BOARD_BACKENDS_MAX;
	*to = (struct board_share){ .tier = tier_in_use(b, slots, n) };
	for (unsigned i = 0; i < n; i++) {
		if (board_tier(b, slots[i]) != to->tier || !counts(b, slots[i]))
			continue;
		to->of++;
		to->up += board_is_live(b, slots[i]) ? 1 : 0;
	}
}

struct board_serving board_serving(const struct board *b, int pool)
{
	struct board_share share;
	if (likely(atomic_load_explicit(&b->pools[pool].panics, memory_order_relaxed) == 0))
		return (struct board_serving){ .panics = false };
	board_pool_share(b, pool, &share);
	return (struct board_serving){ .panics = true, .tier = share.tier };
}

/* All backends of a pool at once, for runtime/pools.lua: ten thousand rows in a millisecond. */
#include "base/digest.h"
#include "script/abi.h"
#include "script/policies.h"
#include "shm/board.h"
#include "shm/board_backend.h"
#include "shm/board_cell.h"
#include "shm/board_pool.h"
#include "shm/board_serve.h"

_Static_assert(countof(((neap_scan *)NULL)->slots) == BOARD_BACKENDS_MAX, "room for all of them");

static uint32_t load_word(const _Atomic uint32_t *from)
{
	return atomic_load_explicit(from, memory_order_acquire);
}

static void mix_print(uint64_t *print, uint64_t value)
{
	*print = (*print ^ value) * 0x9e3779b97f4a7c15U;
	*print ^= *print >> 32;
}

static void scan_rows(const struct board *b, neap_scan *to)
{
	uint64_t print = to->n;
	for (uint32_t i = 0; i < to->n; i++) {
		const struct board_backend *row = &b->backends[to->slots[i]];
		to->texts[i] = load_word(&row->text_version);
		to->epochs[i] = load_word(&row->epoch);
		to->has_slots |= load_word(&row->slots) != 0;
		mix_print(&print, (uint64_t)(uint32_t)to->slots[i] << 32 | to->epochs[i]);
		mix_print(&print, (uint64_t)to->texts[i] << 32 | load_word(&row->weight));
		mix_print(&print, (uint32_t)board_tier(b, to->slots[i]));
	}
	to->print_low = (uint32_t)print;
	to->print_high = (uint32_t)(print >> 32);
}

NEAP_API void neap_pool_scan(int32_t pool, double panic, neap_scan *to)
{
	const struct board *b = policies_board();
	struct board_share share;
	board_pool_share(b, pool, &share);
	to->n = board_pool_members(b, pool, to->slots, countof(to->slots));
	to->n = to->n < countof(to->slots) ? to->n : (uint32_t)countof(to->slots);
	to->has_slots = to->live = 0;
	struct board_serving serving = { share.up < panic * share.of, share.tier };
	to->tier = share.tier;
	to->panics = serving.panics ? 1 : 0;
	scan_rows(b, to);
	for (uint32_t i = 0; i < to->n; i++) {
		if (board_tier(b, to->slots[i]) == share.tier &&
		    board_may_serve(b, to->slots[i], &serving))
			to->serving[to->live++] = (int32_t)i;
	}
}

/* Would it have room without one of its requests? */
static bool had_room(const struct board *b, int32_t slot)
{
	uint32_t slots = atomic_load_explicit(&b->backends[slot].slots, memory_order_acquire);
	return board_inflight(b, slot) <= slots;
}

static void put_left(const struct board *b, int32_t slot, int32_t but, neap_left *to)
{
	int32_t tier = board_tier(b, slot);
	if (!board_has_room(b, slot) && (slot != but || !had_room(b, slot))) {
		to->slots[countof(to->slots) - ++to->full] = slot;
		return;
	}
	to->slots[to->n++] = slot;
	to->lowest = tier < to->lowest ? tier : to->lowest;
	to->highest = tier > to->highest ? tier : to->highest;
}

/*
 * Each member is looked at once, however many were tried: a request may try ten thousand dead ones.
 */
NEAP_API void neap_pool_left(int32_t pool, uint32_t panics, int32_t tier, const int32_t *tried,
			     uint32_t tried_n, neap_left *to, int32_t but)
{
	static int32_t slots[BOARD_BACKENDS_MAX]; /* one thread a process */
	static bool is_tried[BOARD_BACKENDS_MAX];
	const struct board *b = policies_board();
	struct board_serving serving = { panics != 0, tier };
	uint32_t n = board_pool_members(b, pool, slots, countof(slots));
	n = n < countof(slots) ? n : (uint32_t)countof(slots);
	for (uint32_t i = 0; i < tried_n; i++)
		is_tried[tried[i]] = true;
	to->n = to->full = 0;
	to->lowest = INT32_MAX;
	to->highest = INT32_MIN;
	for (uint32_t i = 0; i < n; i++) {
		if (!is_tried[slots[i]] && board_may_serve(b, slots[i], &serving))
			put_left(b, slots[i], but, to);
	}
	for (uint32_t i = 0; i < tried_n; i++)
		is_tried[tried[i]] = false;
}

NEAP_API int32_t neap_pool_find_name(int32_t pool, const char *name, size_t n)
{
	return board_backend_find(policies_board(), pool, (struct str){ name, n });
}

NEAP_API void neap_pool_ids(const int32_t *slots, uint32_t n, double *ids)
{
	const struct board *b = policies_board();
	struct board_text text;
	for (uint32_t i = 0; i < n; i++) {
		int32_t slot = slots[i];
		ids[i] = board_backend_text(b, slot, board_epoch(b, slot), &text)
				 ? digest_bytes(text.name, strnlen(text.name, sizeof text.name), 0)
				 : 0;
	}
}

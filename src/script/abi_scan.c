/* All backends of a pool at once, for runtime/pools.lua: ten thousand rows in a millisecond. */
#include "script/abi.h"
#include "script/digest.h"
#include "script/state.h"

#include "shm/board.h"

_Static_assert(countof(((neap_scan *)NULL)->slots) == BOARD_BACKENDS_MAX, "room for all of them");

static uint32_t load(const _Atomic uint32_t *from)
{
	return atomic_load_explicit(from, memory_order_acquire);
}

static void mix(uint64_t *print, uint64_t value)
{
	*print = (*print ^ value) * 0x9e3779b97f4a7c15U;
	*print ^= *print >> 32;
}

static bool is_live(const struct board *b, int32_t slot)
{
	enum board_state state = board_state(b, slot);
	return (state == STATE_UP || state == STATE_UNKNOWN) && load(&b->backends[slot].weight) > 0;
}

static bool may_serve(const struct board *b, int32_t slot, bool panics)
{
	if (!panics)
		return is_live(b, slot);
	return board_state(b, slot) != STATE_DRAIN && load(&b->backends[slot].weight) > 0;
}

static void read_rows(const struct board *b, neap_scan *to)
{
	uint64_t print = to->n;
	for (uint32_t i = 0; i < to->n; i++) {
		const struct board_backend *row = &b->backends[to->slots[i]];
		to->texts[i] = load(&row->text_version);
		to->epochs[i] = load(&row->epoch);
		to->has_slots |= load(&row->slots) != 0;
		mix(&print, (uint64_t)(uint32_t)to->slots[i] << 32 | to->epochs[i]);
		mix(&print, (uint64_t)to->texts[i] << 32 | load(&row->weight));
		mix(&print, (uint32_t)atomic_load_explicit(&row->tier, memory_order_relaxed));
	}
	to->print_low = (uint32_t)print;
	to->print_high = (uint32_t)(print >> 32);
}

NEAP_API void neap_pool_scan(int32_t pool, double panic, neap_scan *to)
{
	const struct board *b = vm_current()->o.board;
	struct board_share share;
	board_pool_share(b, pool, &share);
	to->n = board_pool_members(b, pool, to->slots, countof(to->slots));
	to->n = to->n < countof(to->slots) ? to->n : (uint32_t)countof(to->slots);
	to->has_slots = to->live = 0;
	to->tier = share.tier;
	to->panics = share.up < panic * share.of ? 1 : 0;
	read_rows(b, to);
	for (uint32_t i = 0; i < to->n; i++) {
		int32_t tier =
			atomic_load_explicit(&b->backends[to->slots[i]].tier, memory_order_relaxed);
		if (tier == share.tier && may_serve(b, to->slots[i], to->panics != 0))
			to->serving[to->live++] = (int32_t)i;
	}
}

static bool has_room(const struct board *b, int32_t slot)
{
	uint32_t slots = load(&b->backends[slot].slots);
	return slots == 0 || board_inflight(b, slot) < slots;
}

static void put_left(const struct board *b, int32_t slot, int32_t tier, neap_left *to)
{
	if (!has_room(b, slot)) {
		to->slots[countof(to->slots) - ++to->full] = slot;
		return;
	}
	to->slots[to->n++] = slot;
	to->lowest = tier < to->lowest ? tier : to->lowest;
	to->highest = tier > to->highest ? tier : to->highest;
}

/* One look at each, however many were tried: a request may try ten thousand that are dead. */
NEAP_API void neap_pool_left(int32_t pool, uint32_t panics, int32_t tier, const int32_t *tried,
			     uint32_t tried_n, neap_left *to)
{
	static int32_t slots[BOARD_BACKENDS_MAX]; /* one thread a process */
	static bool is_tried[BOARD_BACKENDS_MAX];
	const struct board *b = vm_current()->o.board;
	uint32_t n = board_pool_members(b, pool, slots, countof(slots));
	n = n < countof(slots) ? n : (uint32_t)countof(slots);
	for (uint32_t i = 0; i < tried_n; i++)
		is_tried[tried[i]] = true;
	to->n = to->full = 0;
	to->lowest = INT32_MAX;
	to->highest = INT32_MIN;
	for (uint32_t i = 0; i < n; i++) {
		int32_t own =
			atomic_load_explicit(&b->backends[slots[i]].tier, memory_order_relaxed);
		if (!is_tried[slots[i]] && may_serve(b, slots[i], panics != 0 && own == tier))
			put_left(b, slots[i], own, to);
	}
	for (uint32_t i = 0; i < tried_n; i++)
		is_tried[tried[i]] = false;
}

NEAP_API int32_t neap_pool_find_name(int32_t pool, const char *name, size_t n)
{
	return board_backend_find(vm_current()->o.board, pool, (struct str){ name, n });
}

NEAP_API void neap_pool_ids(const int32_t *slots, uint32_t n, double *ids)
{
	const struct board *b = vm_current()->o.board;
	struct board_text text;
	for (uint32_t i = 0; i < n; i++) {
		int32_t slot = slots[i];
		ids[i] = board_backend_text(b, slot, board_epoch(b, slot), &text)
				 ? neap_hash(text.name, strnlen(text.name, sizeof text.name), 0)
				 : 0;
	}
}

#include "shm/board_state.h"

#include "shm/words.h"

static const unsigned any_state = ~0u;
static const unsigned live_states = 1u << STATE_UNKNOWN | 1u << STATE_UP;
static const unsigned out_states = 1u << STATE_DOWN | 1u << STATE_EJECTED;
static const unsigned checked_states = 1u << STATE_UNKNOWN | 1u << STATE_UP | 1u << STATE_DOWN;

const char *board_state_word(enum board_state s)
{
	static const char *const words[] = {
		[STATE_UNKNOWN] = "unknown", [STATE_UP] = "up",		  [STATE_DOWN] = "down",
		[STATE_DRAIN] = "drain",     [STATE_EJECTED] = "ejected",
	};

	return (size_t)s < countof(words) ? words[s] : "?";
}

static void bump_pool(struct board *b, int slot)
{
	int32_t pool = atomic_load_explicit(&b->backends[slot].pool, memory_order_acquire);
	if (pool >= 0 && pool < BOARD_POOLS_MAX)
		atomic_fetch_add_explicit(&b->pools[pool].version, 1, memory_order_release);
}

static void note_return(struct board_backend *backend, enum board_state from, enum board_state to,
			int64_t wall_ms)
{
	if (from == STATE_EJECTED)
		atomic_store_explicit(&backend->streak, 0, memory_order_relaxed);
	if ((1u << from & out_states) == 0 || (1u << to & live_states) == 0)
		return;
	atomic_store_explicit(&backend->back_since_ms, wall_ms, memory_order_relaxed);
	atomic_store_explicit(&backend->suspicion, 0, memory_order_relaxed);
}

/*
 * When several processes want the same change one wins, and writes the reason. A reader may see the
 * new state with the old reason for some nanoseconds. It sees words of two reasons only if the
 * state changes twice meanwhile.
 */
static bool force_state(struct board *b, int slot, unsigned from, enum board_state to,
			struct str reason, int64_t wall_ms)
{
	struct board_backend *backend = &b->backends[slot];
	uint64_t wanted = (uint64_t)wall_ms << 8 | (uint64_t)to;
	uint64_t old = atomic_load_explicit(&backend->state, memory_order_acquire);
	do {
		unsigned state = (unsigned)(old & 0xff);
		if (state == (unsigned)to || (from >> state & 1u) == 0)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&backend->state, &old, wanted, memory_order_acq_rel, memory_order_acquire));
	words_store_text(b->prose[slot].reason, BOARD_REASON_WORDS, reason);
	if (to != STATE_DOWN)
		atomic_store_explicit(&backend->marked_by_request, 0, memory_order_relaxed);
	note_return(backend, (enum board_state)(old & 0xff), to, wall_ms);
	bump_pool(b, slot);
	return true;
}

static bool change_unpinned(struct board *b, int slot, unsigned from, enum board_state to,
			    struct str reason, int64_t wall_ms)
{
	return board_pinned(b, slot) == 0 && force_state(b, slot, from, to, reason, wall_ms);
}

bool board_pin(struct board *b, int slot, int state, struct str reason, int64_t wall_ms)
{
	enum board_state to = state == BOARD_NONE ? STATE_UNKNOWN : (enum board_state)state;
	uint32_t pin = state == BOARD_NONE ? 0 : (uint32_t)to + 1;
	uint32_t before = atomic_exchange(&b->backends[slot].pinned, pin);

	if (pin == 0 && before == 0)
		return false;
	return force_state(b, slot, any_state, to, reason, wall_ms) || before != pin;
}

bool board_set_state(struct board *b, int slot, enum board_state to, struct str reason,
		     int64_t wall_ms)
{
	return change_unpinned(b, slot, any_state, to, reason, wall_ms);
}

bool board_mark_down(struct board *b, int slot, struct str reason, int64_t wall_ms)
{
	if (!change_unpinned(b, slot, live_states, STATE_DOWN, reason, wall_ms))
		return false;
	atomic_store_explicit(&b->backends[slot].marked_by_request, 1, memory_order_release);
	return true;
}

bool board_eject(struct board *b, int slot, int64_t until_ms, struct str reason, int64_t wall_ms)
{
	/* First, so that no reader sees an ejected backend whose time is over. */
	atomic_store_explicit(&b->backends[slot].ejected_until_ms, until_ms, memory_order_release);
	return change_unpinned(b, slot, any_state, STATE_EJECTED, reason, wall_ms);
}

bool board_set_checked(struct board *b, int slot, bool is_up, struct str reason, int64_t wall_ms)
{
	return change_unpinned(b, slot, checked_states, is_up ? STATE_UP : STATE_DOWN, reason,
			       wall_ms);
}

size_t board_reason(const struct board *b, int slot, char *to, size_t size)
{
	return words_load_text(to, size, b->prose[slot].reason, BOARD_REASON_WORDS);
}

void board_latency(struct board *b, int slot, uint32_t us)
{
	_Atomic uint32_t *cell = &b->backends[slot].latency_us;
	uint32_t old = atomic_load_explicit(cell, memory_order_relaxed);
	int64_t average = old == 0 ? us : old + ((int64_t)us - (int64_t)old) / 8;
	/* Another worker at the same moment may undo this value: no harm to an average. */
	atomic_store_explicit(cell, average < 1 ? 1 : (uint32_t)average, memory_order_relaxed);
}

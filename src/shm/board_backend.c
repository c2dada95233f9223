#include "shm/board_backend.h"

#include "base/clock.h"
#include "shm/board_cell.h"
#include "shm/board_worker.h"
#include "shm/hash.h"
#include "shm/words.h"

enum { INDEX_EMPTY = 0, INDEX_WAS_USED = -1, RECLAIM_AFTER_MS = 60000 };

static struct str text_name(const struct board_text *text)
{
	return (struct str){ text->name, strnlen(text->name, sizeof text->name) };
}

/* The current text as the agent, the only writer, sees it. */
static void load_text(const struct board *b, int slot, struct board_text *to)
{
	const struct board_backend *backend = &b->backends[slot];
	unsigned half = atomic_load_explicit(&backend->text_version, memory_order_relaxed) & 1;
	words_load(to, b->prose[slot].text[half], sizeof *to);
}

static void store_text(struct board *b, int slot, const struct board_text *text)
{
	struct board_backend *backend = &b->backends[slot];
	uint32_t version = atomic_load_explicit(&backend->text_version, memory_order_relaxed) + 1;
	atomic_thread_fence(
		memory_order_release); /* a reader of words of the new text sees version - 1 */
	words_store(b->prose[slot].text[version & 1], text, sizeof *text);
	atomic_store_explicit(&backend->text_version, version, memory_order_release);
}

bool board_backend_text(const struct board *b, int slot, uint32_t epoch, struct board_text *to)
{
	const struct board_backend *backend = &b->backends[slot];
	uint32_t before, after;
	do {
		before = atomic_load_explicit(&backend->text_version, memory_order_acquire);
		words_load(to, b->prose[slot].text[before & 1], sizeof *to);
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load_explicit(&backend->text_version, memory_order_relaxed);
	} while (before != after);
	return atomic_load_explicit(&backend->epoch, memory_order_relaxed) == epoch &&
	       atomic_load_explicit(&backend->pool, memory_order_relaxed) != BOARD_NONE;
}

static bool is_named(const struct board *b, int slot, int pool, struct str name)
{
	struct board_text text;
	if (atomic_load_explicit(&b->backends[slot].pool, memory_order_relaxed) != pool)
		return false;
	load_text(b, slot, &text);
	return str_eq(text_name(&text), name);
}

static unsigned index_start(int pool, struct str name)
{
	return (unsigned)(hash_name((uint64_t)pool + 1, name) % BOARD_INDEX);
}

/* Where the identity is in the index (its slot + 1 is there); BOARD_INDEX: nowhere. */
static unsigned index_find(const struct board *b, int pool, struct str name)
{
	unsigned at = index_start(pool, name);
	for (unsigned i = 0; i < BOARD_INDEX; i++, at = (at + 1) % BOARD_INDEX) {
		int32_t entry = atomic_load_explicit(&b->index[at], memory_order_acquire);
		if (entry == INDEX_EMPTY)
			break;
		if (entry > 0 && is_named(b, entry - 1, pool, name))
			return at;
	}
	return BOARD_INDEX;
}

static void index_add(struct board *b, int pool, struct str name, int slot)
{
	unsigned at = index_start(pool, name);
	while (atomic_load_explicit(&b->index[at], memory_order_relaxed) > 0)
		at = (at + 1) % BOARD_INDEX; /* twice as many entries as slots: ends */
	atomic_store_explicit(&b->index[at], slot + 1, memory_order_release);
}

/*
 * An entry that was used keeps searches going. At the end of a run none is needed, so they become
 * empty there.
 */
static void index_remove(struct board *b, unsigned at)
{
	atomic_store_explicit(&b->index[at], INDEX_WAS_USED, memory_order_release);
	if (atomic_load_explicit(&b->index[(at + 1) % BOARD_INDEX], memory_order_relaxed) !=
	    INDEX_EMPTY)
		return;
	while (atomic_load_explicit(&b->index[at], memory_order_relaxed) == INDEX_WAS_USED) {
		atomic_store_explicit(&b->index[at], INDEX_EMPTY, memory_order_release);
		at = (at + BOARD_INDEX - 1) % BOARD_INDEX;
	}
}

int board_backend_find(const struct board *b, int pool, struct str name)
{
	unsigned at = index_find(b, pool, name);
	return at == BOARD_INDEX ? BOARD_NONE : atomic_load(&b->index[at]) - 1;
}

static int find_free_slot(struct board *b)
{
	int32_t used = atomic_load(&b->slots_used);
	if (atomic_load(&b->slots_free) > 0) {
		for (int32_t slot = 0; slot < used; slot++) {
			if (atomic_load(&b->backends[slot].pool) != BOARD_NONE)
				continue;
			atomic_fetch_sub(&b->slots_free, 1);
			return slot;
		}
	}
	if (used >= BOARD_BACKENDS_MAX)
		return BOARD_NONE;
	atomic_store(&b->backends[used].pool, BOARD_NONE);
	atomic_store(&b->slots_used, used + 1);
	return used;
}

static void clear_cell(struct board *b, unsigned row, int slot)
{
	struct board_cell *cell = &b->cells[row][slot];
	atomic_store_explicit(&b->inflight[row][slot], 0, memory_order_relaxed);
	atomic_store_explicit(&cell->reserved, 0, memory_order_relaxed);
	atomic_store_explicit(&cell->outliers, 0, memory_order_relaxed);
	atomic_store_explicit(&cell->requests, 0, memory_order_relaxed);
	atomic_store_explicit(&cell->failures, 0, memory_order_relaxed);
	for (unsigned i = 0; i < BOARD_ANSWERS; i++)
		atomic_store_explicit(&cell->answers[i], 0, memory_order_relaxed);
}

static void clear_histogram(struct board_histogram *h)
{
	if (stat_get(&h->sum_us) == 0)
		return; /* a row that was never used takes no memory */
	atomic_store_explicit(&h->sum_us, 0, memory_order_relaxed);
	for (unsigned at = 0; at < HISTOGRAM_BUCKETS; at++)
		atomic_store_explicit(&h->bucket[at], 0, memory_order_relaxed);
}

static void clear_shadow(struct board_shadow_picks *p)
{
	if (stat_get(&p->real) == 0 && stat_get(&p->shadow) == 0)
		return; /* as above */
	atomic_store_explicit(&p->real, 0, memory_order_relaxed);
	atomic_store_explicit(&p->shadow, 0, memory_order_relaxed);
}

/* Nobody counts here now: the slot was in no list and had nothing in flight for a minute. */
static void clear_cells(struct board *b, int slot)
{
	uint32_t workers = board_workers(b);
	for (uint32_t i = 0; i < workers; i++) {
		clear_cell(b, i, slot);
		clear_histogram(&b->latency[i][slot]);
		clear_shadow(&b->shadow_picks[i][slot]);
	}
	for (unsigned row = BOARD_EARLIER; row < BOARD_ROWS; row++) {
		clear_cell(b, row, slot);
		clear_histogram(&b->latency[row][slot]);
	}
}

static bool store_numbers(struct board_backend *backend, const struct board_member *m)
{
	uint32_t weight = atomic_exchange(&backend->weight, m->weight);
	uint32_t slots = atomic_exchange(&backend->slots, m->slots);
	int32_t tier = atomic_exchange(&backend->tier, m->tier);
	return weight != m->weight || slots != m->slots || tier != m->tier;
}

static int publish_new(struct board *b, int pool, const struct board_member *m,
		       enum board_state initial)
{
	int slot = find_free_slot(b);
	if (slot == BOARD_NONE)
		return slot;
	struct board_backend *backend = &b->backends[slot];
	atomic_fetch_add_explicit(&backend->epoch, 1, memory_order_release);
	clear_cells(b, slot);
	(void)store_numbers(backend, m);
	store_text(b, slot, &m->text);
	words_store_text(b->prose[slot].reason, BOARD_REASON_WORDS, (struct str){ NULL, 0 });
	words_store_text(b->prose[slot].suspicion, BOARD_REASON_WORDS, (struct str){ NULL, 0 });
	atomic_store(&backend->member, 0);
	atomic_store(&backend->idle_since_ms, 0);
	atomic_store(&backend->ejected_until_ms, 0);
	atomic_store(&backend->latency_us, 0);
	atomic_store(&backend->marked_by_request, 0);
	atomic_store(&backend->pinned, 0);
	atomic_store(&backend->streak, 0);
	atomic_store(&backend->ejections, 0);
	atomic_store(&backend->suspicion, 0);
	atomic_store(&backend->suspected, 0);
	atomic_store(&backend->back_since_ms,
		     atomic_load(&b->pools[pool].has_served) != 0 ? clock_wall_ms() : 0);
	atomic_store(&backend->state, (uint64_t)clock_wall_ms() << 8 | (uint64_t)initial);
	atomic_store(&backend->pool, pool);
	index_add(b, pool, text_name(&m->text), slot);
	return slot;
}

static bool is_same_place(const struct board_text *a, const struct board_text *b)
{
	return a->port == b->port && strncmp(a->host, b->host, sizeof a->host) == 0 &&
	       strncmp(a->path, b->path, sizeof a->path) == 0;
}

static bool update_text(struct board *b, int slot, const struct board_text *wanted)
{
	struct board_text old, text = *wanted;
	load_text(b, slot, &old);
	if (text.addrs == 0 && is_same_place(&text, &old)) {
		text.addrs = old.addrs;
		memcpy(text.addr, old.addr, sizeof text.addr);
	}
	if (memcmp(&text, &old, sizeof text) == 0)
		return false;
	store_text(b, slot, &text);
	return true;
}

int board_backend_publish(struct board *b, int pool, const struct board_member *m,
			  enum board_state initial)
{
	struct str name = text_name(&m->text);
	if (pool < 0 || pool >= BOARD_POOLS_MAX || name.n == 0 || name.n == sizeof m->text.name)
		return BOARD_NONE;
	int slot = board_backend_find(b, pool, name);
	if (slot == BOARD_NONE)
		return publish_new(b, pool, m, initial);
	bool is_changed = update_text(b, slot, &m->text);
	if (store_numbers(&b->backends[slot], m) || is_changed)
		atomic_fetch_add_explicit(&b->pools[pool].version, 1, memory_order_release);
	return slot;
}

bool board_backend_set_addrs(struct board *b, int slot, const struct board_addr *addrs,
			     unsigned count)
{
	struct board_text text;
	load_text(b, slot, &text);
	text.addrs = (uint8_t)(count < BOARD_ADDRS_MAX ? count : BOARD_ADDRS_MAX);
	memset(text.addr, 0, sizeof text.addr);
	memcpy(text.addr, addrs, text.addrs * sizeof *addrs);
	if (!update_text(b, slot, &text))
		return false;
	int32_t pool = atomic_load(&b->backends[slot].pool);
	if (pool != BOARD_NONE)
		atomic_fetch_add_explicit(&b->pools[pool].version, 1, memory_order_release);
	return true;
}

bool board_backend_set_weight(struct board *b, int slot, uint32_t weight)
{
	int32_t pool = atomic_load(&b->backends[slot].pool);
	if (atomic_exchange(&b->backends[slot].weight, weight) == weight)
		return false;
	if (pool != BOARD_NONE)
		atomic_fetch_add_explicit(&b->pools[pool].version, 1, memory_order_release);
	return true;
}

static void free_slot(struct board *b, int slot, int pool)
{
	struct board_text text;
	load_text(b, slot, &text);
	unsigned at = index_find(b, pool, text_name(&text));
	if (at != BOARD_INDEX && atomic_load(&b->index[at]) == slot + 1)
		index_remove(b, at);
	atomic_fetch_add_explicit(&b->backends[slot].epoch, 1, memory_order_release);
	atomic_store(&b->backends[slot].pool, BOARD_NONE);
	atomic_fetch_add(&b->slots_free, 1);
}

void board_reclaim(struct board *b, int64_t now_ms)
{
	int32_t used = atomic_load(&b->slots_used);
	for (int32_t slot = 0; slot < used; slot++) {
		struct board_backend *backend = &b->backends[slot];
		int32_t pool = atomic_load_explicit(&backend->pool, memory_order_relaxed);
		if (pool == BOARD_NONE)
			continue;
		bool is_member = atomic_load(&backend->member) ==
				 atomic_load(&b->pools[pool].list_version);
		int64_t since = atomic_load(&backend->idle_since_ms);
		if (is_member || board_inflight(b, slot) != 0) {
			if (since != 0)
				atomic_store(&backend->idle_since_ms, 0);
		} else if (since == 0) {
			atomic_store(&backend->idle_since_ms, now_ms);
		} else if (now_ms - since >= RECLAIM_AFTER_MS) {
			free_slot(b, slot, pool);
		}
	}
}

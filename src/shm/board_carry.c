#include "shm/board_carry.h"

#include "shm/board.h"
#include "shm/board_backend.h"
#include "shm/board_budget.h"
#include "shm/board_cell.h"
#include "shm/board_counter.h"
#include "shm/board_history.h"
#include "shm/board_pool.h"
#include "shm/board_queue.h"
#include "shm/board_service.h"
#include "shm/board_state.h"
#include "shm/board_story.h"
#include "shm/board_tickets.h"
#include "shm/board_twice.h"
#include "shm/board_worker.h"
#include "shm/words.h"

static const char gauge_prefix[] =
	"\x1fgauge\x1f"; /* as lua/neap/runtime/counters.lua names them */

/* ---- one backend, by the next generation's agent ---- */

static void copy_reason(_Atomic uint64_t *to, const _Atomic uint64_t *from)
{
	uint64_t words[BOARD_REASON_WORDS];
	words_load(words, from, sizeof words);
	words_store(to, words, sizeof words);
}

static void copy_condition(struct board_backend *to, const struct board_backend *from)
{
	atomic_store(&to->ejected_until_ms, atomic_load(&from->ejected_until_ms));
	atomic_store(&to->latency_us, atomic_load(&from->latency_us));
	atomic_store(&to->marked_by_request, atomic_load(&from->marked_by_request));
	atomic_store(&to->pinned, atomic_load(&from->pinned));
	atomic_store(&to->back_since_ms, atomic_load(&from->back_since_ms));
	atomic_store(&to->streak, atomic_load(&from->streak));
	atomic_store(&to->ejections, atomic_load(&from->ejections));
	atomic_store(&to->suspicion, atomic_load(&from->suspicion));
	atomic_store(&to->state, atomic_load(&from->state));
}

static bool is_known_state(const struct board *b, int slot)
{
	return (unsigned)board_state(b, slot) <= STATE_EJECTED;
}

int board_inherit(struct board *b, int pool, struct str name, const struct board *from)
{
	struct board_member m;
	int slot = board_backend_find(b, pool, name);
	if (slot != BOARD_NONE)
		return slot;
	int old_pool = board_pool_find(from, str_of(b->pools[pool].name));
	if (old_pool != BOARD_NONE && atomic_load(&from->pools[old_pool].has_served) != 0)
		atomic_store(&b->pools[pool].has_served, 1);
	int old = old_pool == BOARD_NONE ? BOARD_NONE : board_backend_find(from, old_pool, name);
	if (old == BOARD_NONE || !is_known_state(from, old) ||
	    !board_backend_text(from, old, board_epoch(from, old), &m.text))
		return BOARD_NONE;
	const struct board_backend *backend = &from->backends[old];
	m.weight = atomic_load(&backend->weight);
	m.slots = atomic_load(&backend->slots);
	m.tier = atomic_load(&backend->tier);
	slot = board_backend_publish(b, pool, &m, STATE_UNKNOWN);
	if (slot == BOARD_NONE)
		return slot;
	copy_reason(b->prose[slot].reason, from->prose[old].reason);
	copy_reason(b->prose[slot].suspicion, from->prose[old].suspicion);
	copy_condition(&b->backends[slot], backend);
	return slot;
}

/* ---- all of them, by the master ---- */

/* From slots of one board to those of another, by pool and name. */
struct path {
	const struct board *from, *to;
	int pools[BOARD_POOLS_MAX]; /* of from → of to */
};

static void path_init(struct path *p, const struct board *from, const struct board *to)
{
	*p = (struct path){ .from = from, .to = to };
	for (int i = 0; i < BOARD_POOLS_MAX; i++) {
		bool is_used = atomic_load(&from->pools[i].used) != 0;
		p->pools[i] = is_used ? board_pool_find(to, str_of(from->pools[i].name))
				      : BOARD_NONE;
	}
}

/* BOARD_NONE: the slot is free, or the other board does not have that backend. */
static int path_walk(const struct path *p, int slot)
{
	struct board_text text;
	int32_t pool = atomic_load(&p->from->backends[slot].pool);
	if (pool < 0 || pool >= BOARD_POOLS_MAX || p->pools[pool] == BOARD_NONE ||
	    !board_backend_text(p->from, slot, board_epoch(p->from, slot), &text))
		return BOARD_NONE;
	struct str name = { text.name, strnlen(text.name, sizeof text.name) };
	return board_backend_find(p->to, p->pools[pool], name);
}

static int32_t slots_of(const struct board *b)
{
	int32_t used = atomic_load(&b->slots_used);
	if (used < 0)
		return 0;
	return used < BOARD_BACKENDS_MAX ? used : BOARD_BACKENDS_MAX;
}

/* Adds what *total grew by since the last time. Both written by the master alone. */
static void take_growth(_Atomic uint64_t *to, _Atomic uint64_t *taken, uint64_t total)
{
	atomic_fetch_add(to, total - atomic_exchange(taken, total));
}

static void add_cells(uint64_t *sums, const _Atomic uint64_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sums[i] += stat_get(&from[i]);
}

static void take_cells(_Atomic uint64_t *to, _Atomic uint64_t *taken, const uint64_t *sums,
		       size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (sums[i] != 0)
			take_growth(&to[i], &taken[i], sums[i]);
	}
}

enum {
	HISTOGRAM_CELLS = sizeof(struct board_histogram) / sizeof(uint64_t),
	SERVICE_CELLS = sizeof(struct board_service_cell) / sizeof(uint64_t)
};

static void take_latency(struct board *b, int to, struct board *from, int slot)
{
	uint64_t sums[HISTOGRAM_CELLS] = { 0 };
	uint32_t workers = board_workers(from);
	for (uint32_t i = 0; i < workers; i++)
		add_cells(sums, (const _Atomic uint64_t *)&from->latency[i][slot], HISTOGRAM_CELLS);
	add_cells(sums, (const _Atomic uint64_t *)&from->latency[BOARD_EARLIER][slot],
		  HISTOGRAM_CELLS);
	take_cells((_Atomic uint64_t *)&b->latency[BOARD_EARLIER][to],
		   (_Atomic uint64_t *)&from->latency[BOARD_TAKEN][slot], sums, HISTOGRAM_CELLS);
}

static void take_service(struct board *b, int to, struct board *from, int row)
{
	uint64_t sums[SERVICE_CELLS] = { 0 };
	uint32_t workers = board_workers(from);
	for (uint32_t i = 0; i < workers; i++)
		add_cells(sums, (const _Atomic uint64_t *)&from->service_cells[i][row],
			  SERVICE_CELLS);
	add_cells(sums, (const _Atomic uint64_t *)&from->service_cells[BOARD_EARLIER][row],
		  SERVICE_CELLS);
	take_cells((_Atomic uint64_t *)&b->service_cells[BOARD_EARLIER][to],
		   (_Atomic uint64_t *)&from->service_cells[BOARD_TAKEN][row], sums, SERVICE_CELLS);
}

static void take_services(struct board *b, struct board *from)
{
	for (int row = 0; row < BOARD_SERVICES_MAX; row++) {
		uint64_t name[BOARD_SERVICE_NAME_WORDS];
		if (atomic_load(&from->services[row].key) == 0)
			break;
		words_load(name, from->services[row].name, sizeof(name));
		int to = board_service(b, (struct str){ (char *)name,
							strnlen((char *)name, sizeof(name)) });
		if (to != BOARD_NONE)
			take_service(b, to, from, row);
	}
}

/* The place in b's config of the service at that place of from's; BOARD_NONE: it has none. */
static int place_of(const struct board *b, const struct board *from, int place)
{
	uint32_t row = atomic_load(&from->service_rows[place]);
	if (row == 0 || row > BOARD_SERVICES_MAX)
		return BOARD_NONE;
	uint64_t key = atomic_load(&from->services[row - 1].key);
	for (int i = 0; i < BOARD_SERVICES_MAX; i++) {
		uint32_t other = atomic_load(&b->service_rows[i]);
		if (other == 0)
			break;
		if (other <= BOARD_SERVICES_MAX && atomic_load(&b->services[other - 1].key) == key)
			return i;
	}
	return BOARD_NONE;
}

static void take_hook(struct board_hook *to, struct board_hook *from)
{
	take_growth(&to->errors, &from->errors_taken, atomic_load(&from->errors));
	take_growth(&to->killed, &from->killed_taken, atomic_load(&from->killed));
	take_growth(&to->calls, &from->calls_taken, atomic_load(&from->calls));
	take_growth(&to->ns, &from->ns_taken, atomic_load(&from->ns));
}

static void take_hooks(struct board *b, struct board *from)
{
	for (int place = 0; place < BOARD_SERVICES_MAX; place++) {
		if (atomic_load(&from->service_rows[place]) == 0)
			break;
		int to = place_of(b, from, place);
		for (unsigned hook = 0; to != BOARD_NONE && hook < BOARD_HOOKS; hook++)
			take_hook(&b->hooks[to][hook], &from->hooks[place][hook]);
	}
}

static void take_backends(struct board *b, struct board *from)
{
	struct path path;
	path_init(&path, from, b);
	for (int slot = 0; slot < slots_of(from); slot++) {
		uint64_t requests, failures, answers[BOARD_ANSWERS];
		int to = path_walk(&path, slot);
		if (to == BOARD_NONE)
			continue;
		board_totals(from, slot, &requests, &failures);
		struct board_cell *taken = &from->cells[BOARD_TAKEN][slot];
		struct board_cell *earlier = &b->cells[BOARD_EARLIER][to];
		take_growth(&earlier->requests, &taken->requests, requests);
		take_growth(&earlier->failures, &taken->failures, failures);
		board_answers(from, slot, answers);
		take_cells(earlier->answers, taken->answers, answers, BOARD_ANSWERS);
		take_latency(b, to, from, slot);
	}
}

static void take_workers(struct board *b, struct board *from)
{
	struct board_worker *earlier = &b->workers[BOARD_EARLIER];
	struct board_worker *taken = &from->workers[BOARD_TAKEN];
	uint64_t requests = 0, bad = 0, errors = 0;
	for (unsigned i = 0; i <= BOARD_EARLIER; i++) {
		requests += atomic_load(&from->workers[i].requests);
		bad += atomic_load(&from->workers[i].bad_requests);
		errors += atomic_load(&from->workers[i].hook_errors);
	}
	take_growth(&earlier->requests, &taken->requests, requests);
	take_growth(&earlier->bad_requests, &taken->bad_requests, bad);
	take_growth(&earlier->hook_errors, &taken->hook_errors, errors);
}

static void take_budget(struct board *b, int to, struct board *from, int pool,
			enum board_budget_kind kind)
{
	struct board_budget *earlier = &b->budgets[kind][BOARD_EARLIER][to];
	struct board_budget *taken = &from->budgets[kind][BOARD_TAKEN][pool];
	struct board_budget_sum sum;
	board_budget_totals(from, kind, pool, &sum);
	take_growth(&earlier->spent, &taken->spent, sum.spent);
	take_growth(&earlier->refused, &taken->refused, sum.refused);
}

static void take_pool(struct board *b, int to, struct board *from, int pool)
{
	struct board_queue *queue = &b->queues[BOARD_EARLIER][to];
	struct board_queue *taken = &from->queues[BOARD_TAKEN][pool];
	struct board_queue_sum sum;
	board_queue_totals(from, pool, &sum);
	take_growth(&queue->queued, &taken->queued, sum.queued);
	take_growth(&queue->timed_out, &taken->timed_out, sum.timed_out);
	take_growth(&queue->left, &taken->left, sum.left);
	take_growth(&queue->waited_us, &taken->waited_us, sum.waited_us);
	take_growth(&queue->refused, &taken->refused, sum.refused);
	take_budget(b, to, from, pool, BUDGET_OF_RETRIES);
	take_budget(b, to, from, pool, BUDGET_OF_HEDGES);
	for (unsigned i = 0; i < BOARD_TWICE_COUNTS; i++)
		take_growth(&b->twice[BOARD_EARLIER][to].n[i], &from->twice[BOARD_TAKEN][pool].n[i],
			    board_twice_total(from, pool, (enum board_twice_count)i));
}

static void take_pools(struct board *b, struct board *from)
{
	for (int pool = 0; pool < BOARD_POOLS_MAX; pool++) {
		int to = atomic_load(&from->pools[pool].used) == 0
				 ? BOARD_NONE
				 : board_pool_find(b, str_of(from->pools[pool].name));
		if (to != BOARD_NONE)
			take_pool(b, to, from, pool);
	}
}

/* How many more counters may come over: a part stays free for those that this config makes. */
static unsigned room_for_counters(const struct board *b)
{
	unsigned room = BOARD_COUNTERS_MAX / 4 * 3;
	for (unsigned i = 0; i < BOARD_COUNTERS_MAX && room > 0; i++)
		room -= atomic_load(&b->counters[i].key) != 0;
	return room;
}

static bool has_counter(const struct board *b, uint64_t key)
{
	for (unsigned i = 0; i < BOARD_COUNTERS_MAX; i++) {
		if (atomic_load(&b->counters[i].key) == key)
			return true;
	}
	return false;
}

static void take_counter(struct board *b, struct board_counter *from, const char *name,
			 bool is_first)
{
	bool is_gauge = str_starts_with(str_of(name), STR(gauge_prefix));
	uint64_t key = atomic_load(&from->key);
	if (!has_counter(b, key) && room_for_counters(b) == 0)
		return;
	_Atomic uint64_t *to = board_counter_by_key(b, key, str_of(name));
	if (to == NULL)
		return;
	if (!is_gauge)
		take_growth(to, &from->taken, atomic_load(&from->value));
	else if (is_first)
		atomic_store(to, atomic_load(&from->value));
}

static void take_counters(struct board *b, struct board *from, bool is_first)
{
	char name[BOARD_COUNTER_NAME_WORDS * 8];
	uint64_t value;
	for (unsigned i = 0; i < BOARD_COUNTERS_MAX; i++) {
		if (board_counter_at(from, i, name, sizeof name, &value))
			take_counter(b, &from->counters[i], name, is_first);
	}
}

enum { STORIES_TAKEN = 64 };

/* The last that failed: mostly those that the end of `from` cut. */
static void take_stories(struct board *b, const struct board *from)
{
	char text[BOARD_STORY_BYTES];
	uint64_t end = board_story_count(from, BOARD_SHELF_FAILED);
	for (uint64_t i = end > STORIES_TAKEN ? end - STORIES_TAKEN : 0; i < end; i++) {
		size_t n = board_story_get(from, BOARD_SHELF_FAILED, i, text);
		if (n > 0)
			board_story_put(b, BOARD_SHELF_FAILED, (struct str){ text, n });
	}
}

void board_take(struct board *b, struct board *from, bool is_first)
{
	take_backends(b, from);
	take_workers(b, from);
	take_services(b, from);
	take_hooks(b, from);
	take_pools(b, from);
	take_counters(b, from, is_first);
	if (is_first) {
		board_tickets_take(b, from);
		board_history_take(b, from);
	}
	if (!is_first)
		take_stories(b, from);
}

/* ---- while both run ---- */

static void follow_state(struct board *from, int slot, const struct board *b, int known)
{
	char reason[BOARD_REASON_WORDS * 8];
	if (board_state(from, slot) == board_state(b, known) || !is_known_state(b, known))
		return;
	size_t n = board_reason(b, known, reason, sizeof reason);
	atomic_store(&from->backends[slot].pinned, 0); /* this board's word counts no longer */
	(void)board_set_state(from, slot, board_state(b, known), (struct str){ reason, n },
			      board_state_since_ms(b, known));
}

static void share_one(struct board *b, struct board *from, uint32_t *inflight)
{
	struct path path;
	path_init(&path, from, b);
	for (int slot = 0; slot < slots_of(from); slot++) {
		int to = path_walk(&path, slot);
		if (to == BOARD_NONE)
			continue;
		/* Those before `from` are in the list themselves. */
		inflight[to] += board_inflight(from, slot) -
				atomic_load(&from->inflight[BOARD_EARLIER][slot]);
		follow_state(from, slot, b, to);
	}
}

void board_share(struct board *b, struct board *const *draining, unsigned count)
{
	uint32_t inflight[BOARD_BACKENDS_MAX] = { 0 };
	for (unsigned i = 0; i < count; i++)
		share_one(b, draining[i], inflight);
	for (int slot = 0; slot < slots_of(b); slot++) {
		_Atomic uint32_t *cell = &b->inflight[BOARD_EARLIER][slot];
		if (atomic_load_explicit(cell, memory_order_relaxed) != inflight[slot])
			atomic_store_explicit(cell, inflight[slot], memory_order_relaxed);
	}
}

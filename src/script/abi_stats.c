/* What the board has counted, summed up for the admin side. */
#include "script/abi_stats.h"

#include <string.h>

#include "base/clock.h"
#include "base/histogram.h"
#include "base/json.h"
#include "script/policies.h"
#include "shm/board.h"
#include "shm/board_budget.h"
#include "shm/board_cell.h"
#include "shm/board_certificate.h"
#include "shm/board_counter.h"
#include "shm/board_life.h"
#include "shm/board_queue.h"
#include "shm/board_service.h"
#include "shm/board_shadow.h"
#include "shm/board_state.h"
#include "shm/board_story.h"
#include "shm/board_twice.h"
#include "shm/board_worker.h"
#include "shm/hook_id.h"
#include "shm/stats.h"

_Static_assert(sizeof(((neap_times *)0)->bucket) / sizeof(double) == HISTOGRAM_BUCKETS,
	       "one number");
_Static_assert(sizeof(((neap_backend_counts *)0)->answers) / sizeof(double) == BOARD_ANSWERS,
	       "one number");
_Static_assert(sizeof(((neap_service_counts *)0)->refused) / sizeof(double) == REFUSALS,
	       "one number");
_Static_assert(sizeof(((neap_service_counts *)0)->dropped) / sizeof(double) == DROPS, "one number");
_Static_assert(sizeof(((neap_service_counts *)0)->grpc) / sizeof(double) == BOARD_GRPC,
	       "one number");
_Static_assert(sizeof(((neap_service_counts *)0)->h2_abuse) / sizeof(double) == BOARD_H2_ABUSE,
	       "a count for each kind of abuse");
_Static_assert(sizeof(((neap_service_counts *)0)->handshakes) / sizeof(double) == HANDSHAKES,
	       "one number");
_Static_assert(sizeof(((neap_service_counts *)0)->handshake_failures) / sizeof(double) ==
		       TLS_REASONS,
	       "one number");
_Static_assert(sizeof(((neap_service_counts *)0)->tls_errors) / sizeof(double) == TLS_REASONS,
	       "one number");
_Static_assert(sizeof(((neap_service_counts *)0)->failed) / sizeof(double) == BOARD_KINDS &&
		       NEAP_KIND_TLS + 1 == BOARD_KINDS,
	       "one number");
_Static_assert(sizeof(((neap_service_counts *)0)->calls) / sizeof(double) == BOARD_ENTRIES,
	       "one number");

static uint32_t counted_workers(void)
{
	return board_workers(policies_board());
}

static void add_count(double *to, const _Atomic uint64_t *from)
{
	*to += (double)stat_get(from);
}

static void add_times(neap_times *to, const struct board_histogram *from)
{
	if (stat_get(&from->sum_us) == 0)
		return; /* memory that was never touched stays so */
	add_count(&to->sum_us, &from->sum_us);
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		add_count(&to->bucket[i], &from->bucket[i]);
}

NEAP_API void neap_life(neap_life_story *to)
{
	const struct board_life *l = &policies_board()->life;

	*to = (neap_life_story){
		.generation = atomic_load(&l->generation),
		.started_ms = (double)atomic_load(&l->started_ms),
		.serving_ms = (double)atomic_load(&l->serving_ms),
		.reloads = atomic_load(&l->reloads),
		.failures = atomic_load(&l->failures),
		.reload_ms = (double)atomic_load(&l->reload_ms),
		.is_failed = atomic_load(&l->is_failed),
	};
	board_life_error(policies_board(), to->error, sizeof(to->error));
}

NEAP_API void neap_count_pool(int32_t pool, neap_pool_counts *to)
{
	struct board_queue_sum q;
	struct board_budget_sum budget, hedges;

	memset(to, 0, sizeof(*to));
	if (pool < 0 || pool >= BOARD_POOLS_MAX)
		return;
	board_queue_totals(policies_board(), pool, &q);
	board_budget_totals(policies_board(), BUDGET_OF_RETRIES, pool, &budget);
	board_budget_totals(policies_board(), BUDGET_OF_HEDGES, pool, &hedges);
	*to = (neap_pool_counts){
		.waiting = (double)q.waiting,
		.queued = (double)q.queued,
		.timed_out = (double)q.timed_out,
		.left = (double)q.left,
		.waited_us = (double)q.waited_us,
		.refused = (double)q.refused,
		.budget_spent = (double)budget.spent,
		.budget_refused = (double)budget.refused,
		.hedges_spent = (double)hedges.spent,
		.hedges_refused = (double)hedges.refused,
	};
}

NEAP_API void neap_count_twice(int32_t pool, double to[])
{
	bool is_pool = pool >= 0 && pool < BOARD_POOLS_MAX;

	for (unsigned i = 0; i < BOARD_TWICE_COUNTS; i++)
		to[i] = is_pool ? (double)board_twice_total(policies_board(), pool,
							    (enum board_twice_count)i)
				: 0;
}

NEAP_API void neap_count_shadow(int32_t pool, neap_shadow_counts *to)
{
	struct board_shadow_sum sum;

	memset(to, 0, sizeof(*to));
	if (pool < 0 || pool >= BOARD_POOLS_MAX)
		return;
	board_shadow_totals(policies_board(), pool, &sum);
	*to = (neap_shadow_counts){
		.asked = (double)sum.asked,
		.agreed = (double)sum.agreed,
		.none = (double)sum.none,
		.errors = (double)sum.errors,
		.ns = (double)sum.ns,
	};
}

NEAP_API void neap_count_shadow_picks(int32_t slot, double picks[2])
{
	uint64_t real = 0, shadow = 0;

	if (slot >= 0 && slot < BOARD_BACKENDS_MAX)
		board_shadow_picked(policies_board(), slot, &real, &shadow);
	picks[0] = (double)real;
	picks[1] = (double)shadow;
}

static void add_backend_times(neap_times *to, int32_t slot)
{
	const struct board *b = policies_board();
	for (uint32_t i = 0; i < counted_workers(); i++)
		add_times(to, &b->latency[i][slot]);
	add_times(to, &b->latency[BOARD_EARLIER][slot]);
}

NEAP_API void neap_count_times(const int32_t *slots, uint32_t n, neap_times *to)
{
	memset(to, 0, sizeof(*to));
	for (uint32_t i = 0; i < n; i++) {
		if (slots[i] >= 0 && slots[i] < BOARD_BACKENDS_MAX)
			add_backend_times(to, slots[i]);
	}
}

NEAP_API void neap_count_backend(int32_t slot, neap_backend_counts *to)
{
	const struct board *b = policies_board();
	uint32_t connections, streams;
	uint64_t requests, failures, answers[BOARD_ANSWERS];

	memset(to, 0, sizeof(*to));
	if (slot < 0 || slot >= BOARD_BACKENDS_MAX)
		return;
	board_totals(b, slot, &requests, &failures);
	to->requests = (double)requests;
	to->failures = (double)failures;
	to->inflight = board_inflight(b, slot);
	board_h2_totals(b, slot, &connections, &streams);
	to->h2_connections = connections;
	to->h2_streams = streams;
	to->latency_us = atomic_load(&b->backends[slot].latency_us);
	to->pinned = board_pinned(b, slot);
	if (requests == 0)
		return;
	board_answers(b, slot, answers);
	for (unsigned i = 0; i < BOARD_ANSWERS; i++)
		to->answers[i] = (double)answers[i];
	add_backend_times(&to->first_byte, slot);
}

static void add_service_counts(neap_service_counts *to, const struct board_service_cell *c)
{
	add_count(&to->requests, &c->requests);
	for (size_t i = 0; i < countof(c->answers); i++)
		add_count(&to->answers[i], &c->answers[i]);
	add_count(&to->bytes, &c->bytes);
	add_count(&to->connections, &c->connections);
	add_count(&to->retries, &c->retries);
	add_count(&to->aborted, &c->aborted);
	add_count(&to->broken, &c->broken);
	for (size_t i = 0; i < REFUSALS; i++)
		add_count(&to->refused[i], &c->refused[i]);
	for (size_t i = 0; i < DROPS; i++)
		add_count(&to->dropped[i], &c->dropped[i]);
	for (size_t i = 0; i < BOARD_GRPC; i++)
		add_count(&to->grpc[i], &c->grpc[i]);
	for (size_t i = 0; i < BOARD_H2_ABUSE; i++)
		add_count(&to->h2_abuse[i], &c->h2_abuse[i]);
	for (size_t i = 0; i < HANDSHAKES; i++)
		add_count(&to->handshakes[i], &c->handshakes[i]);
	for (size_t i = 0; i < TLS_REASONS; i++) {
		add_count(&to->handshake_failures[i], &c->handshake_failures[i]);
		add_count(&to->tls_errors[i], &c->tls_errors[i]);
	}
	for (size_t i = 0; i < BOARD_KINDS; i++)
		add_count(&to->failed[i], &c->failed[i]);
	for (size_t i = 0; i < BOARD_ENTRIES; i++) {
		add_count(&to->calls[i], &c->entries[i].calls);
		add_count(&to->hook_ns[i], &c->entries[i].ns);
	}
	add_times(&to->total, &c->total);
}

NEAP_API void neap_count_service(const char *name, size_t n, neap_service_counts *to)
{
	struct board *b = policies_board();
	int service = board_service(b, (struct str){ name, n });

	memset(to, 0, sizeof(*to));
	if (service == BOARD_NONE)
		return;
	for (uint32_t i = 0; i < counted_workers(); i++)
		add_service_counts(to, &b->service_cells[i][service]);
	add_service_counts(to, &b->service_cells[BOARD_EARLIER][service]);
}

NEAP_API uint32_t neap_count_worker(uint32_t worker, neap_worker_counts *to)
{
	memset(to, 0, sizeof(*to));
	if (worker >= BOARD_WORKERS_MAX)
		return 0;
	const struct board_worker *w = &policies_board()->workers[worker];
	to->pid = atomic_load(&w->pid);
	to->generation = atomic_load(&w->generation);
	to->connections = atomic_load(&w->connections);
	to->light = atomic_load(&w->light_tls);
	add_count(&to->requests, &w->requests);
	add_count(&to->bad_requests, &w->bad_requests);
	add_count(&to->hook_errors, &w->hook_errors);
	add_count(&to->lua_bytes, &w->lua_bytes);
	add_count(&to->lag_us, &w->lag_us);
	add_count(&to->starts, &w->starts);
	return to->starts > 0;
}

/* Calls of a hook in workers: as Lua has counted them, or those of the entry that is the hook. */
static void add_calls(double *to, const struct board_service_cell *c, uint32_t hook)
{
	switch (hook) {
	case HOOK_REQUEST:
		add_count(to, &c->hooks[COUNTED_REQUEST]);
		break;
	case HOOK_BACKENDS:
		add_count(to, &c->hooks[COUNTED_BACKENDS]);
		break;
	case HOOK_PICK:
		add_count(to, &c->hooks[COUNTED_PICK]);
		break;
	case HOOK_FAILED:
	case HOOK_RESPONSE:
		add_count(to, &c->entries[hook - HOOK_PICK].calls);
		break;
	case HOOK_CERTIFICATE:
	case HOOK_CONNECTION:
		add_count(to, &c->entries[hook - HOOK_CERTIFICATE + ENTRY_CERTIFICATE].calls);
		break;
	case HOOK_ERROR:
		add_count(to, &c->entries[ENTRY_ERROR].calls);
		break;
	case HOOK_KEY:
		add_count(to, &c->entries[ENTRY_KEY].calls);
		break;
	case HOOK_LOG:
		add_count(to, &c->hooks[COUNTED_LOG]);
		break;
	case HOOK_LINE:
		add_count(to, &c->hooks[COUNTED_LINE]);
		break;
	default:
		break;
	}
}

NEAP_API void neap_count_hook(uint32_t service, uint32_t hook, neap_hook_counts *to)
{
	memset(to, 0, sizeof(*to));
	if (service >= BOARD_SERVICES_MAX || hook >= BOARD_HOOKS)
		return;
	const struct board_hook *h = &policies_board()->hooks[service][hook];
	add_count(&to->errors, &h->errors);
	add_count(&to->killed, &h->killed);
	add_count(&to->calls, &h->calls);
	add_count(&to->ns, &h->ns);
	uint32_t row = atomic_load(&policies_board()->service_rows[service]);
	for (uint32_t i = 0; row != 0 && row <= BOARD_SERVICES_MAX && i < counted_workers(); i++)
		add_calls(&to->calls, &policies_board()->service_cells[i][row - 1], hook);
	if (row != 0 && row <= BOARD_SERVICES_MAX)
		add_calls(&to->calls, &policies_board()->service_cells[BOARD_EARLIER][row - 1],
			  hook);
	to->tripped = atomic_load(&h->tripped_until_ms) > clock_coarse_ms();
}

NEAP_API double neap_bucket_bound(uint32_t bucket)
{
	return (double)histogram_bound_us(bucket) / 1e6;
}

NEAP_API uint32_t neap_count_named(uint32_t i, char name[128], double value[2])
{
	uint64_t bits;

	if (i >= BOARD_COUNTERS_MAX || !board_counter_at(policies_board(), i, name, 128, &bits))
		return 0;
	value[0] = (double)bits;
	memcpy(&value[1], &bits, sizeof(bits));
	return 1;
}

_Static_assert(sizeof(neap_certificate) == sizeof(struct board_certificate), "one layout");
_Static_assert(offsetof(neap_certificate, file) == offsetof(struct board_certificate, file),
	       "one layout");

NEAP_API uint32_t neap_certificate_at(uint32_t i, neap_certificate *to)
{
	struct board_certificate row;

	if (!board_certificate_at(policies_board(), i, &row))
		return 0;
	memcpy(to, &row, sizeof(row));
	return 1;
}

NEAP_API uint32_t neap_is_same_secret(const char *a, size_t a_n, const char *b, size_t b_n)
{
	unsigned difference = a_n != b_n;

	for (size_t i = 0; i < a_n; i++)
		difference |= (unsigned char)a[i] ^ (unsigned char)(b_n > 0 ? b[i % b_n] : 0);
	return difference == 0;
}

static enum board_shelf shelf_of(uint32_t failed)
{
	return failed != 0 ? BOARD_SHELF_FAILED : BOARD_SHELF_SAMPLED;
}

NEAP_API double neap_stories(uint32_t failed)
{
	return (double)board_story_count(policies_board(), shelf_of(failed));
}

/* It outlives this call: Lua copies it at once. */
NEAP_API uint32_t neap_story_text(const char *text, size_t n)
{
	static char bytes[BOARD_STORY_BYTES];
	struct out o;
	out_init(&o, bytes, sizeof(bytes));
	json_string(&o, (struct str){ text, n });
	io_give(&policies_current()->cos.io, bytes, o.full ? 0 : o.n);
	return !o.full;
}

NEAP_API uint32_t neap_story(uint32_t failed, double number, char *to)
{
	return (uint32_t)board_story_get(policies_board(), shelf_of(failed), (uint64_t)number, to);
}

/*
 * The board: one shared memory mapping, made by the master before any fork, through which master,
 * agent and workers see the same state. Large and touched lazily, no pointers inside, C11 atomics
 * only, no locks: a process that dies at any moment leaves nothing half done.
 *
 * The writers: the agent alone publishes pools and backends; each worker alone writes the cells of
 * its row; any process changes state words, counters and trips, by compare-and-swap or fetch-add.
 *
 * What is too large for one atomic word (a backend's text, a pool's member list) has two copies. A
 * sequence number says which copy is current (its lowest bit); the agent fills the other one and
 * then moves the number on. Readers copy and look at the number again. So a reader never waits for
 * a writer, not even for one that died half way: the copy that it left is not current, and the
 * next agent writes it anew.
 *
 * Lifetime: a generation's. A backend keeps its slot by its identity (pool, name) over restarts of
 * the agent; what is known of it is carried over to the next generation's board (board_carry.h).
 *
 * This header has the layout only. Each row_*.h has the rows of one part, each board_*.h what can
 * be done with them.
 */
#ifndef NEAP_SHM_BOARD_H
#define NEAP_SHM_BOARD_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "shm/board_plan.h"
#include "shm/board_size.h"
#include "shm/row_acme.h"
#include "shm/row_backend.h"
#include "shm/row_budget.h"
#include "shm/row_certificate.h"
#include "shm/row_counter.h"
#include "shm/row_history.h"
#include "shm/row_hook.h"
#include "shm/row_life.h"
#include "shm/row_pool.h"
#include "shm/row_queue.h"
#include "shm/row_recording.h"
#include "shm/row_self_signed.h"
#include "shm/row_service.h"
#include "shm/row_shadow.h"
#include "shm/row_story.h"
#include "shm/row_tickets.h"
#include "shm/row_twice.h"
#include "shm/row_worker.h"
#include "shm/stats.h"

struct board {
	uint32_t magic, version;
	uint64_t bytes;
	struct board_life life;
	_Atomic uint32_t workers_used; /* no worker slot from here on was ever used */
	_Atomic int32_t slots_used;    /* no backend slot from here on was ever used */
	_Atomic int32_t slots_free;    /* below slots_used */
	struct board_plan plan;
	struct board_tickets tickets;
	struct board_worker workers[BOARD_ROWS];
	struct board_worker agent; /* beats and hooks only; the rest is for workers */
	struct board_pool pools[BOARD_POOLS_MAX];
	struct board_hook hooks[BOARD_SERVICES_MAX][BOARD_HOOKS];
	struct board_counter counters[BOARD_COUNTERS_MAX];
	_Atomic int32_t index[BOARD_INDEX]; /* identity → slot + 1; 0: empty, -1: was used */
	struct board_backend backends[BOARD_BACKENDS_MAX];
	/* Close together: to find the least loaded of many all of them are read. */
	_Atomic uint32_t inflight[BOARD_ROWS][BOARD_INFLIGHT_ROW];
	struct board_prose prose[BOARD_BACKENDS_MAX];
	struct board_cell cells[BOARD_ROWS][BOARD_BACKENDS_MAX];
	struct board_service services[BOARD_SERVICES_MAX];
	_Atomic uint32_t service_rows[BOARD_SERVICES_MAX]; /* by place in the config: 1 + row */
	struct board_service_cell service_cells[BOARD_ROWS][BOARD_SERVICES_MAX];
	struct recording recording;
	struct board_queue queues[BOARD_ROWS][BOARD_POOLS_MAX];
	struct board_budget budgets[BOARD_BUDGET_KINDS][BOARD_ROWS][BOARD_POOLS_MAX];
	struct board_twice twice[BOARD_ROWS][BOARD_POOLS_MAX];
	struct board_shadow shadows[BOARD_WORKERS_MAX][BOARD_POOLS_MAX];
	struct board_shadow_picks shadow_picks[BOARD_WORKERS_MAX][BOARD_BACKENDS_MAX];
	struct board_shelf_rows stories[BOARD_SHELVES];
	struct board_acme acme;
	struct board_certificates certificates;
	struct board_self_signed self_signed;
	/* To the first byte of an answer. From here on the large ones: see spec/support/board.lua. */
	struct board_histogram latency[BOARD_ROWS][BOARD_BACKENDS_MAX];
	struct recording_ring recording_rings[BOARD_WORKERS_MAX];
	struct board_history history;
};

/*
 * The mapping (MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE), one per generation. It is the caller's
 * until board_destroy, which takes NULL as well.
 */
enum err board_create(struct board **b, struct error *e);
void board_destroy(struct board *b);

#endif

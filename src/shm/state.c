#include "shm/state.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/board.h"
#include "shm/board_backend.h"
#include "shm/board_cell.h"
#include "shm/board_counter.h"
#include "shm/board_pool.h"
#include "shm/board_self_signed.h"
#include "shm/board_state.h"
#include "shm/board_tickets.h"
#include "shm/words.h"

enum { STATE_VERSION = 1 };

static const char mark[8] = "NEAPSTAT";

struct head {
	char mark[8];
	uint32_t version;
	uint32_t backend_bytes, counter_bytes;
	uint32_t backends, counters;
	uint32_t generation;
};

struct backend_record {
	char pool[64];
	struct board_member member;
	uint64_t state;
	int64_t ejected_until_ms;
	int64_t back_since_ms;
	uint32_t latency_us, marked_by_request;
	uint32_t pinned, streak, ejections;
	uint32_t has_served; /* the pool */
	uint64_t requests, failures;
	char reason[BOARD_REASON_WORDS * 8];
};

struct counter_record {
	uint64_t key, value;
	char name[BOARD_COUNTER_NAME_WORDS * 8];
};

/* ---- writing ---- */

static bool fill_backend(struct backend_record *r, const struct board *b, int slot)
{
	const struct board_backend *backend = &b->backends[slot];
	int32_t pool = atomic_load(&backend->pool);

	memset(r, 0, sizeof(*r));
	if (pool < 0 || pool >= BOARD_POOLS_MAX ||
	    !board_backend_text(b, slot, board_epoch(b, slot), &r->member.text))
		return false;
	(void)str_copy(r->pool, sizeof(r->pool),
		       (struct str){ b->pools[pool].name,
				     strnlen(b->pools[pool].name, sizeof(r->pool) - 1) });
	r->member.weight = atomic_load(&backend->weight);
	r->member.slots = atomic_load(&backend->slots);
	r->member.tier = atomic_load(&backend->tier);
	r->state = atomic_load(&backend->state);
	r->ejected_until_ms = atomic_load(&backend->ejected_until_ms);
	r->latency_us = atomic_load(&backend->latency_us);
	r->marked_by_request = atomic_load(&backend->marked_by_request);
	r->back_since_ms = atomic_load(&backend->back_since_ms);
	r->pinned = atomic_load(&backend->pinned);
	r->streak = atomic_load(&backend->streak);
	r->ejections = atomic_load(&backend->ejections);
	r->has_served = atomic_load(&b->pools[pool].has_served);
	board_totals(b, slot, &r->requests, &r->failures);
	(void)board_reason(b, slot, r->reason, sizeof(r->reason));
	return true;
}

static void write_records(FILE *file, const struct board *b, struct head *h)
{
	struct backend_record backend;
	struct counter_record counter;
	int32_t used = atomic_load(&b->slots_used);

	for (int32_t slot = 0; slot < used && slot < BOARD_BACKENDS_MAX; slot++) {
		if (!fill_backend(&backend, b, slot))
			continue;
		h->backends += (uint32_t)fwrite(&backend, sizeof(backend), 1, file);
	}
	for (unsigned i = 0; i < BOARD_COUNTERS_MAX; i++) {
		memset(&counter, 0, sizeof(counter));
		if (!board_counter_at(b, i, counter.name, sizeof(counter.name), &counter.value))
			continue;
		counter.key = atomic_load(&b->counters[i].key);
		h->counters += (uint32_t)fwrite(&counter, sizeof(counter), 1, file);
	}
}

enum err state_write(const struct board *b, int *fd, struct error *e)
{
	struct head h = { .version = STATE_VERSION,
			  .backend_bytes = sizeof(struct backend_record),
			  .counter_bytes = sizeof(struct counter_record),
			  .generation = atomic_load(&b->life.generation) };

	*fd = memfd_create("neap state", MFD_CLOEXEC);
	int copy = *fd < 0 ? -1 : dup(*fd);
	FILE *file = copy < 0 ? NULL : fdopen(copy, "w");
	if (file == NULL) {
		enum err err = err_sys(e, errno, "memory for what is handed over");
		if (copy >= 0)
			(void)close(copy);
		return err;
	}
	memcpy(h.mark, mark, sizeof(mark));
	(void)fwrite(&h, sizeof(h), 1, file);
	write_records(file, b, &h);
	board_tickets_write(b, file);
	board_self_signed_write(b, file);
	rewind(file);
	(void)fwrite(&h, sizeof(h), 1, file);
	bool is_written = ferror(file) == 0;
	if (fclose(file) == 0 && is_written)
		return ERR_OK;
	return err_sys(e, errno, "memory for what is handed over");
}

/* ---- reading ---- */

static void cut_text(struct board_text *t)
{
	char *texts[] = { t->name, t->url, t->scheme, t->host, t->base, t->path, t->zone };
	const size_t sizes[] = { sizeof(t->name), sizeof(t->url),  sizeof(t->scheme),
				 sizeof(t->host), sizeof(t->base), sizeof(t->path),
				 sizeof(t->zone) };

	for (size_t i = 0; i < countof(texts); i++)
		texts[i][sizes[i] - 1] = '\0';
	if (t->addrs > BOARD_ADDRS_MAX)
		t->addrs = 0;
}

static void put_backend(struct board *b, struct backend_record *r)
{
	r->pool[sizeof(r->pool) - 1] = '\0';
	r->reason[sizeof(r->reason) - 1] = '\0';
	cut_text(&r->member.text);
	int pool = board_pool_publish(b, str_of(r->pool));
	int slot = pool < 0 ? BOARD_NONE
			    : board_backend_publish(b, pool, &r->member, STATE_UNKNOWN);
	if (slot < 0)
		return;
	struct board_backend *backend = &b->backends[slot];
	atomic_store(&backend->state, r->state);
	atomic_store(&backend->ejected_until_ms, r->ejected_until_ms);
	atomic_store(&backend->latency_us, r->latency_us);
	atomic_store(&backend->marked_by_request, r->marked_by_request);
	atomic_store(&backend->back_since_ms, r->back_since_ms);
	atomic_store(&backend->pinned, r->pinned);
	atomic_store(&backend->streak, r->streak);
	atomic_store(&backend->ejections, r->ejections);
	atomic_store(&b->pools[pool].has_served, r->has_served);
	words_store_text(b->prose[slot].reason, BOARD_REASON_WORDS, str_of(r->reason));
	atomic_store(&b->cells[BOARD_EARLIER][slot].requests, r->requests);
	atomic_store(&b->cells[BOARD_EARLIER][slot].failures, r->failures);
}

static void put_counter(struct board *b, struct counter_record *r)
{
	r->name[sizeof(r->name) - 1] = '\0';
	_Atomic uint64_t *cell = r->key == 0 ? NULL
					     : board_counter_by_key(b, r->key, str_of(r->name));
	if (cell != NULL)
		atomic_store(cell, r->value);
}

static bool is_state_head(const struct head *h)
{
	return memcmp(h->mark, mark, sizeof(mark)) == 0 && h->version == STATE_VERSION &&
	       h->backend_bytes == sizeof(struct backend_record) &&
	       h->counter_bytes == sizeof(struct counter_record) &&
	       h->backends <= BOARD_BACKENDS_MAX && h->counters <= BOARD_COUNTERS_MAX;
}

static void read_records(FILE *file, struct board *b, const struct head *h)
{
	struct backend_record backend;
	struct counter_record counter;

	for (uint32_t i = 0; i < h->backends && fread(&backend, sizeof(backend), 1, file) == 1; i++)
		put_backend(b, &backend);
	for (uint32_t i = 0; i < h->counters && fread(&counter, sizeof(counter), 1, file) == 1; i++)
		put_counter(b, &counter);
	board_tickets_read(b, file);
	board_self_signed_read(b, file);
	atomic_store(&b->life.generation, h->generation);
}

struct board *state_read(int fd)
{
	struct head h;
	struct error e;
	struct board *b = NULL;
	int copy = fd < 0 ? -1 : dup(fd);
	FILE *file = copy < 0 ? NULL : fdopen(copy, "r");

	if (file == NULL) {
		if (copy >= 0)
			(void)close(copy);
		return NULL;
	}
	rewind(file);
	if (fread(&h, sizeof(h), 1, file) == 1 && is_state_head(&h) &&
	    board_create(&b, &e) == ERR_OK)
		read_records(file, b, &h);
	(void)fclose(file); /* only read from */
	return b;
}

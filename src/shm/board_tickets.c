#include "shm/board_tickets.h"

#include <string.h>
#include <sys/random.h>

#include "shm/board.h"
#include "shm/words.h"

_Static_assert(BOARD_TICKET_KEY_WORDS * 8 == BOARD_TICKET_KEY_BYTES, "a key is whole words");

static uint64_t period_of(int64_t now_s)
{
	return now_s <= 0 ? 1 : (uint64_t)now_s / BOARD_TICKET_SECONDS + 1;
}

/* Of one process at a time: of the one that claimed the period. */
static bool make_key(struct board_tickets *t, uint64_t period)
{
	uint8_t bytes[BOARD_TICKET_KEY_BYTES];
	unsigned at = (unsigned)(period % BOARD_TICKET_KEYS);

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return false;
	atomic_store(&t->keys[at].period, 0);
	words_store(t->keys[at].words, bytes, sizeof(bytes));
	explicit_bzero(bytes, sizeof(bytes));
	atomic_store(&t->keys[at].period, period);
	atomic_store(&t->newest, period);
	return true;
}

/* One that died after its claim leaves the last key in use for one more period. */
static bool claim(struct board_tickets *t, uint64_t period)
{
	uint64_t seen = atomic_load(&t->claimed);
	return seen < period && atomic_compare_exchange_strong(&t->claimed, &seen, period);
}

static void rotate(struct board_tickets *t, int64_t now_s)
{
	uint64_t period = period_of(now_s);
	if (atomic_load(&t->newest) < period && claim(t, period))
		(void)make_key(t, period);
}

bool board_tickets_begin(struct board *b, int64_t now_s)
{
	if (atomic_load(&b->tickets.newest) == 0)
		rotate(&b->tickets, now_s);
	return atomic_load(&b->tickets.newest) != 0;
}

/* False when it is not whole: it was written meanwhile. */
static bool load(const struct board_tickets *t, uint64_t period, uint8_t *key)
{
	unsigned at = (unsigned)(period % BOARD_TICKET_KEYS);
	if (period == 0 || atomic_load(&t->keys[at].period) != period)
		return false;
	words_load(key, t->keys[at].words, BOARD_TICKET_KEY_BYTES);
	atomic_thread_fence(memory_order_acquire);
	return atomic_load(&t->keys[at].period) == period;
}

bool board_tickets_newest(struct board *b, int64_t now_s, uint8_t key[BOARD_TICKET_KEY_BYTES])
{
	rotate(&b->tickets, now_s);
	return load(&b->tickets, atomic_load(&b->tickets.newest), key);
}

static bool is_kept(uint64_t period, uint64_t newest)
{
	return period != 0 && period <= newest && newest - period < BOARD_TICKET_KEYS;
}

bool board_tickets_find(const struct board *b, const uint8_t name[BOARD_TICKET_NAME_BYTES],
			uint8_t key[BOARD_TICKET_KEY_BYTES])
{
	uint64_t newest = atomic_load(&b->tickets.newest);
	for (unsigned i = 0; i < BOARD_TICKET_KEYS; i++) {
		uint64_t period = atomic_load(&b->tickets.keys[i].period);
		if (is_kept(period, newest) && load(&b->tickets, period, key) &&
		    memcmp(key, name, BOARD_TICKET_NAME_BYTES) == 0)
			return true;
	}
	return false;
}

/* ---- from board to board ---- */

struct kept_key {
	uint64_t period; /* 0: none */
	uint8_t bytes[BOARD_TICKET_KEY_BYTES];
};

struct kept {
	char mark[8];
	struct kept_key keys[BOARD_TICKET_KEYS];
};

static const char mark[8] = "TICKETS1";

static void keep(struct kept *k, const struct board_tickets *t)
{
	memset(k, 0, sizeof(*k));
	memcpy(k->mark, mark, sizeof(mark));
	for (unsigned i = 0; i < BOARD_TICKET_KEYS; i++) {
		uint64_t period = atomic_load(&t->keys[i].period);
		if (load(t, period, k->keys[i].bytes))
			k->keys[i].period = period;
	}
}

static void put(struct board_tickets *t, const struct kept *k)
{
	uint64_t newest = 0;
	for (unsigned i = 0; i < BOARD_TICKET_KEYS; i++) {
		uint64_t period = k->keys[i].period;
		if (period == 0 || period % BOARD_TICKET_KEYS != i)
			continue;
		words_store(t->keys[i].words, k->keys[i].bytes, BOARD_TICKET_KEY_BYTES);
		atomic_store(&t->keys[i].period, period);
		newest = period > newest ? period : newest;
	}
	if (newest == 0)
		return;
	atomic_store(&t->claimed, newest);
	atomic_store(&t->newest, newest);
}

void board_tickets_take(struct board *b, const struct board *from)
{
	struct kept k;
	keep(&k, &from->tickets);
	put(&b->tickets, &k);
	explicit_bzero(&k, sizeof(k));
}

void board_tickets_write(const struct board *b, FILE *to)
{
	struct kept k;
	keep(&k, &b->tickets);
	(void)fwrite(&k, sizeof(k), 1, to);
	explicit_bzero(&k, sizeof(k));
}

void board_tickets_read(struct board *b, FILE *from)
{
	struct kept k;
	if (fread(&k, sizeof(k), 1, from) == 1 && memcmp(k.mark, mark, sizeof(mark)) == 0)
		put(&b->tickets, &k);
	explicit_bzero(&k, sizeof(k));
}

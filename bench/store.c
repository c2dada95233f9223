/*
 * What a call of a shared store costs (src/shm), with few keys and with many, beside a plain hash of
 * one process: what the machine's memory allows. bench/run store [KEYS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/num.h"
#include "shm/store_all.h"
#include "shm/store_entry.h"
#include "shm/store_hash.h"
#include "shm/store_rate.h"

enum { CALLS = 1000, HOT = 64, KEY_BYTES = 8, BYTES_EACH = 96, ROUNDS = 1000 };

/* ---- the plain hash: open addressing, a line for each key, the same hash function ---- */

struct plain_row {
	_Alignas(64) uint64_t key;
	double value;
};

struct plain {
	struct plain_row *rows;
	uint64_t mask;
	uint64_t secret[2];
};

static struct plain_row *plain_find(const struct plain *p, uint64_t key)
{
	struct store_hash h;

	store_hash_begin(&h, p->secret);
	store_hash_add(&h, key);
	uint64_t at = store_hash_end(&h, KEY_BYTES) & p->mask;
	while (p->rows[at].key != key && p->rows[at].key != 0)
		at = (at + 1) & p->mask;
	return &p->rows[at];
}

/* ---- what is measured ---- */

struct bench {
	struct store *store;
	struct plain plain;
	uint64_t keys; /* from 1 */
	double sum;    /* so that no call is left out */
};

static struct str text_of(const uint64_t *key)
{
	return (struct str){ (const char *)key, KEY_BYTES };
}

static void get(struct bench *b, uint64_t key)
{
	struct store_value v = { .number = 0 };

	(void)store_get(b->store, text_of(&key), &v);
	b->sum += v.number;
}

static void set(struct bench *b, uint64_t key)
{
	const struct store_value v = { .kind = STORE_NUMBER, .number = (double)key };
	(void)store_set(b->store, text_of(&key), &v, 0, STORE_ALWAYS);
}

static void add(struct bench *b, uint64_t key)
{
	const struct store_step step = { 1, &(const double){ 0 }, 0 };
	double sum;

	if (store_increment(b->store, text_of(&key), &step, &sum) == STORE_OK)
		b->sum += sum;
}

static void plain_get(struct bench *b, uint64_t key)
{
	b->sum += plain_find(&b->plain, key)->value;
}

static void plain_set(struct bench *b, uint64_t key)
{
	struct plain_row *row = plain_find(&b->plain, key);
	b->sum += row->value;
	row->key = key;
	row->value = (double)key;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

/*
 * Nanoseconds a call, over keys in an order that no prefetcher guesses, each call after the one
 * before has ended. Many short rounds, the lowest tenth of them: so others on the machine do not count.
 */
static double time_calls(struct bench *b, void (*call)(struct bench *b, uint64_t key),
			 uint64_t keys)
{
	static int64_t took[ROUNDS];
	uint64_t dice = 1;

	for (int round = 0; round < ROUNDS; round++) {
		int64_t began = clock_now_ns();
		for (int i = 0; i < CALLS; i++) {
			dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
			dice += b->sum < 0; /* it never is */
			call(b, 1 + (dice >> 33) % keys);
		}
		took[round] = clock_now_ns() - began;
	}
	qsort(took, ROUNDS, sizeof(took[0]), compare);
	return (double)took[ROUNDS / 10] / CALLS;
}

static void *map(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return at;
}

static void fill(struct bench *b)
{
	for (uint64_t key = 1; key <= b->keys; key++) {
		set(b, key);
		plain_set(b, key);
	}
}

static void report(struct bench *b)
{
	const struct {
		const char *name;
		void (*call)(struct bench *b, uint64_t key);
	} calls[] = { { "get", get },
		      { "set", set },
		      { "increment", add },
		      { "plain hash, get", plain_get },
		      { "plain hash, set", plain_set } };

	printf("%-18s %10s %14llu keys\n", "ns a call", "64 keys", (unsigned long long)b->keys);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		printf("%-18s %10.0f %14.0f\n", calls[i].name, time_calls(b, calls[i].call, HOT),
		       time_calls(b, calls[i].call, b->keys));
}

int main(int argc, char **argv)
{
	struct bench b = { .keys = 1000000 };
	struct error e;

	if (argc > 1 && (!num_parse_u64(str_of(argv[1]), 100000000, &b.keys) || b.keys < HOT)) {
		(void)fprintf(stderr, "usage: store_bench [KEYS]   64 to 100000000\n");
		return 1;
	}
	if (store_create(&b.store, b.keys * BYTES_EACH + STORE_BYTES_MIN, &e) != ERR_OK) {
		(void)fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	uint64_t rows = 1;
	while (rows < b.keys * 3 / 2)
		rows *= 2;
	b.plain = (struct plain){ map(rows * sizeof(struct plain_row)), rows - 1, { 1, 2 } };
	fill(&b);
	struct store_stats stats;
	store_look(b.store, &stats);
	printf("%llu entries in %.1f MiB, %.0f bytes each\n", (unsigned long long)stats.entries,
	       (double)stats.bytes / 1048576, (double)stats.used / (double)stats.entries);
	report(&b);
	store_close(b.store);
	return b.sum < 0;
}

#include "net/source_rate.h"

#include <stdlib.h>

enum { ROWS = 4, WIDTH = 65536 };

#define SECOND_NS INT64_C(1000000000)

struct source_rate {
	int64_t each_ns; /* for one of them */
	/* When what was let pass so far would have come at the rate. */
	int64_t cells[ROWS][WIDTH];
};

struct source_rate *source_rate_create(uint32_t per_second)
{
	struct source_rate *r = calloc(1, sizeof(*r));
	if (r != NULL)
		r->each_ns = SECOND_NS / per_second;
	return r;
}

void source_rate_destroy(struct source_rate *r)
{
	free(r);
}

/* Each row has its own part of the hash. */
static int64_t *cell(struct source_rate *r, uint64_t hash, unsigned row)
{
	return &r->cells[row][hash >> 16 * row & (WIDTH - 1)];
}

uint32_t source_rate_take(struct source_rate *r, uint64_t hash, uint32_t n, int64_t now_us)
{
	int64_t now_ns = now_us * 1000, used_ns = INT64_MAX;
	for (unsigned row = 0; row < ROWS; row++) {
		int64_t at = *cell(r, hash, row);
		used_ns = at < used_ns ? at : used_ns;
	}
	if (used_ns < now_ns)
		used_ns = now_ns;
	int64_t room = (now_ns + SECOND_NS - used_ns) / r->each_ns;
	uint32_t passed = room <= 0 ? 0 : room < n ? (uint32_t)room : n;
	used_ns += passed * r->each_ns;
	for (unsigned row = 0; row < ROWS && passed > 0; row++) {
		int64_t *at = cell(r, hash, row);
		*at = *at < used_ns ? used_ns : *at;
	}
	return passed;
}

#include "http/h2_recent.h"

enum { KEPT = 64 };

/* 0: it is not among those that are kept. */
static uint64_t bit_of(const struct h2_recent *r, int32_t id)
{
	int32_t back = (r->last - id) / 2;
	return id <= 0 || id > r->last || back >= KEPT ? 0 : UINT64_C(1) << back;
}

void h2_recent_begin(struct h2_recent *r, int32_t id)
{
	int32_t by = r->last == 0 ? KEPT : (id - r->last) / 2;
	r->began = by < KEPT ? r->began << by : 0;
	r->reset = by < KEPT ? r->reset << by : 0;
	r->last = id;
	r->began |= 1;
}

void h2_recent_reset(struct h2_recent *r, int32_t id)
{
	r->reset |= bit_of(r, id);
}

enum h2_recent_fate h2_recent_look(const struct h2_recent *r, int32_t id)
{
	uint64_t bit = bit_of(r, id);
	if (bit == 0 || (r->reset & bit) != 0)
		return H2_RECENT_UNKNOWN;
	return (r->began & bit) != 0 ? H2_RECENT_ENDED : H2_RECENT_SKIPPED;
}

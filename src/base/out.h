/*
 * The writer of text: a bounded sink in memory. Too much sets `full` and drops the rest, so that
 * the caller looks once, at the end.
 */
#ifndef NEAP_BASE_OUT_H
#define NEAP_BASE_OUT_H

#include <stdint.h>

#include "base/cc.h"
#include "base/str.h"

struct out {
	char *p; /* the caller's memory */
	size_t n, cap;
	bool full;
};

void out_init(struct out *o, char *memory, size_t cap);

/* Inline: most pieces are short, and many are constants. */
static inline void out_str(struct out *o, struct str s)
{
	if (unlikely(s.n > o->cap - o->n))
		o->full = true;
	if (unlikely(o->full) || s.p == NULL)
		return;
	memcpy(o->p + o->n, s.p, s.n);
	o->n += s.n;
}

/* In decimal digits. */
void out_u64(struct out *o, uint64_t v);

#endif

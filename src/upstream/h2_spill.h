/*
 * What a backend sent on a stream and that cannot be looked at yet: there is no room for it where it
 * goes, or something before it has to be taken first. Pieces, in their order. A stream that keeps up
 * has none, and no memory for them.
 */
#ifndef NEAP_UPSTREAM_H2_SPILL_H
#define NEAP_UPSTREAM_H2_SPILL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum h2_spilt { H2_SPILT_BLOCK, H2_SPILT_FIELD, H2_SPILT_BLOCK_END, H2_SPILT_DATA, H2_SPILT_END };

struct h2_piece {
	uint8_t kind;	  /* enum h2_spilt */
	bool is_last;	  /* of H2_SPILT_BLOCK_END: END_STREAM came with it */
	uint32_t name_n;  /* of H2_SPILT_FIELD: so many of the bytes are its name */
	struct str bytes; /* within the spill: until the next call that changes it */
};

struct h2_spill {
	char *memory;
	size_t start, end, room;
};

static inline bool h2_spill_is_empty(const struct h2_spill *s)
{
	return s->start == s->end;
}

/* Bytes in it, of pieces and about them. */
static inline size_t h2_spill_bytes(const struct h2_spill *s)
{
	return s->end - s->start;
}

/* Adds a copy; more: bytes that follow its own. false: no memory, nothing changed. */
bool h2_spill_add(struct h2_spill *s, const struct h2_piece *piece, struct str more);

/* The first piece, or what is left of it. Not in an empty spill. */
struct h2_piece h2_spill_first(const struct h2_spill *s);

/* n bytes of the first piece are taken; if that is all of it, it is gone. */
void h2_spill_take(struct h2_spill *s, size_t n);

void h2_spill_drop(struct h2_spill *s);

#endif

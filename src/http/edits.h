/*
 * Changes that a script makes to the fields of a message, kept beside the parsed head until it is
 * written: set (replaces all of that name), add, remove. Bounded: EDITS_MAX changes,
 * EDITS_BYTES_MAX bytes. One malloc'ed block per edited message; a message that no script edits has
 * none.
 */
#ifndef NEAP_HTTP_EDITS_H
#define NEAP_HTTP_EDITS_H

#include "http/h1_write.h"

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
enum { EDITS_MAX = 64, EDITS_BYTES_MAX = 16384 };

enum edits_result {
	EDITS_OK,
	EDITS_FULL,
	EDITS_BAD_NAME,
	EDITS_BAD_VALUE,
	EDITS_FORBIDDEN,
	EDITS_MEMORY
};
/* cdef end */

struct edits;

/* May scripts write such a header? EDITS_OK, or what is wrong with it, as edits_add would say. */
enum edits_result edits_check(struct str name, struct str value);

/*
 * value.p == NULL removes. *e is made at the first change. Framing and hop-by-hop names (Content-
 * Length, Transfer-Encoding, Connection, Keep-Alive, TE, Trailer, Upgrade, …) are FORBIDDEN. Host
 * may be set, not removed.
 */
enum edits_result edits_set(struct edits **e, struct str name, struct str value);
enum edits_result edits_add(struct edits **e, struct str name, struct str value);
struct edits *edits_copy(const struct edits *e); /* e: not NULL; NULL: no memory */
void edits_free(struct edits *e);		 /* NULL is harmless */

/* 1: the name was set or added (value given), 0: no change of that name, -1: removed. */
int edits_find(const struct edits *e, struct str name, struct str *value);

/*
 * The first field that was set or added, from change *at on; *at is the change after it then. false:
 * there is no further one. Begin with 0.
 */
bool edits_next(const struct edits *e, uint32_t *at, struct str *name, struct str *value);

/* Is the original field of that name replaced or removed? For h1_write_fields' except. */
bool edits_replaces(const void *edits, struct str name);

/* Writes all set and added fields, in the order they were given. */
void edits_write(const struct edits *e, struct out *o);

/*
 * Ids of known fields that were set or added (the caller writes its own of these unless they are
 * here).
 */
field_mask edits_present(const struct edits *e);

#endif

/*
 * An answer over HTTP/1 as scripts read it from the buffer of a connection: as a whole, or its head
 * and then its body in pieces, as they come. No I/O. Owned by a conn (conn.h).
 */
#ifndef NEAP_SCRIPT_READING_H
#define NEAP_SCRIPT_READING_H

#include "http/h1_reader.h"

enum { READING_HEADERS_MAX = 128, READING_INTERIMS_MAX = 16 };

enum reading_part {
	READING_WHOLE, /* gives the body */
	READING_HEAD,  /* gives nothing: the head stays where it is until a piece is asked for */
	READING_PIECE, /* gives what there is of the body; nothing: that was all */
};

struct reading {
	struct h1_reader reader;
	struct h1_reader_bounds bounds;
	bool is_cut; /* a longer body is no failure: bounds.body_max bytes of it are enough */
	struct http_field fields[READING_HEADERS_MAX];
};

enum reading_result {
	READING_MORE, /* bytes are needed */
	READING_GIVEN,
	READING_FAILED,
};

struct reading_gift {
	struct str bytes;
	size_t taken;	 /* of the buffer: gone before the next call */
	const char *why; /* READING_FAILED */
};

/* Before an answer; body_max holds for each piece. */
void reading_init(struct reading *r, bool is_to_head, bool is_cut, size_t body_max);

/*
 * Of the *n bytes there, which begin where the last gift ended; *n becomes less by what the coding
 * of the body takes. After READING_MORE, with more bytes or reading_end.
 */
enum reading_result reading_take(struct reading *r, enum reading_part part, char *bytes, size_t *n,
				 struct reading_gift *gift);

/* After READING_MORE: no more bytes will come. */
enum reading_result reading_end(struct reading *r, const char *bytes, struct reading_gift *gift);

/* The answer is whole, and its server lets the connection stand. */
bool reading_is_in_step(const struct reading *r);

#endif

/*
 * The body of an answer on its way through an encoder: from what its backend has sent, or a body made
 * here, to bytes that its client takes, in the chunk coding where the client needs one. What came is
 * passed on at once: when there is no more of it, the encoder is flushed. A step takes SQUEEZE_PIECE
 * bytes at most; what is left then waits for its next turn (loop_yield), so that a large answer does not
 * hold its worker.
 *
 * Memory: the encoder's (coding/), and one block of PLANE_SQUEEZED_BYTES, from its first byte to its end.
 */
#ifndef NEAP_EXCHANGE_SQUEEZE_H
#define NEAP_EXCHANGE_SQUEEZE_H

#include "coding/encoder.h"
#include "exchange/client.h"
#include "exchange/request.h"

enum { SQUEEZE_PIECE = 16 * 1024 };

struct squeeze {
	struct request *rq;
	struct encoder encoder;
	struct deferred turn; /* then rq->owner->on_squeezed is called */
	bool is_counted;      /* among plane->squeezes_n */
	bool is_chunked;      /* the client needs a coding that says where the body ends */
	bool has_ended;	      /* the encoder has said its last */
	bool is_over;	      /* all of it is in `out` */
	bool has_more;	      /* there is something to do, without anything new */
	uint8_t goal;	      /* enum encode_goal: of what was begun and did not fit */
	bool is_begun;	      /* there is such a thing */
	size_t held;	      /* bytes of its input that are left */

	/* What comes in. */
	struct buf *in;	  /* a backend's bytes; NULL: none */
	const char *text; /* a body made here */
	uint32_t text_n;

	struct buf out;
};

/* NULL: no memory, or too many answers are compressed already; identity always may. */
struct squeeze *squeeze_create(struct request *rq, enum coding coding, int level);
void squeeze_destroy(struct squeeze *s); /* NULL is harmless */

/* What there is of the body in *b comes in from now on, and what goes out is there in its place. */
void squeeze_begin(struct squeeze *s, struct client_body *b, enum client_form form);

/*
 * One piece. is_whole: all of the body came. trailers: lines that go after a body in the chunk coding,
 * if they fit. false: the encoder has no memory; the answer cannot be finished.
 */
bool squeeze_step(struct squeeze *s, bool is_whole, struct str trailers);

/* The client took all there was. true: there is more to do, and its turn comes. */
bool squeeze_goes_on(struct squeeze *s);

#endif

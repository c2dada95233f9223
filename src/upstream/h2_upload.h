/*
 * The body of a request on its way into a stream of HTTP/2. Its owner lends the pieces that are there
 * for the time of one call; the session takes from them what windows allow. What it asked for and did
 * not take at once is kept, and so is what comes out of the chunk coding (a body of HTTP/1).
 */
#ifndef NEAP_UPSTREAM_H2_UPLOAD_H
#define NEAP_UPSTREAM_H2_UPLOAD_H

#include "upstream/leg.h"

struct h2_upload {
	struct outbox *kept;	     /* the leg's: goes out before the pieces */
	const struct iovec *pieces;  /* NULL: none are lent now */
	size_t at;		     /* bytes of the first piece that were taken */
	size_t left;		     /* bytes of the pieces, lent or not, that were not taken */
	size_t lent;		     /* bytes that were lent last */
	size_t asked;		     /* bytes that are to be taken next */
	struct str trailers;	     /* lines; whole with is_last */
	struct h1_body coding;	     /* of a body in chunks */
	struct buf decoded_trailers; /* what came out of it */
	bool is_last;		     /* nothing comes after what is there */
	bool is_coded;
};

void h2_upload_init(struct h2_upload *u, struct outbox *kept, struct slab *blocks);
void h2_upload_fini(struct h2_upload *u);

/* The head goes out: in which form its body comes. */
void h2_upload_begin(struct h2_upload *u, enum body_form form);

/* What is there, until h2_upload_return. false: no memory for what is taken out of its coding. */
bool h2_upload_lend(struct h2_upload *u, const struct leg_body *body);

/* Is there something for the session? */
bool h2_upload_has_news(const struct h2_upload *u);

/* The pieces are the owner's again: *took bytes were taken of them. false: no memory. */
bool h2_upload_return(struct h2_upload *u, size_t *took);

/* How many bytes are there, at most max. is_all: with them the body is over, but for its trailers. */
size_t h2_upload_ask(struct h2_upload *u, size_t max, bool *is_all);

/* Takes n of the bytes that were asked for. */
void h2_upload_take(struct h2_upload *u, char *to, size_t n);

#endif

/*
 * The body of a request on its way to the backend, in the form in which it came: what came with
 * the head (in the head's block), what came after it, and how much of both was sent. It is kept whole
 * for as long as it fits into what may be sent again; then it flows. Knows neither side: the client
 * adds, the attempt takes.
 */
#ifndef NEAP_EXCHANGE_BODY_H
#define NEAP_EXCHANGE_BODY_H

#include <sys/uio.h>

#include "base/buf.h"
#include "http/msg.h"
#include "net/pipe.h"

/* What is kept of what was sent. */
enum body_keep {
	BODY_KEEPS, /* everything since the first byte: it can be sent again */
	BODY_FLOWS, /* nothing */
};

struct body {
	/* What came with the head. */
	struct buf *block;
	uint32_t early_at; /* its place, in bytes after the head's first one */
	uint32_t early, early_sent;

	/* What came after it. */
	struct buf buf;	  /* a coding included */
	uint32_t kept;	  /* bytes at buf.start that were sent and are kept */
	uint32_t surplus; /* bytes at the end of buf that are the next request's */

	/* A large one on its way, past user memory; NULL: none. Its holder gives it back. */
	struct pipe *pipe;

	/* What comes after it, if it is BODY_PLAIN: lines as in a head, whole once it is complete. */
	struct buf trailers;

	/* What a hook put in its place: none of what came goes out. NULL: nothing. */
	char *own;
	uint32_t own_n, own_sent;

	/* Hooks that ask for it: how much they want to see, so much may be here before a backend takes
	 * any. Of the one that asks now, and the most so far. */
	uint32_t asked, wanted;

	uint64_t payload;  /* bytes so far, without the coding */
	uint8_t form;	   /* enum body_form: set by the client's side before it begins */
	uint8_t keep;	   /* enum body_keep */
	bool is_complete;  /* its last byte came */
	bool came_at_once; /* all of it, with the head */
	bool expects; /* the client sends none before it got a 100: only the backend can go on */
};

/* What came with the head: `early` bytes that begin early_at bytes after the head's first byte. */
void body_init(struct body *b, struct slab *slab, struct buf *block);
void body_begin(struct body *b, uint32_t early_at, uint32_t early);

/* Bytes that wait to be sent now. */
size_t body_unsent(const struct body *b);

/* Those in memory as pieces of iov[2]; how many pieces. */
int body_gather(const struct body *b, struct iovec iov[2]);

/* n of the gathered bytes went out. */
void body_sent(struct body *b, size_t n);

/* All of it is to be sent again from its first byte. Only while it keeps. */
void body_rewind(struct body *b);

/*
 * Gives up sending again: what was sent already makes room. As long as nothing was, nothing is lost,
 * and however large the body is, another backend may still get all of it.
 */
void body_let_flow(struct body *b);

/*
 * Room after the last byte, in memory that this takes when there is none; 0: some has to be sent
 * first, or there is no memory.
 */
size_t body_room(struct body *b);

/* Nobody takes it any more: what is in memory is dropped. The pipe is its holder's to give back. */
void body_drop(struct body *b);

/* All that came, sent or not, as pieces of iov[2]; how many pieces. Only while it keeps. */
int body_pieces(const struct body *b, struct iovec iov[2]);

/* As many bytes that came wait to be taken, more than hooks want to see. */
size_t body_pending(const struct body *b);

/*
 * From now on a copy of these bytes is sent, from its first one on, and has a length; the body must be
 * whole. false: no memory.
 */
bool body_replace(struct body *b, const char *bytes, uint32_t n);

/* What it still holds is given back, but for the next request's bytes. */
void body_fini(struct body *b);

/* As many bytes as it has in all, sent and kept ones included. */
static inline size_t body_in_memory(const struct body *b)
{
	return b->early + buf_len(&b->buf);
}

/* Lines as in a head; none before it is complete. */
static inline struct str body_trailers(const struct body *b)
{
	return (struct str){ buf_head(&b->trailers), buf_len(&b->trailers) };
}

#endif

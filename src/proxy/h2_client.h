/*
 * One stream of HTTP/2, as its exchange sees it (exchange/client.h): its fields become a head, its DATA
 * the request's body; the answer goes out as fields and DATA, when the client's windows allow.
 *
 * What the session tells is only noted; h2_client_step does what follows, when the session does not
 * run. A stream lives from its first field to the end of its exchange (on_done).
 */
#ifndef NEAP_PROXY_H2_CLIENT_H
#define NEAP_PROXY_H2_CLIENT_H

#include "exchange/exchange.h"
#include "http/h2_fields.h"
#include "proxy/h2_link.h"
#include "proxy/h2_memory.h"
#include "proxy/h2_queue.h"

/* How far the answer is on its way to the client. */
enum h2_answer {
	H2_UNANSWERED,
	H2_ANSWERS,  /* its head was given to the session */
	H2_ANSWERED, /* so was END_STREAM */
};

struct h2_client {
	struct client client; /* what the exchange sees */

	/* The connection's: both outlive this. */
	struct h2_link *link;
	struct h2_memory *memory;
	void (*on_done)(struct h2_client *c); /* c is the owner's to free, with h2_client_end */
	void *owner;
	struct slab *large_heads;
	struct list node;  /* in the owner's streams */
	struct list noted; /* in link->noted */
	int32_t id;
	uint8_t notes;	 /* bits: what is to be done (h2_client.c) */
	bool is_known;	 /* the session knows the stream: its id may be used */
	bool is_started; /* its exchange was */

	/* The request, as it comes. */
	struct buf head;
	struct h2_fields reading;
	uint8_t result;	   /* enum h2_fields_result of its head */
	bool has_head;	   /* it came, whole; what follows are trailers */
	bool has_ended;	   /* END_STREAM came */
	const char *fault; /* it is malformed, and why: a stream error; NULL: not so far */
	uint64_t came;	   /* bytes of its body */
	uint64_t opened;   /* of these, for so many the window was opened again */
	struct h2_queue queue;

	/* The answer. */
	uint8_t answer;		     /* enum h2_answer */
	bool is_blocked;	     /* it takes no more for now */
	struct client_body *sending; /* NULL: nothing */
	struct client_body own;	     /* of a short answer that was not taken at once */
	struct buf kept;

	struct exchange ex;
	struct http_field fields[]; /* of the request, then of answers */
};

/* Where a stream comes from. */
struct h2_origin {
	struct service *service;
	struct h2_link *link;
	struct h2_memory *memory;
	struct slab *large_heads;
	const struct peer *peer;
	void (*on_done)(struct h2_client *c);
	void *owner;
	const struct client_tls *outer_tls; /* of the client's TLS before us; NULL: nothing */
	bool is_secure;			    /* the client came by TLS */
};

void h2_client_init(struct h2_client *c, const struct h2_origin *from, int32_t id);

/* The events of its session, but for on_stream and those of the connection; stream: a h2_client. */
void h2_client_on_block(struct h2_session *s, void *stream);
void h2_client_on_field(struct h2_session *s, void *stream, struct str name, struct str value);
void h2_client_on_block_end(struct h2_session *s, void *stream, bool is_last);
void h2_client_on_data(struct h2_session *s, void *stream, const char *p, size_t n);
void h2_client_on_end(struct h2_session *s, void *stream);
void h2_client_on_close(struct h2_session *s, void *stream, uint32_t code);
size_t h2_client_on_ask(struct h2_session *s, void *stream, size_t max, enum h2_more *more);
void h2_client_on_take(struct h2_session *s, void *stream, char *to, size_t n);

/* Does what was noted. c may be gone on return. */
void h2_client_step(struct h2_client *c);

/* Its head did not come in time: it is answered with 408. c may be gone on return. */
void h2_client_is_late(struct h2_client *c);

/* The client's connection ended, by itself. c is gone on return. */
void h2_client_leave(struct h2_client *c, const char *reason);

/* We end it. c is gone on return. */
void h2_client_cut(struct h2_client *c, const char *reason);

/* Gives back what it holds, but for its own memory. */
void h2_client_end(struct h2_client *c);

#endif

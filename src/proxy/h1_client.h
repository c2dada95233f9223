/*
 * One request of an HTTP/1 connection, as its exchange sees it (exchange/client.h): reads the body
 * that belongs to it and what comes ahead of the next one, writes the answer. An exchange and all that
 * HTTP/1 needs beside it are one object.
 */
#ifndef NEAP_PROXY_H1_CLIENT_H
#define NEAP_PROXY_H1_CLIENT_H

#include "exchange/exchange.h"
#include "http/h1_body.h"

struct h1_client {
	struct client client; /* what the exchange sees */

	/* The connection's: both outlive this. */
	struct stream *stream;
	struct buf *in; /* starts with the head; what comes after the request is kept there */
	void (*on_done)(struct h1_client *c); /* c is the owner's to free, with h1_client_end */
	void *owner;

	/* The request's body, as it comes. */
	struct h1_body body;

	/* The answer. */
	struct outbox out; /* what was not taken of its heads */

	struct exchange ex;
	struct http_field fields[]; /* of the request, then of answers */
};

/* Where a request comes from. */
struct h1_origin {
	struct service *service;
	struct stream *stream;
	struct buf *in;
	const struct peer *peer;
	void (*on_done)(struct h1_client *c);
	void *owner;
	const struct client_tls *outer_tls; /* of the client's TLS before us; NULL: nothing */
	bool is_secure;			    /* the client came by TLS */
};

/* Ready for a head at the start of `in`: h1_head_parse into ex.rq.head. */
void h1_client_init(struct h1_client *c, const struct h1_origin *from);

/* The head is parsed: go. keep: the connection may go on afterwards. c may be gone on return. */
void h1_client_start(struct h1_client *c, bool keep);

/* The head was refused, or never came (ex.rq.head.refusal). c may be gone on return. */
void h1_client_refuse(struct h1_client *c);

/* The connection is readable or writable (bits of STREAM_…). c may be gone on return. */
void h1_client_ready(struct h1_client *c, int events);

/*
 * It has been under way for a while, and nobody watches the client: see whether it leaves. true: that
 * can only be looked up, so do it again in a while. c may be gone on false.
 */
bool h1_client_attend(struct h1_client *c);

/* Gives back what it holds. What was read after the request goes to the start of `in`, if it is kept. */
enum h1_rest { H1_REST_DROP, H1_REST_KEEP };
void h1_client_end(struct h1_client *c, enum h1_rest rest);

/* Was more read than the request? */
bool h1_client_has_rest(const struct h1_client *c);

#endif

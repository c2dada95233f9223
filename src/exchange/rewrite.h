/*
 * Heads as they go on: the request's towards the backend, the answer's towards the client. Written
 * into the plane's scratch memory in one pass; unchanged lines are copied byte for byte, in their
 * order.
 */
#ifndef NEAP_EXCHANGE_REWRITE_H
#define NEAP_EXCHANGE_REWRITE_H

#include "exchange/client.h"
#include "exchange/request.h"

/* What the connection that it goes out on says of itself. */
enum rewrite_hop { REWRITE_HTTP1, REWRITE_FRAMED /* nothing: HTTP/2 */ };

/*
 * The request's head for rq->backend. false: it does not fit. The result is valid until the next
 * call.
 */
bool rewrite_request(const struct request *rq, enum rewrite_hop hop, struct str *head);

/* A backend's answer, interim or final, as its client is to get it. */
struct answer {
	const struct request *rq;
	const struct http_head *head;
	const char *base;  /* the head's bytes */
	const void *edits; /* a script's changes; NULL: none */
	bool keeps;	   /* the client's connection goes on afterwards */
	uint8_t form;	   /* enum client_form: how its client takes bodies */
	bool is_replaced;  /* a script's body goes out in the place of the backend's */
	uint32_t own_n;	   /* bytes of that */
	bool varies;	   /* by Accept-Encoding, and it does not say so */
	bool is_squeezed;  /* it is made anew on its way (squeeze.h), and nobody knows its length */
};

/* Its head. Otherwise as rewrite_request. */
bool rewrite_response(const struct answer *a, struct str *head);

#endif

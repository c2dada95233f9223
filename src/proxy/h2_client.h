/*
 * One stream of HTTP/2, as its exchange sees it (exchange/client.h): its fields become a head, its DATA
 * the request's body; the answer goes out as fields and DATA, when the client's windows allow.
 *
 * What the session tells is only noted; h2_client_step does what follows, when the session does not
 * run. A stream lives from its first field to the end of its exchange (on_done).
 */
#ifndef NEAP_PROXY_H2_CLIENT_H
#define NEAP_PROXY_H2_CLIENT_H

#include "proxy/h2_stream.h"

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

/* The events of its session about the request; stream: a h2_client. (Of the answer: h2_sender.h.) */
void h2_client_on_block(struct h2_session *s, void *stream);
void h2_client_on_field(struct h2_session *s, void *stream, struct str name, struct str value);
void h2_client_on_block_end(struct h2_session *s, void *stream, bool is_last);
void h2_client_on_data(struct h2_session *s, void *stream, const char *p, size_t n);
void h2_client_on_end(struct h2_session *s, void *stream);
void h2_client_on_close(struct h2_session *s, void *stream, uint32_t code);

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

/*
 * Lingering: a stream whose answer is whole while its client still sends the body. Clients that are
 * reset together with the answer throw that away, so what still comes is dropped, in windows that
 * open again, until the client ends the stream. It counts as one of the client's streams meanwhile.
 */
#ifndef NEAP_PROXY_H2_LINGER_H
#define NEAP_PROXY_H2_LINGER_H

#include "proxy/h2_stream.h"

/* Its exchange is over: is there something to linger for? */
bool h2_linger_is_due(const struct h2_client *c);

/* Gives back what the request held. on_due: the client was silent; it ends the stream. */
void h2_linger_begin(struct h2_client *c, void (*on_due)(struct timer *timer));

static inline bool h2_linger_is_on(const struct h2_client *c)
{
	return c->is_over && !c->is_connect;
}

/* n bytes of its body came. */
void h2_linger_drop(struct h2_client *c, size_t n);

/* It has ended, or its time or its bytes are used up. */
bool h2_linger_is_enough(const struct h2_client *c);

#endif

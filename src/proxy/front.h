/*
 * A client connection. Speaking HTTP/1.x: reads heads, has one exchange at a time, keeps what was
 * pipelined, closes in a way that the client can read the last answer; an idle one holds no buffer
 * and no exchange. Of a tcp service: one exchange is all of it.
 */
#ifndef NEAP_PROXY_FRONT_H
#define NEAP_PROXY_FRONT_H

#include "proxy/state.h"

enum front_state {
	FRONT_PREFACE, /* the PROXY header comes first, where the service asks for one */
	FRONT_IDLE,    /* between requests */
	FRONT_HEAD,    /* part of a head is here */
	FRONT_BUSY,    /* an exchange is under way */
	FRONT_LINGER,  /* the last answer is out; what the client still sends is read and dropped */
	FRONT_CLOSED,
};

struct front {
	struct stream stream;
	struct proxy *proxy;
	struct service *service;
	struct list node; /* in proxy->open */
	struct timer timer;
	struct buf in;
	struct exchange *exchange;
	uint32_t requests;
	uint32_t lingered; /* bytes dropped */
	struct peer peer;
	uint8_t state; /* enum front_state */
	bool stepping; /* front_step is on the stack: it frees */
};

/*
 * Takes over an accepted socket; of http, data is expected on it already (TCP_DEFER_ACCEPT). When
 * there are too many it is closed, http with a 503.
 */
void front_accept(struct proxy *p, struct service *s, int fd, const struct peer *peer);

/* The proxy drains: an idle connection gets a moment for a request that is on its way. */
void front_drain(struct front *f);

/* Ends the connection and all that hangs from it. */
void front_close(struct front *f, const char *reason);

#endif

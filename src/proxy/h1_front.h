/*
 * A client connection that speaks HTTP/1.x: reads heads, has one exchange at a time, keeps what was
 * pipelined, closes so that the client can read the last answer. An idle one has no buffer and no
 * exchange. What was pipelined is served in shares: after each share others have their turn. A
 * connection that turns out to speak HTTP/2 goes on as a struct h2_front.
 */
#ifndef NEAP_PROXY_H1_FRONT_H
#define NEAP_PROXY_H1_FRONT_H

#include "proxy/front.h"
#include "proxy/h1_client.h"

enum h1_state {
	H1_PREFACE,	/* the PROXY header comes first, where the service asks for one */
	H1_PREFACE_TLS, /* the same, and then a TLS handshake */
	H1_SHAKES,	/* the TLS handshake is under way */
	H1_IDLE,	/* between requests */
	H1_TURN,	/* more requests are here than its share of this turn of the loop */
	H1_HEAD,	/* part of a head is here */
	H1_BUSY,	/* an exchange is under way */
	H1_LINGER, /* the last answer is out; what the client still sends is read and dropped */
	H1_CLOSED,
	H1_TAKEN, /* another front has its connection */
};

struct h1_front {
	struct front front;
	struct deferred turn; /* waits in H1_TURN */
	struct buf in;
	union {
		struct h1_client *client; /* the request; NULL between requests */
		int64_t linger_until_ms;  /* in H1_LINGER */
	};
	uint32_t requests;   /* so far */
	uint8_t state;	     /* enum h1_state */
	uint8_t empty_lines; /* passed over since the last request */
	bool pipelines;	     /* it sent several requests at once lately: it is read in its turn */
	bool stepping;	     /* front_step is on the stack: it frees */
};

/* Takes over an accepted connection, on which bytes are expected already (TCP_DEFER_ACCEPT). */
void h1_front_open(struct h1_front *f, struct service *s, const struct conf_listen *listen, int fd,
		   const struct peer *peer);

#endif

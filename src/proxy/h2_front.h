/*
 * A client connection that speaks HTTP/2 (RFC 9113): reads into the worker's memory, has many
 * exchanges at a time (h2_client.h), writes once per turn of the loop what all of them have to say.
 * An idle one has no buffer, and soon its session sleeps (h2_arena.h). It leaves in two steps: GOAWAY
 * that turns nothing away, then, when the client is known to have read that, GOAWAY with the last stream
 * that is served.
 *
 * It takes over a connection that another front has opened: after the TLS handshake, or when its first
 * bytes are those of HTTP/2.
 */
#ifndef NEAP_PROXY_H2_FRONT_H
#define NEAP_PROXY_H2_FRONT_H

#include "proxy/front.h"
#include "proxy/h2_client.h"

enum h2_state {
	H2_SERVES,
	H2_LEAVES,  /* the client was told, and may not have read it yet */
	H2_ENDS,    /* no more streams are taken */
	H2_LINGERS, /* all was said; what the client still sends is read and dropped */
	H2_GONE,
};

/* What front.timer is for. */
enum h2_timing {
	H2_TIMES_NOTHING,
	H2_TIMES_DOZE, /* idle, and awake */
	H2_TIMES_IDLE,
	H2_TIMES_HEAD,
	H2_TIMES_END,
};

struct h2_front {
	struct front front;
	struct h2_link link;
	struct list streams; /* of h2_client */
	uint32_t streams_n;
	uint32_t requests; /* so far */
	int64_t linger_until_ms;
	uint8_t state;	/* enum h2_state */
	uint8_t timing; /* enum h2_timing */
	bool has_begun; /* by TLS, with preface and SETTINGS: a browser connects before it asks */
	bool was_read;	/* the client has answered our PING: it has read what went before that */
	bool stepping;	/* a function of this file is on the stack: it frees */
};

enum { H2_PREFACE_BYTES = 24 };

/* Do the first n bytes of a connection begin like HTTP/2's preface (RFC 9113 §3.4)? */
bool h2_front_is_preface(const char *p, size_t n);

/*
 * Takes over the connection of `from`, which is closed afterwards, and what was read of it. false:
 * memory is short, and nothing was changed. Else both may be gone on return: the caller frees what is
 * left of `from` without looking at its connection.
 */
bool h2_front_take(struct front *from, struct buf *in);

#endif

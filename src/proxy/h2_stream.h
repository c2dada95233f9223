/*
 * A stream of HTTP/2 and its exchange: one object, which the files that read its request
 * (h2_client.h) and send its answer (h2_sender.h) work on.
 */
#ifndef NEAP_PROXY_H2_STREAM_H
#define NEAP_PROXY_H2_STREAM_H

#include "exchange/exchange.h"
#include "http/h2_fields.h"
#include "proxy/h2_link.h"
#include "proxy/h2_memory.h"
#include "proxy/h2_queue.h"
#include "proxy/h2_tunnel.h"

/* How far the answer is on its way to the client. */
enum h2_answer {
	H2_UNANSWERED,
	H2_ANSWERS,  /* its head was given to the session */
	H2_ANSWERED, /* so was END_STREAM */
};

enum { H2_STREAM_WINDOW = 65535 }; /* with which streams begin */

/* What is to be done with a stream, when the session does not run; bits. */
enum h2_note {
	H2_NOTE_HEAD = 1,     /* the head is whole */
	H2_NOTE_BODY = 2,     /* more of the body came, or its end */
	H2_NOTE_WRITABLE = 4, /* what waited for the client was taken */
	H2_NOTE_LEFT = 8,     /* it reset the stream */
	H2_NOTE_TUNNEL = 16,  /* the tunnel has something to do */
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
	uint8_t notes;	 /* bits of H2_NOTE_… */
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
	uint64_t grown_at; /* of these, when its window grew last */
	uint32_t window;   /* of the stream */
	struct h2_queue queue;

	/* After its exchange: the last bytes of a tunnel wait for the client, or the client still sends
	 * a body that was answered already (h2_linger.h). */
	bool is_over;
	uint64_t dropped; /* bytes of that body */
	int64_t linger_until_ms;

	/* After an extended CONNECT was answered (RFC 8441). */
	bool is_connect; /* it is one: what comes of DATA is the tunnel's */
	struct h2_tunnel tunnel;

	/* The answer. */
	uint8_t answer;		     /* enum h2_answer */
	bool is_blocked;	     /* it takes no more for now */
	struct client_body *sending; /* NULL: nothing */
	struct client_body own;	     /* of a short answer that was not taken at once */
	struct buf kept;

	struct exchange ex;
	struct http_field fields[]; /* of the request, then of answers */
};

static inline struct h2_client *h2_stream_of(const struct client *c)
{
	return container_of(c, struct h2_client, client);
}

static inline struct h2_session *h2_stream_session(const struct h2_client *c)
{
	return &c->link->session;
}

static inline void h2_stream_note(struct h2_client *c, enum h2_note what)
{
	if (c->notes == 0)
		list_append(&c->link->noted, &c->noted);
	c->notes |= (uint8_t)what;
}

static inline void h2_stream_note_tunnel(struct h2_client *c)
{
	c->tunnel.has_ended = c->has_ended;
	c->tunnel.is_gone = !c->is_known;
	if (h2_tunnel_is_open(&c->tunnel))
		h2_stream_note(c, H2_NOTE_TUNNEL);
}

#endif

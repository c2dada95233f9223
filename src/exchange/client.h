/*
 * The client of an exchange, as the exchange sees it, whatever protocol the client speaks: a row of
 * functions each, made by the fronts (proxy). Answers go down through it; what comes from the client
 * is told by the exchange's own functions (exchange.h).
 *
 * Heads are text as in HTTP/1. A body comes in the form that the client said it takes.
 */
#ifndef NEAP_EXCHANGE_CLIENT_H
#define NEAP_EXCHANGE_CLIENT_H

#include "base/buf.h"
#include "base/str.h"
#include "net/outbox.h"
#include "net/pipe.h"

/* In which form a client takes the body of an answer that has no length. */
enum client_form {
	CLIENT_CODED,	/* in the chunk coding (HTTP/1.1) */
	CLIENT_DECODED, /* as it is, to the end of its connection, without trailers (HTTP/1.0) */
	CLIENT_FRAMED,	/* as it is: it frames all bodies itself, and their trailers (HTTP/2) */
};

enum client_sent { CLIENT_TOOK_ALL, CLIENT_BLOCKED, CLIENT_GONE };

/* What is there of a body to be sent. The client takes from it. */
struct client_body {
	struct buf *buf;   /* a backend's bytes; NULL: none */
	const char *text;  /* a body made here */
	uint32_t text_n;   /* what is left of it */
	bool is_last;	   /* nothing comes after what is here */
	struct pipe *pipe; /* a large body on its way, past user memory; NULL: none */
	uint64_t sent;	   /* bytes that went out so far */
	/* Lines as in a head, without an empty one: what follows the body. Only with is_last, and for
	 * clients that frame bodies themselves. They stay until the exchange is over. */
	struct str trailers;
};

struct client;
struct tls_facts;

struct client_ops {
	/* The head of a 1xx. What the client does not take is kept. */
	enum client_sent (*interim)(struct client *c, struct str head);
	/* The head of the answer, and what is there of the body, in one write. */
	enum client_sent (*answer)(struct client *c, struct str head, struct client_body *body);
	/* A short answer made here. What is not taken of either is kept: they may be scratch memory. */
	enum client_sent (*reply)(struct client *c, struct str head, struct str text);
	/* More of the body, or what was kept of a head. */
	enum client_sent (*body)(struct client *c, struct client_body *body);
	/* How many bytes of a body does it take now, at most? NULL: it does not know. */
	size_t (*room)(const struct client *c);
	/* Can it take bytes from a pipe? */
	bool (*can_drain)(const struct client *c);
	/* Does it take no more for now? exchange_writable comes when it does. */
	bool (*is_blocked)(const struct client *c);
	/* The answer is out whole, and the request's body still comes. */
	void (*end_answer)(struct client *c);
	/* Back-pressure: is more of the request's body wanted now? */
	void (*want)(struct client *c, bool more);
	/* Is it read already? */
	bool (*is_wanted)(const struct client *c);
	/* From now on see whether it leaves: its request is here, and the answer takes time. */
	void (*watch_end)(struct client *c);
	/* Our own address on its connection. */
	void (*local)(const struct client *c, struct peer *to);
	/* What is known of its TLS; false: its connection is in the clear. */
	bool (*tls)(const struct client *c, struct tls_facts *to);
	/* For a tunnel: the head of the 101 goes out, and after it the bytes of the stream that is
	 * returned, with what waits to go out before them (NULL: nothing). Both stay the client's to
	 * close. NULL: no memory. */
	struct stream *(*steal)(struct client *c, struct str head, struct outbox **unsent);
	/* The tail of everything: the exchange is over, and the client's to free. */
	void (*done)(struct client *c);
};

struct client {
	const struct client_ops *ops;
	bool keep;    /* the connection goes on after this answer */
	uint8_t form; /* enum client_form */
};

#endif

/*
 * A TLS connection under its stream: OpenSSL's object, the bytes in between, how far it is, and what
 * is polled for it. For the files of the row: net/tls_shake (the handshake), net/tls_write and
 * net/tls_stream.
 */
#ifndef NEAP_NET_TLS_CONN_H
#define NEAP_NET_TLS_CONN_H

#include <openssl/types.h>

#include "crypto/tls_reason.h"
#include "net/stream.h"
#include "net/tls_records.h"
#include "net/tls_worker.h"

struct tls_facts;

enum tls_conn_state {
	TLS_CONN_FIRST,	 /* of a server: no byte has come */
	TLS_CONN_SHAKES, /* the handshake is under way */
	TLS_CONN_WAITS,	 /* it waits for a certificate */
	TLS_CONN_OPEN,
	TLS_CONN_BROKEN,  /* trouble says why */
	TLS_CONN_LEAVING, /* its owner is gone, close_notify is still to go out */
};

/* What is still to be done when all that was written has gone out. */
enum tls_conn_after { TLS_AFTER_NOTHING, TLS_AFTER_SHUTDOWN };

struct tls_conn {
	struct tls_io io;
	SSL *ssl;		     /* NULL: records go on without it (net/tls_detach.h) */
	struct tls_records *records; /* its secrets, and then its keys; NULL: unknown */
	struct tls_facts *facts;     /* when there is no ssl */
	struct tls_worker *worker;
	struct stream *stream; /* where it lives, by the last call; not of a leaving one */
	const struct stream_owner *owner; /* until it is open */
	const struct peer *client;	  /* as its owner knows it; NULL: as its socket does */
	struct loop *loop;
	ev_io watcher;
	struct deferred
		next;	  /* a handshake's turn; then: something is to be told that no poll tells */
	struct list node; /* in the worker's accepting, fresh or leaving */
	struct tls_trouble trouble;
	char *sni; /* as tls_stream_facts says it; NULL: it was not asked yet */
	union {
		int64_t wrote_ms;  /* the last write */
		int64_t leaves_ms; /* of a leaving one: it ends then in any case */
	};
	int64_t fresh_ms;  /* of a fresh one: when it is looked at */
	int32_t record_n;  /* content of the record that OpenSSL read last, with its padding */
	int32_t half_read; /* of messages of TLS itself: bytes that came, less those of whole ones */
	uint32_t wrote;	   /* bytes since it was idle */
	uint8_t state;	   /* enum tls_conn_state */
	uint8_t after;	   /* enum tls_conn_after */
	uint8_t owes;	   /* bytes that went out and were not counted: 0 or 1 */
	bool was_open;	   /* the handshake went well */
	uint8_t watched;   /* of the stream, as it was told last */
	uint8_t tries;	   /* to go on without OpenSSL's object */
};

static inline struct tls_conn *tls_conn_of(const struct stream *s)
{
	return s->watcher.data;
}

/* The same; from now on the connection knows that its stream lives there. */
static inline struct tls_conn *tls_conn_use(struct stream *s)
{
	struct tls_conn *c = tls_conn_of(s);

	c->stream = s;
	return c;
}

/*
 * One of the loop's memory, over fd; its ssl is made, and is freed with it. first: bytes that were
 * read already. NULL: no memory; then ssl is left alone.
 */
struct tls_conn *tls_conn_create(struct loop *l, int fd, SSL *ssl, struct str first);

/* Frees it, not the socket. */
void tls_conn_free(struct tls_conn *c);

/* Frees OpenSSL's object alone. Harmless without one. */
void tls_conn_drop_ssl(struct tls_conn *c);

/* The same with the socket, at once. */
void tls_conn_end(struct tls_conn *c);

/*
 * As tls_conn_end, after close_notify, for which the socket may have no room yet: then it lives on
 * without its stream, for five seconds at most.
 */
void tls_conn_leave(struct tls_conn *c);

/* Sends close_notify if it is open, and then the end of our side. What it waits for follows. */
void tls_conn_shutdown(struct tls_conn *c);

/* Sends what OpenSSL wrote while it was read; what was to follow the last of it follows now. */
void tls_conn_flush(struct tls_conn *c);

/* The handshake is over: c->next is not its own any more. */
void tls_conn_settle(struct tls_conn *c, enum tls_conn_state state);

/* Polls for what the stream watches and for what is kept. After each call of OpenSSL. */
void tls_conn_arm(struct tls_conn *c);

/* No more bytes of the peer will come: it ended, or the connection is broken. */
bool tls_conn_has_ended(const struct tls_conn *c);

/* It is broken, for this reason. IO_ERROR. */
ssize_t tls_conn_break(struct tls_conn *c, struct tls_trouble trouble);

/*
 * What OpenSSL or the socket says after a call that failed for good. error: of SSL_get_error;
 * at_end: what the peer's end is called here.
 */
struct tls_trouble tls_conn_trouble(struct tls_conn *c, int error, enum tls_reason at_end);

/* Before the loop ends, when no TLS stream is open: frees what they shared. Harmless without any. */
void tls_end(struct loop *l);

#endif

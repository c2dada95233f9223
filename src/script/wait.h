/*
 * What a coroutine waits for, one thing at a time: a time, a name, a connection, an echo, an event. The
 * connections that it makes are its own; they are closed when its entry ends.
 *
 * Each of the functions that begin something returns true when the coroutine must yield: on_over comes
 * from the loop then. false: the result is there already. The result is w->failure (NULL: fine), and
 * what io->current gives out.
 */
#ifndef NEAP_SCRIPT_WAIT_H
#define NEAP_SCRIPT_WAIT_H

#include <openssl/types.h>

#include "net/dns_ask.h"
#include "net/ping.h"
#include "net/udp_probe.h"
#include "script/conn.h"

enum { WAIT_CONNS_MAX = 16 };

enum wait_kind {
	WAIT_NONE,
	WAIT_SLEEP,
	WAIT_RESOLVE,
	WAIT_CONNECT, /* resolving, then dialling */
	WAIT_CONN,    /* for what its connection does */
	WAIT_PING,
	WAIT_UDP,
	WAIT_EVENT, /* that another coroutine announces */
	WAIT_BODY,  /* of the request: its client has other deadlines than a hook */
};

struct wait {
	struct io *io;
	void (*on_over)(struct wait *w);

	/* Of the coroutine's entry: when it ends (0: when it wants), and whether it has begun any wait,
	 * so that wait_fini must follow. */
	int64_t deadline_ms;
	int64_t own_deadline_ms; /* without that of its request; 0: it has none, or no other counts */
	bool was_used;

	/* WAIT_BODY: since when, and the deadline that stands still meanwhile. */
	int64_t since_ms, held_deadline_ms;

	/* What it waits for, at most until then (0: only the deadline). */
	enum wait_kind kind;
	int64_t until_ms;
	struct dns_query *query;
	struct dns_ask *ask;	 /* WAIT_RESOLVE, about records */
	struct ping *ping;	 /* WAIT_PING; freed with the next wait */
	struct udp_probe *probe; /* WAIT_UDP; the same */
	double event;		 /* WAIT_EVENT: its number */
	struct list listener;	 /* in io's; not once it is announced */
	struct deferred heard;
	struct conn *conn; /* the last one waited for; NULL: none, or it is closed */
	struct list conns;

	/* For the next connection; ssl NULL: it is in the clear. first is borrowed. */
	SSL *ssl;
	struct str first;

	/* What came of it. */
	const char *failure;
	char words[CONN_WORDS_MAX]; /* a failure whose connection is gone */
	char *names;		    /* addresses of a name; freed with the next such wait */
	int ttl_s;		    /* of the addresses; -1: unknown */
	int missing;		    /* the family of which nothing is known; AF_UNSPEC: none */
};

/* All but on_over, which the owner sets. */
void wait_init(struct wait *w, struct io *io);
/* Ends what is under way and closes all connections. */
void wait_fini(struct wait *w);
/* The time of the wait is up: stops what is under way; its failure is "timeout". */
void wait_expire(struct wait *w);

/* Timeouts are in seconds; 0: as long as the entry may run. */
void wait_sleep(struct wait *w, double seconds);
/*
 * For the body of the entry's request. No time is counted for the entry meanwhile: the client's own
 * deadlines hold. wait_body_over ends it, and calls on_over.
 */
void wait_body(struct wait *w);
void wait_body_over(struct wait *w);
static inline bool wait_is_for_body(const struct wait *w)
{
	return w->kind == WAIT_BODY;
}
bool wait_resolve(struct wait *w, struct str name, double timeout);
/* All records of a type; the result is lines (dns_records.h). */
bool wait_records(struct wait *w, struct str name, enum dns_type type, double timeout);
/* host: a name, "unix:/path", or IP addresses with a blank between: the first that stands wins. */
bool wait_connect(struct wait *w, struct str host, uint16_t port, double timeout);
bool wait_ping(struct wait *w, struct str ip, double timeout);
/* For the answer to that question, in a datagram each. */
struct wait_place {
	struct str ip;
	uint16_t port;
};
bool wait_udp(struct wait *w, struct wait_place to, struct str question, double timeout);

/* Until that event is announced. */
bool wait_event(struct wait *w, double event, double timeout);
/* All who wait for it go on, in the next turn of the loop. */
void wait_announce(struct io *io, double event);

/*
 * The connection of the wait_connect that follows at once speaks TLS, with ssl, its own from now on;
 * first: sent in the clear before.
 */
void wait_secure(struct wait *w, SSL *ssl, struct str first);

/* On connection `id`, of this wait. */
bool wait_send(struct wait *w, uint32_t id, struct str bytes, double timeout);
bool wait_receive(struct wait *w, uint32_t id, enum conn_wish wish, size_t n, double timeout);
/* An answer over HTTP: flags and body_max as conn_expect_answer says. */
bool wait_response(struct wait *w, uint32_t id, uint32_t flags, size_t body_max, double timeout);
/* The head of one; its body follows with CONN_PIECE, each of which may wait so long. */
bool wait_head(struct wait *w, uint32_t id, uint32_t flags, double timeout);
struct wait_until {
	struct str end; /* of CONN_UNTIL_MAX bytes at most */
	size_t max;	/* bytes before it */
};
bool wait_until(struct wait *w, uint32_t id, const struct wait_until *goal, double timeout);
/* Was HTTP/2 agreed on in its handshake? */
bool wait_speaks_h2(const struct wait *w, uint32_t id);
/* Keeps it for wait_reuse, of any coroutine, or closes it. */
void wait_keep(struct wait *w, uint32_t id, struct str key);
/* A connection that was kept under this key is w->conn; false: there is none. */
bool wait_reuse(struct wait *w, struct str key, bool is_sure);
/* It speaks HTTP/2, and is for all coroutines from now on (link.h). false: closed, and no such. */
bool wait_share(struct wait *w, uint32_t id, struct str key);
/* A request over one that is shared under this key has w->conn as its connection; false: none. */
bool wait_ask(struct wait *w, struct str key, bool is_sure);
/* Harmless when it is closed already. */
void wait_close(struct wait *w, uint32_t id);

#endif

/*
 * Waiting I/O of coroutines: sleep, names, TCP connections, one answer over HTTP. Each coroutine
 * has its own connections; they are closed when its entry ends. Buffers are bounded.
 */
#ifndef NEAP_SCRIPT_IO_H
#define NEAP_SCRIPT_IO_H

#include "base/list.h"
#include "net/dial.h"
#include "net/dns.h"
#include "net/ping.h"
#include "net/stream.h"

enum {
	IO_CONNS_MAX = 16,		  /* a coroutine */
	IO_BUFFER_MAX = 16 * 1024 * 1024, /* received and not taken, of a connection */
	IO_LINE_MAX = 64 * 1024,
	IO_HEADERS_MAX = 128,
	IO_INTERIM_MAX = 16,
};

struct co;
struct conn;

enum wait_kind {
	WAIT_NONE,
	WAIT_SLEEP,
	WAIT_RESOLVE,
	WAIT_CONNECT, /* resolving, then dialling */
	WAIT_SEND,
	WAIT_LINE,
	WAIT_BYTES,
	WAIT_ALL,
	WAIT_SOME,
	WAIT_RESPONSE,
	WAIT_PING,
};

/* What a coroutine waits for, and what came of it. */
struct wait {
	enum wait_kind kind;
	const char *failure; /* NULL: fine */
	struct dns_query *query;
	struct ping *ping; /* WAIT_PING; freed with the next wait */
	struct conn *conn;
	const char *sending; /* WAIT_SEND: the script's string, in `text` once it had to wait */
	size_t left;	     /* bytes to send or to receive */
	size_t body_max;
	bool is_head;
	bool is_cut;	/* of a longer body only body_max bytes are wanted */
	uint32_t ttl_s; /* of the names resolved */
	char *text;	/* names resolved, or bytes to be sent; freed with the next such wait */
	struct list conns;
};

void wait_init(struct wait *w);
/* Ends what is under way and closes all connections. */
void wait_fini(struct wait *w);
/* The time of the wait is up: stops what is under way; its failure is "timeout". */
void wait_expire(struct wait *w);

#endif

/*
 * What the waits of all coroutines of a process share: the loop, the resolver, the numbers of
 * connections, and where results go.
 */
#ifndef NEAP_SCRIPT_IO_H
#define NEAP_SCRIPT_IO_H

#include "net/dns.h"
#include "script/abi.h"
#include "script/shelf.h"
#include "script/trusts.h"

enum { IO_EVENT_LISTS = 64 };

enum io_mode {
	IO_REAL,
	IO_TRIAL /* nobody is asked: whoever wants to has come as far as it can (trial.c) */
};

/* The TLS settings of pools, for checks; set by who loads the config. find NULL: there are none. */
struct io_pools {
	/* name: of the pool's backends; NULL: each by its host. */
	enum err (*find)(void *ctx, struct str pool, struct tls_context **c, const char **name,
			 struct error *e);
	void *ctx;
};

struct io {
	enum io_mode mode;
	struct loop *loop;
	neap_current *current; /* its `out` gets what was received */
	struct dns *dns;       /* made at first use */
	struct trusts trusts;
	struct shelf shelf;
	struct io_pools pools;
	struct list kept; /* connections between two requests (kept.h), the oldest first */
	unsigned kept_n;
	struct list links; /* connections over HTTP/2 (link.h), the oldest first */
	unsigned links_n;
	struct link_shared *link_shared; /* NULL: there was none so far */
	struct list
		listeners[IO_EVENT_LISTS]; /* waits for events, by the low bits of their numbers */
	uint32_t conns;			   /* connections so far; the last one's number */
	uint32_t bodies;		   /* coroutines that wait for one */
	uint32_t shortages; /* connections and pings that our own lack of files ended */
};

/* `current` is borrowed. */
void io_init(struct io *io, struct loop *loop, neap_current *current);
void io_fini(struct io *io);

/* NULL: there is none, which the log says. */
struct dns *io_resolver(struct io *io);

/* Leaves a text for Lua. It must outlive the next entry. */
static inline void io_give(const struct io *io, const char *text, size_t n)
{
	io->current->out = text;
	io->current->out_n = (uint32_t)n;
}

#endif

/*
 * Backends as one worker sees them: addresses and names copied from the board, and its own idle
 * connections (pool.h). An entry is made when a request first goes there, and refreshed when the
 * board's text changed (one atomic load). Entries live as long as the worker; one loop, no locks.
 */
#ifndef NEAP_UPSTREAM_BACKEND_H
#define NEAP_UPSTREAM_BACKEND_H

#include "base/list.h"
#include "base/log.h"
#include "base/slab.h"
#include "net/dial.h"
#include "net/tls_sessions.h"
#include "upstream/pace.h"
#include "upstream/pool_tls.h"

struct board;
struct h2_pool;
struct h2_worker;

/* What a request on a kept connection does not look at. */
struct backend_text {
	struct addr addrs[DIAL_ADDRS_MAX];
	char name[160];
	char url[256];
	char base[128];
	char authority[160];
	char host[128], server_name[128];
	struct tls_sessions sessions; /* with the backend as it is now */
};

/* Small, and from a slab: among thousands, each request fetches another one from memory. */
struct backend {
	int slot;
	uint32_t epoch;
	uint32_t text_version;
	unsigned idle_n;
	uint32_t places; /* grows when an address goes: connections made before are not kept */
	/* when it last ended an idle connection (0: never), and after how short a time lately */
	int64_t ended_us, ended_after_us;
	struct list idle;  /* uconns, the most recently used first */
	struct list dials; /* uconns that do not stand yet, the oldest first */
	struct pace pace;
	struct h2_pool *h2; /* connections of HTTP/2 (h2_pool.h); NULL: none so far */
	struct str base;    /* path prefix */
	unsigned addrs_n;
	uint8_t send_proxy;   /* enum send_proxy */
	bool is_tls;	      /* https:// or tls:// */
	uint8_t first;	      /* of the addresses: the one that stood the last time */
	struct str authority; /* host:port, for a request that has no Host */
	const struct addr *addrs;
	const char *name, *url;
	struct backend_text *text;
};

struct upstream {
	struct loop *loop;
	struct timers *timers;
	struct board *board;
	unsigned workers;	   /* how many dial the same backends */
	struct timer_lane *moment; /* of pace.h */
	struct pool_tls tls;	   /* set by the owner, and ended with the rest */
	struct log_limit tls_faults;
	struct backend **backends; /* by slot, BOARD_BACKENDS_MAX */
	struct slab entries;	   /* what they point to */
	struct slab uconns;
	struct slab dialings;
	struct h2_worker *h2; /* of HTTP/2; NULL: not needed so far */
	/* Closes all idle connections of b, whose slot has another backend now. */
	unsigned (*close_idle_of)(struct backend *b);
	/* Those of all backends, when descriptors are short. Both: how many there were. */
	unsigned (*close_idle)(struct upstream *u);
};

/*
 * The backend of that slot and epoch, up to date. NULL: no longer there (the slot has another
 * backend or none), or no memory.
 */
struct backend *upstream_backend(struct upstream *u, int slot, uint32_t epoch);

#endif

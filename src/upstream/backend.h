/*
 * Backends as one worker sees them: addresses and names copied from the board, and its own idle
 * upstream connections (uconn.h; made by upstream_init in upstream.h). An entry is made when a
 * request first goes there and refreshed when the board's text changed (one atomic load). Entries
 * live as long as the worker; one loop, no locks.
 */
#ifndef NEAP_UPSTREAM_BACKEND_H
#define NEAP_UPSTREAM_BACKEND_H

#include "base/list.h"
#include "base/slab.h"
#include "net/dial.h"
#include "net/timer.h"
#include "shm/board.h"

/* What a request on a kept connection does not look at. */
struct backend_text {
	struct addr addrs[DIAL_ADDRS_MAX];
	char name[160];
	char url[256];
	char base[128];
	char authority[160];
};

/* Small, and from a slab: of thousands, each request has another one to fetch from memory. */
struct backend {
	int slot;
	uint32_t epoch;
	uint32_t text_version;
	unsigned idle_n;
	uint32_t places;  /* grows when an address goes: connections made before are not kept */
	struct list idle; /* uconns, the most recently used first */
	struct str base;  /* path prefix */
	unsigned addrs_n;
	uint8_t send_proxy;   /* version of the PROXY header it gets first; 0: none */
	struct str authority; /* host:port, for a request that has no Host */
	const struct addr *addrs;
	const char *name, *url;
	struct backend_text *text;
};

struct upstream {
	struct loop *loop;
	struct timers *timers;
	struct board *board;
	unsigned worker;
	struct backend **backends; /* by slot, BOARD_BACKENDS_MAX */
	struct slab entries;	   /* what they point to */
	struct slab uconns;
	struct slab dialings;
	unsigned (*close_idle)(
		struct backend
			*b); /* all idle connections of b: its slot has another backend now */
};

/*
 * The backend of that slot and epoch, up to date. NULL: no longer there (the slot has another
 * backend or none), or no memory.
 */
struct backend *upstream_backend(struct upstream *u, int slot, uint32_t epoch);

#endif

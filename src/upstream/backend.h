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

struct backend {
	int slot;
	uint32_t epoch;
	uint32_t text_version;
	struct list idle; /* uconns, the most recently used first */
	unsigned idle_n;
	uint32_t places; /* grows when an address goes: connections made before are not kept */
	unsigned addrs_n;
	uint8_t send_proxy; /* version of the PROXY header it gets first; 0: none */
	struct addr addrs[DIAL_ADDRS_MAX];
	struct str base;      /* path prefix */
	struct str authority; /* host:port, for a request that has no Host */
	char name[160];
	char url[256];
	char base_text[128];
	char authority_text[160];
};

struct upstream {
	struct loop *loop;
	struct timers *timers;
	struct board *board;
	unsigned worker;
	struct backend **backends; /* by slot, BOARD_BACKENDS_MAX */
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

/*
 * One worker's row of the requests that wait for a pool. Changed by board_queue.c.
 */
#ifndef NEAP_SHM_ROW_QUEUE_H
#define NEAP_SHM_ROW_QUEUE_H

#include <stdatomic.h>
#include <stdint.h>

/* One worker's waiting requests of one pool; written by it, `called_us` by others too. */
struct board_queue {
	_Alignas(64) _Atomic uint32_t waiting; /* now */
	_Atomic int64_t oldest_us;	       /* since when its first one waits; 0: none does */
	_Atomic int64_t called_us;  /* when it was called and has not looked yet; 0: not */
	_Atomic uint64_t queued;    /* all that ever waited; among them: */
	_Atomic uint64_t timed_out; /* those that waited for queue.timeout */
	_Atomic uint64_t left;	    /* ended early: client left, deadline over, no backend up */
	_Atomic uint64_t waited_us;
	_Atomic uint64_t refused; /* not let in: queue.length */
};

#endif

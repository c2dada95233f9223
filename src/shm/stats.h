/*
 * What is counted on the board for metrics: each worker has cells of its own, so that counting is a
 * load and a store, and the totals outlive the worker. Readers make the sums.
 */
#ifndef NEAP_SHM_STATS_H
#define NEAP_SHM_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/histogram.h"
#include "crypto/tls_reason.h"

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
/* Why a client was answered by neap itself, or not at all. Names: lua/neap/admin/counts.lua. */
enum board_refusal {
	REFUSED_BAD_REQUEST, /* 400 */
	REFUSED_SLOW,	     /* 408 */
	REFUSED_BODY,	     /* 413 */
	REFUSED_URI,	     /* 414 */
	REFUSED_EXPECTATION, /* 417 */
	REFUSED_HEAD,	     /* 431 */
	REFUSED_CODING,	     /* 501 */
	REFUSED_VERSION,     /* 505 */
	REFUSED_FAILED,	     /* 502: every attempt failed */
	REFUSED_TIMEOUT,     /* 504 */
	REFUSED_UNAVAILABLE, /* 503: no candidate, or the policy said so */
	REFUSED_CONNECTIONS, /* too many connections */
	REFUSED_BY_POLICY,   /* the hook `connection` said "close" */
	REFUSED_OTHER,
	REFUSALS
};

/* Why a datagram of a udp service went nowhere. Names: lua/neap/admin/counts.lua. */
enum board_drop {
	DROP_SESSIONS,	       /* limits.udp_sessions */
	DROP_SOURCE_DATAGRAMS, /* limits.source_datagrams */
	DROP_SOURCE_FLOWS,     /* limits.source_flows */
	DROP_HEADER,	       /* no PROXY header, or a bad one */
	DROP_LOOP,	       /* neap's own came back to it */
	DROP_POLICY,	       /* the hook `connection`, or `key` */
	DROP_WAITING,	       /* too many came while a hook or a slot was awaited */
	DROP_DRAINING,	       /* no flow begins any more */
	DROP_TOO_LONG,	       /* for the path, or for any datagram */
	DROP_BUSY,	       /* the system takes no more now */
	DROP_UNSENT,	       /* the system refused it */
	DROP_MEMORY,
	DROPS
};

/* How TLS handshakes of clients ended. Names: lua/neap/admin/counts.lua. */
enum board_handshake { HANDSHAKE_FULL, HANDSHAKE_RESUMED, HANDSHAKE_FAILED, HANDSHAKES };

/* gRPC calls are counted by status (http/grpc.h); the last cell has those that got none. */
enum { BOARD_GRPC = 18 };

/* Kinds of abuse of HTTP/2, enum h2_abuse_kind in http/h2_abuse.h. */
enum { BOARD_H2_ABUSE = 9 };

/* Kinds of failures, enum neap_kind in script/abi.h. */
enum { BOARD_KINDS = 6 };

/* What C enters Lua for: decide, failed, response, log, certificate, connection, error, key: in this order. */
enum { BOARD_ENTRIES = 8, BOARD_ENTRY_SAMPLE = 64 };

/* The hooks whose calls Lua itself counts. */
enum board_counted {
	COUNTED_REQUEST,
	COUNTED_BACKENDS,
	COUNTED_PICK,
	COUNTED_LOG,
	COUNTED_LINE,
	BOARD_COUNTED
};
/* cdef end */

struct board_histogram {
	_Atomic uint64_t sum_us;
	_Atomic uint64_t bucket[HISTOGRAM_BUCKETS];
};

struct board_entry {
	_Atomic uint64_t calls;
	_Atomic uint64_t ns; /* estimated from each BOARD_ENTRY_SAMPLE-th call */
};

/* One worker's counts of one service. */
struct board_service_cell {
	_Alignas(64) _Atomic uint64_t requests;
	_Atomic uint64_t
		answers[7];	/* by the status's first digit; 0: none was sent; 6: 600 to 999 */
	_Atomic uint64_t bytes; /* of bodies, to clients */
	_Atomic uint64_t connections;
	_Atomic uint64_t retries;
	_Atomic uint64_t aborted; /* the client left first */
	_Atomic uint64_t broken;  /* an answer that could not be finished, or that neap cut */
	struct board_histogram total;
	struct board_entry entries[BOARD_ENTRIES];
	_Atomic uint64_t hooks[BOARD_COUNTED]; /* calls, by enum board_counted */
	_Atomic uint64_t refused[REFUSALS];
	_Atomic uint64_t dropped[DROPS]; /* datagrams */
	_Atomic uint64_t grpc[BOARD_GRPC];
	_Atomic uint64_t h2_abuse[BOARD_H2_ABUSE];
	_Atomic uint64_t handshakes[HANDSHAKES];
	_Atomic uint64_t handshake_failures[TLS_REASONS];
	_Atomic uint64_t tls_errors[TLS_REASONS]; /* of clients, after the handshake */
	_Atomic uint64_t failed[BOARD_KINDS];	  /* attempts */
};

/* Only the process that owns the cell adds to it. */
static inline void stat_add(_Atomic uint64_t *cell, uint64_t n)
{
	atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline uint64_t stat_get(const _Atomic uint64_t *cell)
{
	return atomic_load_explicit(cell, memory_order_relaxed);
}

static inline void stat_time(struct board_histogram *h, int64_t us)
{
	/* Never 0: a sum of 0 says that the histogram was not used yet. */
	uint64_t value = us <= 0 ? 1 : (uint64_t)us;
	stat_add(&h->sum_us, value);
	stat_add(&h->bucket[histogram_bucket(value)], 1);
}

#endif

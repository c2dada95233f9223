/*
 * The rows of a backend: what the agent says of it, what is known of it, what each worker counts
 * about it. Changed by board_backend.c, board_state.c, board_cell.c and board_suspect.c.
 */
#ifndef NEAP_SHM_ROW_BACKEND_H
#define NEAP_SHM_ROW_BACKEND_H

#include <stdatomic.h>
#include <stdint.h>

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
enum { BOARD_ADDRS_MAX = 8, BOARD_REASON_WORDS = 16 };

/* The PROXY header that a backend gets first: its version, and whether it tells of TLS. */
enum send_proxy { SEND_PROXY_NONE, SEND_PROXY_V1, SEND_PROXY_V2, SEND_PROXY_V2_TLS };
/* cdef end */

/*
 * An address as the board keeps it: family AF_INET, AF_INET6 or AF_UNIX (path = unix socket of the
 * backend's text).
 */
struct board_addr {
	uint16_t family;
	uint16_t port;	/* host order */
	uint8_t ip[16]; /* the first 4 for IPv4 */
	uint32_t scope; /* IPv6 scope id */
};

/* What the agent says of a backend: a handle of it is (slot, epoch). Text is zero terminated. */
struct board_text {
	char name[160];
	char url[256];
	char scheme[8]; /* "http", "https", "tcp" */
	char host[128]; /* as written; "" for unix */
	char base[128]; /* path prefix without trailing slash; "" for none */
	char path[108]; /* unix socket path or "" */
	char zone[32];
	/* "key\0value\0…\0": numbers and booleans as text with a type byte, see lua/neap/tags.lua */
	char tags[512];
	char server_name[128]; /* by which TLS knows it; "": the pool's, or host */
	uint16_t port;
	uint8_t addrs;	    /* known addresses; 0: the name does not resolve (yet) */
	uint8_t send_proxy; /* enum send_proxy */
	struct board_addr addr[BOARD_ADDRS_MAX];
};

enum { BOARD_TEXT_WORDS = sizeof(struct board_text) / 8 };

/*
 * The text is read with board_backend_text, the reason with board_reason; the rest may be loaded
 * directly.
 */
struct board_backend {
	/* Read often, written rarely. */

	_Atomic uint32_t text_version; /* grows with the text; its lowest bit: the current copy */
	_Atomic uint32_t epoch;	       /* grows when the slot is freed or given away */
	_Atomic int32_t pool;	       /* BOARD_NONE: the slot is free; see also board.slots_used */
	_Atomic int32_t next[2];       /* next member in config order, in either copy of the list */
	_Atomic uint32_t weight, slots; /* slots 0: no limit */
	_Atomic int32_t tier;
	_Atomic uint32_t member;       /* the pool's list_version when it was put into that list */
	_Atomic int64_t idle_since_ms; /* board_reclaim: no member, nothing in flight; 0: not so */

	/* Low 8 bits enum board_state, above them the time it began (wall clock ms). */
	_Alignas(64) _Atomic uint64_t state;
	_Atomic int64_t ejected_until_ms;   /* wall clock */
	_Atomic uint32_t latency_us;	    /* moving average to the first byte, 0: none yet */
	_Atomic uint32_t marked_by_request; /* 1: down by a request, not a check: recheck soon */
	_Atomic uint32_t pinned;	    /* 0: not; else 1 + the state a person gave it */
	/*
	 * Wall clock: when it came back from down or ejected, or joined a pool that had members
	 * already; 0: it was there from the start.
	 */
	_Atomic int64_t back_since_ms;
	_Atomic uint32_t streak;    /* failures in a row, over all workers; of pools with `eject` */
	_Atomic uint32_t ejections; /* how often it was ejected lately: its next time grows */
	_Atomic uint32_t suspicion; /* failures after connecting, in a row (board_suspect.h) */
	_Atomic uint32_t suspected; /* the same, ever; wraps around */
};

/*
 * What requests do not look at. It is apart so that what they do look at is close together, with
 * thousands of backends.
 */
struct board_prose {
	_Atomic uint64_t reason[BOARD_REASON_WORDS];	/* why it is in its state: text */
	_Atomic uint64_t suspicion[BOARD_REASON_WORDS]; /* why it is suspect: text */
	_Atomic uint64_t text[2][BOARD_TEXT_WORDS];	/* struct board_text */
};

enum { BOARD_ANSWERS = 4 }; /* 2xx to 5xx */

/* One worker's counts about one backend: written by that worker only. A cache line each. */
struct board_cell {
	_Alignas(64) _Atomic uint32_t reserved; /* 1: it wants one more (board_slot_take) */
	_Atomic uint32_t outliers;		/* failures that count for `eject`; wraps around */
	_Atomic uint64_t requests, failures;
	/* Of HTTP/2: connections that stand, and streams that are open on them. */
	_Atomic uint32_t h2_connections, h2_streams;
	/* By the status's first digit; the histogram beside it counts those of other digits, too. */
	_Atomic uint64_t answers[BOARD_ANSWERS];
};

#endif

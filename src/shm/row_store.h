/*
 * The layout of a store (store.h): a head, then shards that know nothing of each other. A shard has
 * buckets and cells of 64 bytes. An item is a chain of cells: the first has what is said of it, and
 * all have its payload in words of 8 bytes: the key, then the value, each filled up with zeros.
 * Cells and buckets hold numbers of cells, from 1; 0: none. So fresh memory, all zeros, is an empty
 * store.
 */
#ifndef NEAP_SHM_ROW_STORE_H
#define NEAP_SHM_ROW_STORE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum {
	STORE_MAGIC = 0x6e737430,
	STORE_LAYOUT =
		4, /* grows when anything here changes: over an upgrade only its like is kept */
	STORE_SHARDS_MAX = 8,
	STORE_HEAD_BYTES = 12288,
	STORE_TENANTS = 160, /* all workers of two generations, and more */
	STORE_HEAD_WORDS = 5,
	STORE_PART_WORDS = 7,
	STORE_UNDO_WORDS = STORE_HEAD_WORDS + STORE_PART_WORDS,
};

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
/* What a cell is. From STORE_NUMBER on: the first cell of an item, and what its value is. */
enum store_kind {
	STORE_NOTHING, /* a free cell; also: there is no such item */
	STORE_PART,    /* a later cell of an item */
	STORE_NUMBER,
	STORE_TRUE,
	STORE_FALSE,
	STORE_TEXT,
	STORE_WINDOW, /* store_rate.h */
	STORE_RATE,
	STORE_HELD,  /* store_hold.h */
	STORE_LEASE, /* store_lease.h */
};
/* cdef end */

struct store_cell {
	_Atomic uint32_t next; /* of this item; or the next free one */
	_Atomic uint8_t kind;
	_Atomic uint8_t used; /* 1: it was looked at since the hand passed it */
	_Atomic uint16_t key_n;
	union {
		struct {
			_Atomic uint32_t chain; /* the next item of the bucket */
			_Atomic uint32_t value_n;
			_Atomic int64_t expires_ms; /* monotonic; 0: never */
			_Atomic uint64_t words[STORE_HEAD_WORDS];
		};
		_Atomic uint64_t part[STORE_PART_WORDS];
	};
};

/* What an item of at most two cells was before a change in place. */
struct store_undo {
	_Atomic uint32_t at; /* 0: no change is under way */
	_Atomic uint32_t value_n;
	_Atomic uint8_t kind;
	_Atomic int64_t expires_ms;
	_Atomic uint64_t words[STORE_UNDO_WORDS];
};

struct store_row {
	_Alignas(64) pthread_mutex_t lock;
	_Alignas(64) _Atomic uint64_t version; /* odd: it is being changed */
	_Atomic uint32_t fresh;		       /* cells that were ever used: 1 to `fresh` */
	_Atomic uint32_t free, free_n;	       /* the list of the free ones among them */
	_Atomic uint32_t entries;
	_Atomic uint32_t hand;	/* where room is sought next */
	_Atomic uint32_t broom; /* where what has expired is sought next */
	_Atomic uint32_t old;	/* this item is replaced, */
	_Atomic uint32_t by;	/* as soon as this one is there */
	_Atomic uint64_t evicted, expired;
	struct store_undo undo;
};

/* A process that uses the store (store_tenant.h). */
struct store_tenant {
	_Alignas(64) pthread_mutex_t alive; /* robust: it keeps it locked as long as it lives */
	_Atomic uint32_t life;		    /* grows with each process that had this row */
	_Atomic uint64_t hits, misses;	    /* of reads, by all of them */
};

struct store_head {
	uint32_t magic, layout;
	uint64_t bytes;		    /* of all */
	uint64_t key[2];	    /* of the hash: what clients send must not choose its bucket */
	uint64_t id;		    /* what other machines know it by */
	_Atomic uint32_t balancers; /* that have its limits in common (store_lease.h); 0: none */
	_Atomic uint32_t stale_ds;  /* then it is not known any more who takes */
	_Atomic uint32_t owes;	    /* 1: an item may owe something */
	struct store_tenant tenants[STORE_TENANTS];
};

/* One process's view of a shard. */
struct store_shard {
	struct store_row *row;
	_Atomic uint32_t *buckets;
	struct store_cell *cells; /* cells[0] is not used */
	uint32_t mask;		  /* buckets - 1 */
	uint32_t cells_n;
};

_Static_assert(sizeof(struct store_cell) == 64, "a cell is a cache line");
_Static_assert(sizeof(struct store_tenant) == 64, "processes count in lines of their own");
_Static_assert(sizeof(struct store_head) <= STORE_HEAD_BYTES, "the head is three pages");

#endif

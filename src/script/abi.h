/*
 * The one contract between C and Lua: both compilers read this file and the abi_*.h beside it. C
 * includes them; LuaJIT gets what stands between their cdef marks (embedded in the binary as "abi.h").
 * Lua calls these functions through FFI; none of them ever calls Lua back. ABI_VERSION is compared at
 * load (neap_abi_version).
 */
#ifndef NEAP_SCRIPT_ABI_H
#define NEAP_SCRIPT_ABI_H

#include <stddef.h>
#include <stdint.h>

#include "base/cc.h"
#include "script/abi_board.h"
#include "script/abi_datagram.h"

#define ABI_VERSION 9

/* cdef begin */

/* What a decision of the hooks amounts to. */
enum neap_verdict {
	NEAP_BACKEND = 1, /* request.slot, request.epoch, request.pool are the choice */
	NEAP_REPLY,	  /* answer here with request.reply */
	NEAP_NONE,	  /* 503 with request.reason */
	NEAP_QUEUE,	  /* ask again when a slot frees */
	NEAP_RETRY,	  /* after failed: try another */
	NEAP_FAIL,	  /* after failed: give up */
	NEAP_WAIT,	  /* the hook waits: the exchange is parked, on_resumed comes later */
	NEAP_REFUSE,	  /* a hook failed and the service is strict: 503 */
	NEAP_DONE,	  /* hooks without a result */
};

enum neap_stage { NEAP_STAGE_CONNECT, NEAP_STAGE_SEND, NEAP_STAGE_WAIT, NEAP_STAGE_BODY };
enum neap_kind {
	NEAP_KIND_REFUSED,
	NEAP_KIND_TIMEOUT,
	NEAP_KIND_RESET,
	NEAP_KIND_PROTOCOL,
	NEAP_KIND_STATUS,
	NEAP_KIND_TLS
};

/* An answer given by a script; memory owned by the request view until it is finished. */
typedef struct neap_reply {
	uint32_t status;
	uint32_t headers_n, body_n;
	uint32_t is_kept; /* the body is Lua's, which keeps it */
	char *headers;	  /* whole lines, checked: "Name: value\r\n…" */
	char *body;
} neap_reply;

typedef struct neap_failure {
	uint32_t stage, kind, status;
	uint32_t safe; /* 1: the core would allow a retry */
	uint32_t ours; /* 1: a limit or shortage of our own: it says nothing about the backend */
	uint32_t kept; /* 1: a kept connection had ended before: that says nothing either */
	uint32_t grpc_status; /* of the call, if that is why; 0: not */
	char message[256];
} neap_failure;

typedef struct neap_outcome { /* times in seconds, -1: did not happen */
	uint32_t status, attempts;
	int32_t slot; /* the last backend tried, -1: none */
	uint32_t epoch;
	uint64_t bytes; /* of the answer's body, to the client */
	double queued, connect, first_byte, total;
	const char *reason;  /* why it ended as it did; "" when all went well */
	int32_t grpc_status; /* of a gRPC call; -1: none is known, or it is no call */
} neap_outcome;

/*
 * The view of one request, which Lua sees as `request`; embedded in the exchange. Pointers into the
 * head are valid while the exchange keeps its head. C fills all members but those marked "script".
 */
typedef struct neap_request {
	const char *method, *path, *query, *host;
	uint32_t method_n, path_n, query_n, host_n;
	uint64_t id; /* never 0, unique in this worker's life; printed with the worker's prefix */
	const char *outer_id; /* in the head: the id that a trusted peer gave it */
	uint32_t outer_id_n;  /* 0: none */
	double time;	      /* wall clock of its first byte, seconds */
	uint32_t service;
	uint32_t attempt; /* from 1 */
	int32_t pool;	  /* script: chosen by `backends`; index into conf.pools; -1 before */
	uint8_t minor;	  /* HTTP/1.<minor>; 2: HTTP/2 */
	uint8_t secure;	  /* scheme https */
	uint8_t has_query;
	uint8_t is_tcp; /* no HTTP: a connection, or a flow of datagrams */
	uint8_t is_udp; /* the latter */
	uint8_t ip[16]; /* the client as the trust rule sees it; IPv4 as ::ffff:a.b.c.d */
	uint8_t ip_family;
	uint8_t has_state; /* script: Lua keeps something under this id (ctx, a pool view) */
	uint16_t port;
	const void *head;	 /* struct http_head; NULL in tcp mode */
	const char *base;	 /* the head's bytes */
	const void *outer_tls;	 /* of the client's TLS: struct client_tls; NULL: nothing */
	const void *connection;	 /* the client's: struct stream; NULL: none */
	const char *key;	 /* of its flow of datagrams: what the hook `key` gave */
	uint32_t key_n;		 /* 0: nothing */
	neap_datagram *datagram; /* for the hook `key` */
	void *edits;		 /* script: struct edits, header changes; NULL: none */
	char *new_path;		 /* script: set_path, owned; NULL: unchanged (with query) */
	uint32_t new_path_n;
	uint32_t tried_n; /* slots this request tried already */
	const int32_t *tried;
	int64_t deadline_ms; /* monotonic; a waiting hook ends then; 0: only its own 5 s */
	/* the decision */
	int32_t slot;	       /* script */
	uint32_t epoch;	       /* script */
	char reason[128];      /* script: zero terminated, printable */
	neap_reply reply;      /* script */
	uint32_t ran;	       /* script: the hooks of this entry that were called, 1 << id */
	void *certificate;     /* script: struct certificate, for the handshake; NULL: none */
	const void *body_door; /* to its body: struct body_door; NULL: none is known */
	void *route;	       /* script: struct neap_route, what hooks set for it; NULL: nothing */
	void *holds; /* script: struct hold, where it is counted until it ends; NULL: nowhere */
	struct neap_request *holder; /* whose `holds` has what its hooks enter; NULL: its own */
	/* parking */
	void *co; /* script: the waiting coroutine */
	void (*on_resumed)(struct neap_request *self, uint32_t verdict);
	/* explains: that hook erred (why; NULL: it is left out), and `then` follows */
	void (*on_trouble)(struct neap_request *self, uint32_t hook, const char *why,
			   const char *then);
} neap_request;

/* The view of a response head that Lua sees as `response`. */
typedef struct neap_response {
	uint32_t status;
	uint32_t latency_us;
	const void *head; /* struct http_head */
	const char *base;
	void *edits;	       /* struct edits; NULL: none */
	const void *body_door; /* to its body: struct body_door; NULL: none is known */
	uint32_t erred;	       /* the hook did: the answer goes as it came */
} neap_response;

uint32_t neap_abi_version(void);

/*
 * The runtime's own part (abi_*.c and lua/neap/runtime). Policies never see these functions, only
 * the objects built on them. Texts go in as pointer and length. Texts that are answers are left in
 * neap_current.out until the next call.
 */

/* The part of a backend's row on the board that hooks read directly. */
typedef struct neap_slot {
	uint32_t text_version;
	volatile uint32_t epoch;
	volatile int32_t pool;
	int32_t next[2];
	volatile uint32_t weight, slots;
	volatile int32_t tier;
	uint32_t member[8];	/* the board's alone */
	volatile uint8_t state; /* the first byte of a word, on little-endian machines */
	uint8_t since[7];
	int64_t ejected_until_ms;
	volatile uint32_t latency_us;
	uint32_t marked_by_request;
	uint32_t pinned;
	int64_t back_since_ms;
} neap_slot;

enum neap_may_wait { NEAP_WAITS_NOT, NEAP_WAITS, NEAP_WAITS_FOR_BODY /* of its answer alone */ };

/* What the running hook is about, and what all hooks of the process look at. */
typedef struct neap_current {
	neap_request *request; /* NULL: no hook is running */
	neap_response *response;
	const neap_failure *failure;
	const neap_outcome *outcome;
	volatile uint32_t *hook; /* on the board: service << 8 | enum hook_id */
	const double *unix_now;
	struct board *board;
	const char *out; /* the answer of the last call */
	uint32_t out_n;
	uint32_t may_wait;    /* the running hook may wait: enum neap_may_wait */
	int32_t worker;	      /* -1: the agent, or a check */
	uint32_t waited;      /* 1: the running hook has waited */
	uint32_t cost_factor; /* not 0: this entry is timed, neap_hook_stage is to be called */
} neap_current;

neap_current *neap_runtime(void);
void neap_log(uint32_t level, const char *text, size_t n);

/* Backends and pools as the board has them. */
neap_slot *neap_slot_at(int32_t slot);					/* NULL: no such slot */
uint32_t neap_slot_text(int32_t slot, uint32_t epoch, neap_member *to); /* texts only; 0: gone */
uint32_t neap_slot_inflight(int32_t slot);
double neap_slot_since(int32_t slot);
double neap_slot_errors(int32_t slot);
/* A hook sets a backend's state: `to` is an enum board_state; 1: the state changed. */
uint32_t neap_slot_set_state(int32_t slot, uint32_t epoch, uint32_t to, double seconds,
			     const char *why, size_t n);
/* 1: it has another weight now. */
uint32_t neap_slot_set_weight(int32_t slot, uint32_t epoch, uint32_t weight);
/*
 * A hook says that a backend failed after connecting. 0: it is gone, or the failure says nothing
 * about it.
 */
uint32_t neap_slot_suspect(int32_t slot, uint32_t epoch, const char *why, size_t n);
int32_t neap_pool_find(const char *name, size_t n);
const volatile uint32_t *neap_pool_version(int32_t pool);
uint32_t neap_pool_members(int32_t pool, int32_t *to, uint32_t max);
/*
 * All members of a pool, and which of them may serve. In a panic (less than the share `panic` of them
 * is up) those that are down or ejected may, too. The print changes when members, texts, weights or
 * tiers do.
 */
typedef struct neap_scan {
	uint32_t n, live, has_slots, panics, print_low, print_high;
	int32_t tier;			      /* of those that may serve */
	int32_t slots[16384], serving[16384]; /* serving: indexes, from 0, of `live` members */
	uint32_t epochs[16384], texts[16384];
} neap_scan;
void neap_pool_scan(int32_t pool, double panic, neap_scan *to);
/*
 * The members that may serve a request which has tried some already. Those with a free slot stand
 * at the front, `n` of them in the pool's order, with tiers from `lowest` to `highest`. Those
 * without stand at the back, `full` of them. They are of all tiers; in a panic, members that are
 * not up are of tier `tier` only. One request in flight to slot `but` (-1: none) is not counted.
 */
typedef struct neap_left {
	uint32_t n, full;
	int32_t lowest, highest;
	int32_t slots[16384];
} neap_left;
void neap_pool_left(int32_t pool, uint32_t panics, int32_t tier, const int32_t *tried,
		    uint32_t tried_n, neap_left *to, int32_t but);
/* The slot of the backend of that name, whether it is a member or not; -1: none. */
int32_t neap_pool_find_name(int32_t pool, const char *name, size_t n);
/* The hashes of the names of these slots. */
void neap_pool_ids(const int32_t *slots, uint32_t n, double *ids);
/*
 * Finds the slot with the least load for its weight; returns its index. Among equal ones it is the
 * first at or after index `first` (below n), going round. `more` requests are added to each load:
 * 0, or 1 where weights count among idle ones, too.
 */
uint32_t neap_pool_least_loaded(const int32_t *slots, const uint32_t *weights, uint32_t n,
				uint32_t more, uint32_t first);
/* The same, but one of the requests in flight to slot `but` is not counted. */
uint32_t neap_pool_least_loaded_but(const int32_t *slots, const uint32_t *weights, uint32_t n,
				    uint32_t more, uint32_t first, int32_t but);
/* Rendezvous hashing by weight: ids are hashes of the backends' names; the index of the winner. */
uint32_t neap_pool_hash(const uint32_t *weights, const double *ids, uint32_t n, const char *key,
			size_t key_n);

/*
 * Counters shared by all processes; integers up to 2^53. NULL: the board has no room for another
 * one.
 */
uint64_t *neap_counter(const char *name, size_t n);
double neap_counter_add(uint64_t *counter, double by); /* the value before */
double neap_counter_get(const uint64_t *counter);
/* The same cell as a gauge: any number. */
void neap_counter_set(uint64_t *counter, double value);
void neap_counter_gauge_add(uint64_t *counter, double by);
double neap_counter_gauge(const uint64_t *counter);

/* The request. 1: neap_current.out has it; 0: it is not there. */
uint32_t neap_request_header(const neap_request *r, const char *name, size_t n);
uint32_t neap_request_cookie(const neap_request *r, const char *name, size_t n);
uint32_t neap_request_client_ip(const neap_request *r);
uint32_t neap_request_id(const neap_request *r);
/* What is known of TLS that is not ended here; 0: nothing. ALPN: a length of one byte and a name, … */
enum neap_said { NEAP_SAID_SNI, NEAP_SAID_ALPN, NEAP_SAID_JA4 };
uint32_t neap_request_said(const neap_request *r, uint32_t what);
/*
 * What is known of TLS that is ended here (abi_tls.c). 0: the client came in the clear. Texts: 1:
 * neap_current.out has it; 0: there is none.
 */
typedef struct neap_tls_seen {
	uint32_t resumed, has_client, verified;
} neap_tls_seen;
uint32_t neap_tls_look(const neap_request *r, neap_tls_seen *to);
uint32_t neap_tls_text(const neap_request *r, uint32_t what); /* enum tls_text */
double neap_tls_not_after(const neap_request *r);	      /* seconds since 1970 */
/*
 * What a ClientHello says, while the hook `certificate` begins (abi_hello.c). 1: neap_current.out has
 * it; 0: nothing. ALPN as above; versions with blanks between.
 */
enum neap_hello_text { NEAP_HELLO_SNI, NEAP_HELLO_ALPN, NEAP_HELLO_VERSIONS, NEAP_HELLO_JA4 };
uint32_t neap_hello_text(const neap_request *r, uint32_t what);
/* Texts of a certificate and its key (PEM). 1: they are good; 0: out says why not. */
uint32_t neap_certificate_try(const char *chain, size_t chain_n, const char *key, size_t key_n);
/* The same, and the handshake gets it. */
uint32_t neap_certificate_give(neap_request *r, const char *chain, size_t chain_n, const char *key,
			       size_t key_n);
/* 0: done; else an enum edits_result. value NULL removes. */
uint32_t neap_request_set_header(neap_request *r, const char *name, size_t n, const char *value,
				 size_t value_n);
uint32_t neap_request_set_path(neap_request *r, const char *path, size_t n);
uint32_t neap_response_header(const neap_response *r, const char *name, size_t n);
uint32_t neap_response_set_header(neap_response *r, const char *name, size_t n, const char *value,
				  size_t value_n);
uint32_t neap_response_add_header(neap_response *r, const char *name, size_t n, const char *value,
				  size_t value_n);
void neap_request_set_reason(neap_request *r, const char *why, size_t n);

enum { NEAP_PATH_MAX = 16384, NEAP_REPLY_HEADERS_MAX = 32768 }; /* bytes */

/* An answer given by a script: start, headers, the body. 0: done; else an enum edits_result. */
void neap_reply_start(neap_request *r, uint32_t status);
/* The same for a header that it might have. */
uint32_t neap_reply_check(const char *name, size_t n, const char *value, size_t value_n);
uint32_t neap_reply_header(neap_request *r, const char *name, size_t n, const char *value,
			   size_t value_n);
uint32_t neap_reply_body(neap_request *r, const char *body, size_t n);
/* The same without a copy: for a body that Lua keeps as long as it lives. */
void neap_reply_kept(neap_request *r, const char *body, size_t n);

/* Dice and digests. */
double neap_random(void);				    /* [0, 1) */
double neap_hash(const char *bytes, size_t n, double seed); /* an integer below 2^32 */
void neap_hmac(const char *key, size_t key_n, const char *bytes, size_t n); /* hexadecimal */
/* 256 bits, hexadecimal, the same for all processes as long as the board lives; 0: no room. */
uint32_t neap_secret(void);

/*
 * Starts lua's task number `task` in a coroutine of its own at the end of this loop turn; it ends
 * after `seconds` at the latest (0: when it wants). guarded: the fuse watches it as it watches a
 * hook. 0: no memory.
 */
uint32_t neap_task_start(double task, double seconds, uint32_t guarded);
void neap_task_cancel(double task);

/*
 * Sets the line of the access log for the request whose log entry runs; text NULL: it gets none. 0:
 * no memory.
 */
uint32_t neap_access_line(const char *text, size_t n);

/* cdef end */

#endif

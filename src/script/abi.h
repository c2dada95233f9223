/*
 * The one contract between C and Lua: both compilers read it. C includes this file; LuaJIT gets the
 * part between the two cdef marks (embedded in the binary as "abi.h"). Lua calls these functions
 * through FFI; none of them ever calls Lua back. ABI_VERSION is compared at load
 * (neap_abi_version).
 */
#ifndef NEAP_SCRIPT_ABI_H
#define NEAP_SCRIPT_ABI_H

#include <stddef.h>
#include <stdint.h>

#include "base/cc.h"

#define ABI_VERSION 7

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
	char *headers; /* whole lines, checked: "Name: value\r\n…" */
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
	uint8_t is_tcp;
	uint8_t ip[16]; /* the client as the trust rule sees it; IPv4 as ::ffff:a.b.c.d */
	uint8_t ip_family;
	uint8_t has_state; /* script: Lua keeps something under this id (ctx, a pool view) */
	uint16_t port;
	const void *head;	/* struct http_head; NULL in tcp mode */
	const char *base;	/* the head's bytes */
	const void *outer_tls;	/* of the client's TLS: struct client_tls; NULL: nothing */
	const void *connection; /* the client's: struct stream; NULL: none */
	void *edits;		/* script: struct edits, header changes; NULL: none */
	char *new_path;		/* script: set_path, owned; NULL: unchanged (with query) */
	uint32_t new_path_n;
	uint32_t tried_n; /* slots this request tried already */
	const int32_t *tried;
	int64_t deadline_ms; /* monotonic; a waiting hook ends then; 0: only its own 5 s */
	/* the decision */
	int32_t slot;	   /* script */
	uint32_t epoch;	   /* script */
	char reason[128];  /* script: zero terminated, printable */
	neap_reply reply;  /* script */
	uint32_t ran;	   /* script: the hooks of this entry that were called, 1 << id */
	void *certificate; /* script: struct certificate, for the handshake; NULL: none */
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
	void *edits; /* struct edits; NULL: none */
} neap_response;

uint32_t neap_abi_version(void);

/*
 * The board, as the agent's Lua publishes it (abi_board.c). Slots and pools are indexes; -1:
 * none. Addresses have the layout of struct board_addr, members that of struct board_member;
 * times are milliseconds of the wall clock.
 */
struct board;

typedef struct neap_addr {
	uint16_t family; /* as the system numbers them: AF_INET, AF_INET6, AF_UNIX */
	uint16_t port;
	uint8_t ip[16];
	uint32_t scope;
} neap_addr;

typedef struct neap_member {
	char name[160], url[256], scheme[8], host[128], base[128], path[108], zone[32], tags[512],
		server_name[128];
	uint16_t port;
	uint8_t addrs, send_proxy;
	neap_addr addr[8];
	uint32_t weight, slots;
	int32_t tier;
} neap_member;

/* What can change about a backend at any moment. */
typedef struct neap_condition {
	uint32_t state;	 /* enum board_state: 0 unknown, 1 up, 2 down, 3 drain, 4 ejected */
	uint32_t marked; /* 1: a request marked it down */
	uint32_t epoch;
	uint32_t reason_n;
	double since_ms, ejected_until_ms;
	char reason[128];
} neap_condition;

/* What `eject` goes by. Requests and failures are sums that wrap around. */
typedef struct neap_outlier {
	uint32_t streak, ejections, requests, failures;
	uint32_t pinned; /* 1: a person gave it its state */
} neap_outlier;

int32_t neap_board_pool(struct board *b, const char *name, size_t n);
int32_t neap_board_publish(struct board *b, int32_t pool, const neap_member *m);
uint32_t neap_board_set_addrs(struct board *b, int32_t slot, const neap_addr *addrs, uint32_t n);
void neap_board_set_members(struct board *b, int32_t pool, const int32_t *slots, uint32_t n);
void neap_board_reclaim(struct board *b);
uint32_t neap_board_version(const struct board *b, int32_t pool);
void neap_board_condition(const struct board *b, int32_t slot, neap_condition *to);
double neap_board_stamp(const struct board *b,
			int32_t slot); /* differs after each change of state */
/* Writes the addresses into to[8]; returns how many there are. */
uint32_t neap_board_addrs(const struct board *b, int32_t slot, neap_addr *to, char host[128]);
int32_t neap_board_find(struct board *b, int32_t pool, const char *name, size_t n);
/* 1: the state changed. */
uint32_t neap_board_checked(struct board *b, int32_t slot, uint32_t up, const char *why, size_t n);
uint32_t neap_board_set_state(struct board *b, int32_t slot, uint32_t to, const char *why,
			      size_t n);
void neap_board_outlier(const struct board *b, int32_t slot, neap_outlier *to);
/* Changes when a backend of the pool has failed as often in a row as `eject` says. */
uint32_t neap_board_outliers(const struct board *b, int32_t pool);
/* Takes it out of service until then, for the ejections-th time lately; 1: the state changed. */
uint32_t neap_board_eject(struct board *b, int32_t slot, double until_ms, uint32_t ejections,
			  const char *why, size_t n);
/* How many backends the tier in use has, and how many of them are up. */
typedef struct neap_share {
	uint32_t up, of;
} neap_share;
void neap_board_share(const struct board *b, int32_t pool, neap_share *to);
void neap_board_set_panics(struct board *b, int32_t pool, uint32_t panics);
/* Failures after connecting (shm/board_suspect.h). */
typedef struct neap_suspicion {
	uint32_t failures;  /* in a row; 0: it is no suspect */
	uint32_t suspected; /* ever; wraps around */
	uint32_t reason_n;
	char reason[128]; /* of the first one in the row */
} neap_suspicion;
void neap_board_suspicion(const struct board *b, int32_t slot, neap_suspicion *to);
/* Changes whenever a backend of the pool becomes suspect. */
uint32_t neap_board_suspected(const struct board *b, int32_t pool);
/* Marks it down, as requests do; 1: the state changed. */
uint32_t neap_board_mark_down(struct board *b, int32_t slot, const char *why, size_t n);
/* A literal IP address; 0: it is none. */
uint32_t neap_addr_of_ip(const char *ip, size_t n, uint16_t port, neap_addr *to);
size_t neap_addr_print(const neap_addr *a, char *to, size_t size); /* "127.0.0.1", "::1" */
uint32_t neap_addr_is_ours(const char *ip, size_t n); /* 1: the address is this machine's */
/* The board's memory of hooks that err, for those of the agent; hook is an enum hook_id. */
uint32_t neap_board_hook_error(struct board *b, uint32_t service,
			       uint32_t hook); /* 1: tripped now */
/* The running task is in that hook of the agent from here on. */
void neap_hook_enter(uint32_t service, uint32_t hook);
/* Before another hook begins: the time so far is the current hook's. */
void neap_hook_stage(void);
/*
 * Where this worker counts a service's calls of: request, backends, pick, log, access_log.format.
 */
uint64_t *neap_hook_calls(uint32_t service, const char *name, size_t n);
uint32_t neap_board_hook_is_tripped(struct board *b, uint32_t service, uint32_t hook);
void neap_board_hook_ok(struct board *b, uint32_t service, uint32_t hook);
double
neap_clock(void); /* monotonic seconds, read now: the loop's time stands still while it works */
double neap_wall_ms(void);
/* How many connections and pings our own lack of files or memory has ended so far. */
uint32_t neap_shortages(void);

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
	uint32_t may_wait;    /* 1: the running hook may wait */
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

/* Dice and digests. */
double neap_random(void);				    /* [0, 1) */
double neap_hash(const char *bytes, size_t n, double seed); /* an integer below 2^32 */
void neap_hmac(const char *key, size_t key_n, const char *bytes, size_t n); /* hexadecimal */
/* 256 bits, hexadecimal, the same for all processes as long as the board lives; 0: no room. */
uint32_t neap_secret(void);

/*
 * Waiting. Each function of the first group begins something for the running coroutine. 1: it must
 * yield now, and has the result when it is resumed; 0: the result is there already. The result is
 * neap_wait_failure() (NULL: fine) and neap_current.out.
 */
uint32_t neap_wait_sleep(double seconds);
uint32_t neap_wait_resolve(const char *name, size_t n, double timeout);
/*
 * The next neap_wait_connect, which must follow at once, speaks TLS. All texts may be empty. 1: fine;
 * 0: not, and out has the reason.
 */
typedef struct neap_tls {
	const char *name, *host; /* the server's own name, if it has one, and its host */
	size_t name_n, host_n, pool_n;
	const char *pool; /* of a check: its settings hold instead of ca to key */
	const char *ca;	  /* PEM, as the two after it; empty: the system's */
	size_t ca_n;
	const char *certificate, *key;
	size_t certificate_n, key_n;
	const char *first; /* sent in the clear before the handshake */
	size_t first_n;
	uint32_t skips_verify, speaks_h2, port; /* speaks_h2 1: HTTP/2 is asked for */
} neap_tls;
uint32_t neap_wait_secure(const neap_tls *tls);
/* host: a name, "unix:/path", or IP addresses with a blank between: the first that stands wins. */
uint32_t neap_wait_connect(const char *host, size_t n, uint32_t port, double timeout);
uint32_t neap_wait_send(uint32_t conn, const char *bytes, size_t n, double timeout);
uint32_t neap_wait_line(uint32_t conn, double timeout);
uint32_t neap_wait_bytes(uint32_t conn, size_t n, double timeout);
uint32_t neap_wait_all(uint32_t conn, double timeout);
uint32_t neap_wait_some(uint32_t conn, size_t max, double timeout); /* what has come */
uint32_t neap_wait_ping(const char *ip, size_t n, double timeout);  /* an ICMP echo */
enum neap_answer_flag {
	NEAP_ANSWER_TO_HEAD = 1,
	NEAP_ANSWER_CUT = 2, /* of a longer body the first body_max bytes are enough */
};
/* flags: enum neap_answer_flag */
uint32_t neap_wait_response(uint32_t conn, uint32_t flags, size_t body_max, double timeout);
const char *neap_wait_failure(void);
uint32_t neap_wait_conn(void);	  /* the connection that neap_wait_connect made */
uint32_t neap_wait_stood(void);	  /* which of its addresses that was, from 0 */
int32_t neap_wait_ttl(void);	  /* seconds, of what neap_wait_resolve found; -1: unknown */
uint32_t neap_wait_missing(void); /* 4, 6: nothing is known of such addresses; else 0 */
uint32_t neap_dns_changes(void);  /* how often resolv.conf was found changed */
uint32_t neap_wait_status(void);  /* of the answer neap_wait_response read */
uint32_t neap_wait_headers(void); /* its header lines, into out */
uint32_t neap_ping_check(void);	  /* 1: this process may ping; else why not, in out */
/* Keeps it, or closes it when it cannot be used again; key: server and terms, hexadecimal. */
void neap_conn_keep(uint32_t conn, const char *key, size_t n);
uint32_t neap_conn_reuse(const char *key, size_t n, uint32_t is_sure); /* kept one; 0: none */
uint32_t neap_conn_speaks_h2(uint32_t conn); /* 1: agreed on in its handshake of TLS (ALPN) */
void neap_conn_close(uint32_t conn);	     /* harmless when it is closed already */

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

/*
 * What the board has counted, for the admin side (abi_stats.c): sums over all workers, as doubles,
 * because Lua has no other numbers that large.
 */
typedef struct neap_times { /* enough for percentiles: see base/histogram.h */
	double sum_us;
	double bucket[42];
} neap_times;

typedef struct neap_backend_counts {
	double inflight, requests, failures, latency_us, h2_connections, h2_streams;
	uint32_t pinned; /* 0: its state is its own; else 1 + the state it was given */
	neap_times first_byte;
} neap_backend_counts;

typedef struct neap_service_counts {
	double requests, answers[7], bytes, connections, retries, aborted, broken;
	double refused[14], failed[6]; /* by enum board_refusal; attempts by enum neap_kind */
	double calls[6], hook_ns[6];   /* by entry, see shm/stats.h */
	double grpc[18];	       /* calls by enum grpc_status; the last: without one */
	double h2_abuse[9];	       /* connections that were ended, by enum h2_abuse_kind */
	double handshakes[3];	       /* by enum board_handshake */
	double handshake_failures[17], tls_errors[17]; /* by enum tls_reason */
	neap_times total;
} neap_service_counts;

typedef struct neap_worker_counts {
	double requests, bad_requests, hook_errors, lua_bytes, lag_us, starts, connections, light;
	int32_t pid; /* 0: nobody */
	uint32_t generation;
} neap_worker_counts;

typedef struct neap_hook_counts {
	double errors, killed, calls, ns;
	uint32_t tripped; /* 1: it is left out now */
} neap_hook_counts;

typedef struct neap_life_story {
	double generation, started_ms, serving_ms, reloads, failures, reload_ms;
	uint32_t is_failed; /* 1: the last reload failed */
	char error[1024];   /* why */
} neap_life_story;

void neap_life(neap_life_story *to);
void neap_count_backend(int32_t slot, neap_backend_counts *to);
typedef struct neap_pool_counts { /* its queue and its retry budget */
	double waiting, queued, timed_out, left, waited_us, refused;
	double budget_spent, budget_refused;
} neap_pool_counts;

void neap_count_pool(int32_t pool, neap_pool_counts *to);
/*
 * The shadow policy of a pool. picks, of a backend: the requests that went there, and that would
 * have.
 */
typedef struct neap_shadow_counts {
	double asked, agreed, none, errors, ns;
} neap_shadow_counts;
void neap_count_shadow(int32_t pool, neap_shadow_counts *to);
void neap_count_shadow_picks(int32_t slot, double picks[2]);
/* A certificate that a service shows; not_after: seconds since 1970. */
typedef struct neap_certificate {
	int64_t not_after;
	uint32_t service; /* its number in the config, from 0 */
	char name[128], file[256];
} neap_certificate;
uint32_t neap_certificate_at(uint32_t i, neap_certificate *to); /* 0: there are not so many */
/* All these backends together. */
void neap_count_times(const int32_t *slots, uint32_t n, neap_times *to);
void neap_count_service(const char *name, size_t n, neap_service_counts *to);
uint32_t neap_count_worker(uint32_t worker,
			   neap_worker_counts *to); /* 0: the slot was never used */
void neap_count_hook(uint32_t service, uint32_t hook, neap_hook_counts *to);
double neap_bucket_bound(uint32_t bucket); /* seconds; 0: none */
/* The i-th counter of policies; 0: not in use. Its value as a counter and as a gauge. */
uint32_t neap_count_named(uint32_t i, char name[128], double value[2]);
/*
 * Stories of requests (JSON) on a shelf; failed 1: on that of failures. neap_stories: how many were
 * ever put there. neap_story: one of the last 512 by its number, from 0, into TO (4096 bytes);
 * returns its length, 0: it is gone, or being written.
 */
double neap_stories(uint32_t failed);
uint32_t neap_story(uint32_t failed, double number, char *to);
/* The time that this takes depends on the length of the first text only. */
uint32_t neap_is_same_secret(const char *a, size_t a_n, const char *b, size_t b_n);
/*
 * Recording (abi_record.c): traffic from now on, as lines, until the time is over or there are so
 * many requests. `redact`: ",cookie,authorization,".
 */
typedef struct neap_recording {
	double begun;	  /* requests so far, with those under way and those lost */
	double lost;	  /* of them, because there was no room */
	uint32_t is_on;	  /* 1: one is under way */
	uint32_t is_over; /* 1: no further request is recorded */
} neap_recording;
uint32_t neap_recording_start(uint32_t ms, uint32_t requests, const char *redact, size_t n);
void neap_recording_look(neap_recording *to);
double neap_recording_take(char *to, double room); /* whole lines; bytes */
void neap_recording_stop(void);
/* Pins a state: nothing else changes it. pin 0 (auto): lets go, and the state is unknown. */
uint32_t neap_board_pin(struct board *b, int32_t slot, uint32_t pin, const char *why, size_t n);

/*
 * Certificates from a CA (abi_acme.c), for the agent. 1: done, and out has the answer; 0: out says
 * why not. Keys are PEM, on P-256.
 */
enum { NEAP_ACME_ABSENT = 2 }; /* there is no such file */
uint32_t neap_acme_base64url(const char *bytes, size_t n);
uint32_t neap_acme_bytes(const char *text, size_t n);	/* of base64url */
uint32_t neap_acme_digest(const char *bytes, size_t n); /* SHA-256, base64url */
uint32_t neap_acme_mac(const char *secret, size_t secret_n, const char *bytes, size_t n);
uint32_t neap_acme_key(void); /* a new one */
uint32_t neap_acme_jwk(const char *pem, size_t pem_n);
uint32_t neap_acme_sign(const char *pem, size_t pem_n, const char *bytes, size_t n);   /* ES256 */
uint32_t neap_acme_request(const char *pem, size_t pem_n, const char *name, size_t n); /* DER */
/* Certificate and key of tls-alpn-01, for a key authorization. */
uint32_t neap_acme_proof(const char *name, size_t name_n, const char *bytes, size_t n);
/* Chain and key: do they go together, and with the name? dates: from, until, seconds since 1970. */
uint32_t neap_acme_leaf(const char *pem, size_t pem_n, const char *name, size_t n, double dates[2]);
/* Whom the CA of the service is verified by: the file that tls.acme.ca names. */
uint32_t neap_acme_trust(uint32_t service);
uint32_t neap_acme_publish(const char *text, size_t n); /* for workers: shm/board_acme.h */
/* Files of the storage. */
uint32_t neap_acme_load(const char *path, size_t n);
uint32_t neap_acme_store(const char *path, size_t path_n, const char *bytes, size_t n);
uint32_t neap_acme_folder(const char *path, size_t n);

/* cdef end */

#endif

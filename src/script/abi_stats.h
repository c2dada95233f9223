/*
 * The contract between C and Lua (abi.h): what the admin side shows.
 */
#ifndef NEAP_SCRIPT_ABI_STATS_H
#define NEAP_SCRIPT_ABI_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "script/abi_board.h"

/* cdef begin */

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
	double answers[4]; /* 2xx to 5xx */
	uint32_t pinned;   /* 0: its state is its own; else 1 + the state it was given */
	neap_times first_byte;
} neap_backend_counts;

typedef struct neap_service_counts {
	double requests, answers[7], bytes, connections, retries, aborted, broken;
	double refused[14], failed[6]; /* by enum board_refusal; attempts by enum neap_kind */
	double calls[8], hook_ns[8];   /* by entry, see shm/stats.h */
	double dropped[12];	       /* datagrams by enum board_drop */
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
typedef struct neap_pool_counts { /* its queue, its retry budget and that of its hedges */
	double waiting, queued, timed_out, left, waited_us, refused;
	double budget_spent, budget_refused, hedges_spent, hedges_refused;
} neap_pool_counts;

void neap_count_pool(int32_t pool, neap_pool_counts *to);
/* Requests that were sent twice, in the order of enum board_twice_count. */
void neap_count_twice(int32_t pool, double to[]);
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
/* A text as stories write it, with its quotes, into out. 0: none can have it, it is too long. */
uint32_t neap_story_text(const char *text, size_t n);
/* The time that this takes depends on the length of the first text only. */
uint32_t neap_is_same_secret(const char *a, size_t a_n, const char *b, size_t b_n);
/* cdef end */

#endif

/*
 * The contract between C and Lua (abi.h): the stores of neap.shared.
 */
#ifndef NEAP_SCRIPT_ABI_STORE_H
#define NEAP_SCRIPT_ABI_STORE_H

#include <stddef.h>
#include <stdint.h>

/* cdef begin */

/*
 * Stores (abi_store.c) by their number in the config, from 0. Times to live are seconds, 0: for ever.
 * What returns a result returns an enum store_result (shm/store_place.h); numbers that go with it
 * stand here, texts in neap_current.out.
 */
typedef struct neap_store_answer {
	double number;
	double ahead_us; /* of neap_store_take */
	uint32_t result; /* of neap_store_get */
} neap_store_answer;
const neap_store_answer *neap_store_answers(void);

/* An enum store_kind (shm/row_store.h): what the value is; STORE_NOTHING: none, or a failure. */
uint32_t neap_store_get(uint32_t store, const char *key, size_t n);
/* when: an enum store_when (shm/store_entry.h); kind: STORE_TRUE or STORE_FALSE. */
uint32_t neap_store_set_number(uint32_t store, const char *key, size_t n, double value, double ttl,
			       uint32_t when);
uint32_t neap_store_set_flag(uint32_t store, const char *key, size_t n, uint32_t kind, double ttl,
			     uint32_t when);
uint32_t neap_store_set_text(uint32_t store, const char *key, size_t n, const char *value,
			     size_t value_n, double ttl, uint32_t when);
/* initial: only if has_initial is 1. number: the sum. */
uint32_t neap_store_increment(uint32_t store, const char *key, size_t n, double by,
			      uint32_t has_initial, double initial, double ttl);
uint32_t neap_store_delete(uint32_t store, const char *key, size_t n);
uint32_t neap_store_ttl(uint32_t store, const char *key, size_t n); /* number: seconds */
void neap_store_flush(uint32_t store);
/* number: the sum within the last so many seconds (shm/store_rate.h). */
uint32_t neap_store_count(uint32_t store, const char *key, size_t n, double by, double seconds);
/* number: microseconds to wait, 0: taken. */
uint32_t neap_store_take(uint32_t store, const char *key, size_t n, double cost, double interval_us,
			 double tolerance_us);
/* Begins a list of the keys; then each call gives one. 0: there are no more. */
void neap_store_list(uint32_t store);
uint32_t neap_store_listed(void);

typedef struct neap_store_counts {
	double bytes, used, entries, evicted, expired, hits, misses;
} neap_store_counts;
/* 0: there are not so many. Its name is in neap_current.out. */
uint32_t neap_count_store(uint32_t store, neap_store_counts *to);

/* cdef end */

#endif

/*
 * Stores: what they do, and that a process that dies at any instruction leaves them whole.
 */
#ifndef NEAP_TESTS_STORE_TEST_H
#define NEAP_TESTS_STORE_TEST_H

#include "shm/store_all.h"
#include "shm/store_entry.h"
#include "shm/store_hold.h"
#include "shm/store_rate.h"

/* A private store; the program ends if there is none. */
struct store *store_test_new(uint64_t bytes);

enum store_result store_test_text(struct store *s, const char *key, const char *value);

/* In a child of the process that opened it: the same, as if the child had. */
struct store *store_test_child(struct store *s);

/* Is that what the key has? */
bool store_test_has(struct store *s, const char *key, const char *value);

/*
 * Is every shard whole: each item in its bucket and found there, each cell either an item's or free,
 * and the counts right? Takes each lock, so what a dead holder left is mended first.
 */
bool store_test_is_whole(struct store *s);

void store_test_kills(void);
void store_test_steps(void);
void store_test_rates(void);
void store_test_leases(void);
void store_test_holds(void);

#endif

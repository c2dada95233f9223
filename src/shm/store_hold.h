/*
 * How many are somewhere at once, under a key: who enters is counted until it leaves, or its process
 * ends, however it does (store_tenant.h). Atomic over all processes.
 *
 * The item has a word for each process that has somebody in there, and is gone when nobody is. It is
 * not pushed out while a process that lives holds it.
 */
#ifndef NEAP_SHM_STORE_HOLD_H
#define NEAP_SHM_STORE_HOLD_H

#include "shm/store_place.h"

/*
 * STORE_OK: it is in, and *inside is how many are, itself included. STORE_REACHED: there were
 * `limit` already. Also STORE_FULL when no more processes can hold anything.
 */
enum store_result store_enter(struct store *s, struct str key, uint32_t limit, uint32_t *inside);

/* One that this process let in leaves. STORE_NOT_FOUND: there is none. */
enum store_result store_leave(const struct store *s, struct str key);

/* How many are in there now. */
enum store_result store_inside(const struct store *s, struct str key, uint32_t *inside);

#endif

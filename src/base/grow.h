/*
 * Lists that grow by doubling.
 */
#ifndef NEAP_BASE_GROW_H
#define NEAP_BASE_GROW_H

#include <stddef.h>
#include <stdint.h>

enum { GROW_FIRST = 8 };

/*
 * The list with room for one more after its `used` items of item_bytes each: list itself, or where it
 * was moved to, with *room as it is now. NULL: no memory; then all is as it was. To be freed by the
 * caller. An empty one is NULL with a room of 0.
 */
void *grow(void *list, uint32_t used, uint32_t *room, size_t item_bytes);

#endif

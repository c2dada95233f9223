#include "base/grow.h"

#include <stdlib.h>

void *grow(void *list, uint32_t used, uint32_t *room, size_t item_bytes)
{
	if (used < *room)
		return list;
	if (*room > UINT32_MAX / 2)
		return NULL;
	uint32_t more = *room == 0 ? GROW_FIRST : *room * 2;
	void *moved = reallocarray(list, more, item_bytes);
	if (moved != NULL)
		*room = more;
	return moved;
}

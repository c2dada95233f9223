#include "shm/board_twice.h"

#include "shm/board.h"
#include "shm/board_worker.h"

void board_twice_add(struct board *b, unsigned worker, int pool, enum board_twice_count what)
{
	if (pool >= 0)
		stat_add(&b->twice[worker][pool].n[what], 1);
}

uint64_t board_twice_total(const struct board *b, int pool, enum board_twice_count what)
{
	uint64_t sum = stat_get(&b->twice[BOARD_EARLIER][pool].n[what]);
	for (uint32_t i = 0; i < board_workers(b); i++)
		sum += stat_get(&b->twice[i][pool].n[what]);
	return sum;
}

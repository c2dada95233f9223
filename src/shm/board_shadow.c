#include "shm/board_shadow.h"

#include "shm/board.h"
#include "shm/board_worker.h"

void board_shadow_totals(const struct board *b, int pool, struct board_shadow_sum *to)
{
	*to = (struct board_shadow_sum){ 0 };
	for (uint32_t i = 0; i < board_workers(b); i++) {
		const struct board_shadow *cell = &b->shadows[i][pool];
		to->asked += stat_get(&cell->asked);
		to->agreed += stat_get(&cell->agreed);
		to->none += stat_get(&cell->none);
		to->errors += stat_get(&cell->errors);
		to->ns += stat_get(&cell->ns);
	}
}

void board_shadow_picked(const struct board *b, int slot, uint64_t *real, uint64_t *shadow)
{
	*real = *shadow = 0;
	for (uint32_t i = 0; i < board_workers(b); i++) {
		*real += stat_get(&b->shadow_picks[i][slot].real);
		*shadow += stat_get(&b->shadow_picks[i][slot].shadow);
	}
}

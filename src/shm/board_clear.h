/*
 * What a worker that ended leaves on the board, and the end of it.
 */
#ifndef NEAP_SHM_BOARD_CLEAR_H
#define NEAP_SHM_BOARD_CLEAR_H

struct board;

/*
 * Ends what that worker had under way: in flight, waiting, connections, hook, pid. Its totals stay.
 * The caller then wakes the workers that wait for its slots.
 */
void board_worker_clear(struct board *b, unsigned worker);

#endif

/*
 * What a process of a generation died of, as far as a policy is to blame. If a signal killed it
 * inside a hook (a crash, or the kernel lacked memory), it costs that hook what an error costs.
 */
#ifndef NEAP_FLEET_AUTOPSY_H
#define NEAP_FLEET_AUTOPSY_H

#include "fleet/ward.h"
#include "shm/row_worker.h"

struct board;

/* Called before the process's row of the board is cleared. status: from waitpid. */
void autopsy(struct board *b, const struct board_worker *row, struct ward *w, int status);

#endif

/*
 * The demo's live table, read from the board on the master's loop. On a terminal it is drawn over
 * itself, else it is one line per second.
 */
#ifndef NEAP_APP_DEMO_TABLE_H
#define NEAP_APP_DEMO_TABLE_H

#include <stdbool.h>
#include <sys/types.h>

#include "net/loop.h"

struct board;

enum { DEMO_TOYS = 4 };

struct demo_table {
	/* set by the owner */
	bool is_terminal;
	int log_fd;	       /* whose last lines stand below the table; -1: none */
	pid_t pids[DEMO_TOYS]; /* 0: that backend's process ended */

	const struct board *board;
	struct loop *loop;
	ev_timer timer;
	unsigned drawn; /* lines to go up before drawing again */
};

/* From here on it is drawn, from this board. A second call changes the board. */
void demo_table_start(struct demo_table *t, struct loop *loop, const struct board *board);
void demo_table_stop(struct demo_table *t); /* harmless when it was never started */

#endif

/*
 * Memory for what services, pools and backends did lately. What is in a row is the agent's matter
 * (script/abi_history.h, lua/neap/agent/history.lua), and no other process looks at it. It is here
 * so that it outlives the agent, and is carried over to the next board with the counts that it
 * goes on from (board_history.h).
 */
#ifndef NEAP_SHM_ROW_HISTORY_H
#define NEAP_SHM_ROW_HISTORY_H

#include <stdatomic.h>
#include <stdint.h>

enum {
	HISTORY_LONG = 512,  /* of services and pools, a day */
	HISTORY_SHORT = 512, /* of backends, some minutes */
	HISTORY_LONG_BYTES = 90 * 1024,
	HISTORY_SHORT_BYTES = 28 * 1024,
};

struct board_history {
	_Atomic uint32_t long_n, short_n; /* rows that are in use, from the first on */
	_Alignas(64) char long_rows[HISTORY_LONG][HISTORY_LONG_BYTES];
	char short_rows[HISTORY_SHORT][HISTORY_SHORT_BYTES];
};

#endif

/*
 * The keys of TLS session tickets, which all workers share.
 */
#ifndef NEAP_SHM_ROW_TICKETS_H
#define NEAP_SHM_ROW_TICKETS_H

#include <stdatomic.h>
#include <stdint.h>

enum { BOARD_TICKET_KEY_WORDS = 10, BOARD_TICKET_KEYS = 4 };

/* The key of period p is in keys[p % BOARD_TICKET_KEYS]. */
struct board_tickets {
	_Atomic uint64_t newest;  /* the period of the newest key; 0: there is none yet */
	_Atomic uint64_t claimed; /* whoever raised this to a period makes its key */
	struct {
		_Atomic uint64_t period; /* 0: none */
		_Atomic uint64_t words[BOARD_TICKET_KEY_WORDS];
	} keys[BOARD_TICKET_KEYS];
};

#endif

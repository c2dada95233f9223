/*
 * What workers need of certificates that the agent gets from a CA: entries as one text, in two
 * copies. Changed by board_acme.c.
 */
#ifndef NEAP_SHM_ROW_ACME_H
#define NEAP_SHM_ROW_ACME_H

#include <stdatomic.h>
#include <stdint.h>

enum {
	BOARD_ACME_BYTES = 4 * 1024 * 1024, /* all entries together */
	BOARD_ACME_WORDS = BOARD_ACME_BYTES / 8,
};

struct board_acme {
	_Atomic uint32_t version;  /* its lowest bit: the current copy; 0: nothing yet */
	_Atomic uint32_t bytes[2]; /* how long each copy is */
	_Atomic uint64_t text[2][BOARD_ACME_WORDS];
};

#endif

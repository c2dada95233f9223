/*
 * The keys of TLS session tickets. Each is of one hour; three older ones still open what they
 * closed. Any worker makes the next one. They are handed on from board to board, so a session
 * outlives a reload and another binary.
 */
#ifndef NEAP_SHM_BOARD_TICKETS_H
#define NEAP_SHM_BOARD_TICKETS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct board;

enum { BOARD_TICKET_KEY_BYTES = 80, BOARD_TICKET_NAME_BYTES = 16, BOARD_TICKET_SECONDS = 3600 };

/* Makes the first key unless there is one; false: the system gives no random bytes. */
bool board_tickets_begin(struct board *b, int64_t now_s);

/* The key to encrypt with at this time, seconds of the wall clock; false: there is none. */
bool board_tickets_newest(struct board *b, int64_t now_s, uint8_t key[BOARD_TICKET_KEY_BYTES]);

/* The key that begins with this name; false: no key that is still kept. */
bool board_tickets_find(const struct board *b, const uint8_t name[BOARD_TICKET_NAME_BYTES],
			uint8_t key[BOARD_TICKET_KEY_BYTES]);

/* In the master, before b serves: b has the keys of from; without any there it keeps its own. */
void board_tickets_take(struct board *b, const struct board *from);

/* For shm/state.c: after what else it writes, so that an older binary reads no further. */
void board_tickets_write(const struct board *b, FILE *to);
void board_tickets_read(struct board *b, FILE *from);

#endif

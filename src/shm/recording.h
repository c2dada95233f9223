/*
 * A recording of live traffic on its way to the client that asked for it (`neap record`). The agent
 * begins it and takes what there is; each worker writes lines into a ring of its own while one is
 * under way. One writer, one reader: a line that a worker did not finish is never seen. A full ring
 * loses lines, and counts them.
 */
#ifndef NEAP_SHM_RECORDING_H
#define NEAP_SHM_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "shm/row_recording.h"

struct board;

/* --- the agent --- */

/* False: one is under way, or `redact` is too long. */
bool recording_start(struct board *b, int64_t now_ms, uint32_t ms, uint32_t requests,
		     struct str redact, const uint8_t key[RECORDING_KEY_BYTES]);

/* Whole lines into TO, as many as there is room for; how many bytes. */
size_t recording_take(struct board *b, char *to, size_t room);

/* Ends it: lines that were not taken are dropped, and the memory is given back. */
void recording_stop(struct board *b);

/* No further request begins: its time is over, or it has as many as were wanted. */
bool recording_is_over(const struct board *b, int64_t now_ms);

/* How many requests were to be recorded so far, with those under way and those lost. */
uint64_t recording_begun(const struct board *b);

/* --- workers --- */

/* Is this request one to be recorded? The recording's number; 0: no. */
uint32_t recording_begin(struct board *b, int64_t now_ms);

/* A whole line, with its end. False: there is no room, or the recording is over. */
bool recording_add(struct board *b, unsigned worker, uint32_t number, struct str line);

/* A request could not be recorded, for want of room. */
void recording_lost(struct board *b);

#endif

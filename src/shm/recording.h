/*
 * A recording of live traffic on its way to who asked for it (`neap record`). The agent begins it
 * and takes what there is; each worker writes lines into a ring of its own while one is under way.
 * One writer, one reader: what a worker did not finish is never seen. A full ring loses lines, and
 * counts them. Part of the board.
 */
#ifndef NEAP_SHM_RECORDING_H
#define NEAP_SHM_RECORDING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum {
	RECORDING_BYTES = 2 * 1024 * 1024, /* a worker's lines that wait to be taken */
	RECORDING_REDACT_MAX = 2048,
	RECORDING_KEY_BYTES = 32,
	RECORDING_GRACE_MS = 60000, /* after its time: nobody came to end it */
};

struct recording_ring {
	_Alignas(64) _Atomic uint64_t written; /* bytes, from the start on: the worker's */
	_Alignas(64) _Atomic uint64_t taken;   /* the agent's */
	char bytes[RECORDING_BYTES];
};

/* What workers read of it is written before `number`. */
struct recording {
	_Atomic uint32_t number;  /* from 1; 0: nothing is recorded */
	_Atomic int64_t until_ms; /* monotonic */
	_Atomic int64_t left;	  /* requests that may still begin; may go below 0 */
	_Atomic uint64_t lost;	  /* requests left out, for want of room */
	int64_t wanted;		  /* `left` at the beginning: the agent's */
	uint32_t last;		  /* number of the last one: the agent's */
	uint8_t key[RECORDING_KEY_BYTES];
	char redact[RECORDING_REDACT_MAX]; /* ",cookie,authorization,": in lower case */
};

struct board;

/* --- the agent --- */

/* False: one is under way, or `redact` is too long. */
bool recording_start(struct board *b, int64_t now_ms, uint32_t ms, uint32_t requests,
		     struct str redact, const uint8_t key[RECORDING_KEY_BYTES]);

/* Whole lines into TO, as many as there is room for; how many bytes. */
size_t recording_take(struct board *b, char *to, size_t room);

/* Whatever is still there goes, and its memory. */
void recording_stop(struct board *b);

/* No further request begins: its time is over, or it has as many as were wanted. */
bool recording_is_over(const struct board *b, int64_t now_ms);

/* Requests that were to be recorded so far: those under way and those lost, too. */
uint64_t recording_begun(const struct board *b);

/* --- workers --- */

/* Is this request one to be recorded? The recording's number; 0: no. */
uint32_t recording_begin(struct board *b, int64_t now_ms);

/* A whole line, with its end. False: there is no room, or the recording is over. */
bool recording_add(struct board *b, unsigned worker, uint32_t number, struct str line);

void recording_lost(struct board *b);

#endif

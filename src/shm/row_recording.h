/*
 * A recording of live traffic: what is wanted, and a ring of lines for each worker. Changed by
 * recording.c.
 */
#ifndef NEAP_SHM_ROW_RECORDING_H
#define NEAP_SHM_ROW_RECORDING_H

#include <stdatomic.h>
#include <stdint.h>

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

#endif

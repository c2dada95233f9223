/*
 * The contract between C and Lua (abi.h): recording, for the admin side.
 */
#ifndef NEAP_SCRIPT_ABI_RECORD_H
#define NEAP_SCRIPT_ABI_RECORD_H

#include <stddef.h>
#include <stdint.h>

/* cdef begin */

/*
 * Traffic from now on, as lines, until the time is over or there are so
 * many requests. `redact`: ",cookie,authorization,".
 */
typedef struct neap_recording {
	double begun;	  /* requests so far, with those under way and those lost */
	double lost;	  /* of them, because there was no room */
	uint32_t is_on;	  /* 1: one is under way */
	uint32_t is_over; /* 1: no further request is recorded */
} neap_recording;
uint32_t neap_recording_start(uint32_t ms, uint32_t requests, const char *redact, size_t n);
void neap_recording_look(neap_recording *to);
double neap_recording_take(char *to, double room); /* whole lines; bytes */
void neap_recording_stop(void);

/* cdef end */

#endif

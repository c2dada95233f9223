/*
 * The contract between C and Lua (abi.h): limits, deadlines and retries of one request.
 */
#ifndef NEAP_SCRIPT_ABI_ROUTE_H
#define NEAP_SCRIPT_ABI_ROUTE_H

#include <stdint.h>

#include "script/abi.h"

/* cdef begin */

enum neap_route_key {
	NEAP_ROUTE_BODY_BYTES,
	NEAP_ROUTE_CONNECT,
	NEAP_ROUTE_RESPONSE,
	NEAP_ROUTE_ATTEMPT,
	NEAP_ROUTE_STREAM_IDLE,
	NEAP_ROUTE_REQUEST,
	NEAP_ROUTE_ATTEMPTS,
	NEAP_ROUTE_UNSAFE,
	NEAP_ROUTE_STATUS, /* its value is in `status` */
	NEAP_ROUTE_KEYS
};

/* What hooks set for one request, in place of its service's and pool's settings. */
typedef struct neap_route {
	uint32_t set;			 /* 1 << enum neap_route_key: these values hold */
	int64_t values[NEAP_ROUTE_KEYS]; /* bytes, ms, numbers; 0: no limit */
	uint8_t status[75];		 /* bit (s - 100): status s counts as a failure */
} neap_route;

/* 0: nothing can be set, for nothing is sent (a shadow). */
uint32_t neap_route_is_known(const neap_request *r);
/* Of the request, made with the first call and valid until the request's end. NULL: no memory. */
neap_route *neap_route_of(neap_request *r);
/* It was changed: from now on its deadline holds. */
void neap_route_settle(neap_request *r);

/* cdef end */

#endif

/*
 * How hooks get at the body of a request, or at that of its answer: functions of whoever has it
 * (exchange), by which the contract's part for bodies (abi_body.c) asks. Each has a door of its own.
 */
#ifndef NEAP_SCRIPT_BODY_DOOR_H
#define NEAP_SCRIPT_BODY_DOOR_H

#include <sys/uio.h>

#include "script/abi_body.h"

struct body_door {
	/* How it stands. NEAP_BODY_WAITS: not yet; `gather` begins to wait, hook_body_came follows. */
	enum neap_body_state (*look)(struct neap_request *r, uint32_t max);
	void (*gather)(struct neap_request *r, uint32_t max);

	/* The most that a hook may ask for. */
	uint32_t (*most)(const struct neap_request *r);

	/* Once it is whole: its bytes as they came, in pieces of iov[2], of which there are as many as
	 * is returned. */
	int (*pieces)(const struct neap_request *r, struct iovec iov[2], bool *is_coded);

	/* Others take its place; it must be whole. Copies them. */
	enum neap_body_set (*set)(struct neap_request *r, const char *bytes, uint32_t n);

	/* Its hooks changed r->route. Of a request. */
	void (*settle)(struct neap_request *r);
};

#endif

/*
 * Where a process is in Lua: a service's number and a hook's in one word. It stands on the board
 * (board_worker.hook), so that the master knows it of a process that hangs or has died.
 */
#ifndef NEAP_SCRIPT_PLACE_H
#define NEAP_SCRIPT_PLACE_H

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

enum { PLACE_NO_HOOK = 0xff };

static inline uint32_t place_of(uint32_t service, uint32_t hook)
{
	return service << 8 | hook;
}

/* An enum hook_id, or what is none. */
static inline uint32_t place_hook(uint32_t place)
{
	return place & 0xff;
}

static inline uint32_t place_service(uint32_t place)
{
	return place >> 8;
}

/* The service's name; "?": there is none of that number, or no config (NULL). */
const char *place_service_name(uint32_t service, const struct conf *conf);

/* "hook pick of service web", for the log. */
void place_name(uint32_t place, const struct conf *conf, char *to, size_t size);

#endif

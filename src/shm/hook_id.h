/*
 * The hooks by number, as the board counts them, and their words. Those who only read the board
 * (the master, which runs no Lua) need no more of a hook than this.
 */
#ifndef NEAP_SHM_HOOK_ID_H
#define NEAP_SHM_HOOK_ID_H

#include <stdint.h>

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
enum hook_id {
	HOOK_REQUEST,
	HOOK_BACKENDS,
	HOOK_PICK,
	HOOK_FAILED,
	HOOK_RESPONSE,
	HOOK_LOG,
	HOOK_CHECK,
	HOOK_DISCOVER,
	HOOK_CHANGED,
	HOOK_SHADOW, /* pick of a policy whose answer is only compared */
	HOOK_LINE,   /* the config's function for the access log */
	HOOK_CERTIFICATE,
	HOOK_CONNECTION,
	HOOK_START,
	HOOK_EVERY,
	HOOK_ERROR,
	HOOK_KEY,
	HOOKS
};
/* cdef end */

/* "pick", as a policy writes it; "?": there is none of that number. */
const char *hook_word(uint32_t id);

#endif

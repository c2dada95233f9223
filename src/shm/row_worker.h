/*
 * The row of a worker, and of the agent: a sign of life, and what it counts.
 */
#ifndef NEAP_SHM_ROW_WORKER_H
#define NEAP_SHM_ROW_WORKER_H

#include <stdatomic.h>
#include <stdint.h>

struct board_worker {
	_Alignas(64) _Atomic int32_t pid; /* 0: nobody */
	_Atomic uint32_t generation;
	_Atomic uint64_t beat; /* grows with each thing the loop does (at least twice per second) */
	/* grows by one when Lua is entered for a hook or a task, and at the end: odd inside */
	_Atomic uint64_t entry;
	_Atomic uint32_t hook;	      /* service << 8 | hook id, while inside one */
	_Atomic uint32_t connections; /* client connections open */
	_Atomic uint32_t light_tls;   /* TLS connections without OpenSSL's object */
	_Atomic uint64_t requests, bad_requests, hook_errors;
	_Atomic uint64_t lua_bytes; /* memory of its Lua state */
	_Atomic uint64_t lag_us;    /* how late its loop was lately, at worst; fades */
	_Atomic uint64_t starts;    /* processes that had this slot so far */
};

#endif

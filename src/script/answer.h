/*
 * Requests to the admin side, answered by lua/neap/admin. In the agent only, outside of hooks.
 */
#ifndef NEAP_SCRIPT_ANSWER_H
#define NEAP_SCRIPT_ANSWER_H

#include "http/msg.h"
#include "lua/vm.h"
#include "net/addr.h"

struct vm_question {
	const struct http_head *head; /* of a request, parsed */
	const char *base;
	struct str body;
	const struct peer *peer;
	bool is_draining;
	bool has_waited; /* after VM_ANSWER_LATER */
};

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
enum {
	VM_ANSWER_HEADERS_MAX = 2048,
	/* Instead of a status: */
	VM_ANSWER_RELOAD = 0, /* when the config has been loaded again */
	VM_ANSWER_LATER = 1,  /* ask again in a while: too many guess a token */
};
/* cdef end */

struct vm_answer {
	uint16_t status;
	char headers[VM_ANSWER_HEADERS_MAX]; /* whole lines */
	size_t headers_n;
	char *body; /* the caller frees it */
	size_t body_n;
};

/* On failure (an error in our Lua, no memory) there is nothing to free. */
enum err vm_answer(struct vm *vm, const struct vm_question *q, struct vm_answer *a,
		   struct error *e);

#endif

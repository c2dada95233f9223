/*
 * The policy that keeps most of Lua's memory when that is full. It gets no more, so that the others
 * can go on. One a process; hears from the collector (lua/gc.h).
 */
#ifndef NEAP_SCRIPT_HOARDER_H
#define NEAP_SCRIPT_HOARDER_H

#include "base/log.h"
#include "lua/vm.h"

enum { HOARDER_NONE = -1 };

struct hoarder {
	struct vm *vm;
	const struct conf *conf;       /* NULL: not loaded yet */
	const volatile uint32_t *hook; /* where Lua is: see script/place.h */
	int service;		       /* whose policy it is, or HOARDER_NONE */

	/* It is looked for outside of hooks, at most once a second. */
	struct deferred look;
	struct log_limit looks;
	struct log_limit full; /* warnings that memory is full */
};

/* Asks the vm's collector to tell it. `hook` is borrowed. */
void hoarder_init(struct hoarder *h, struct vm *vm, const volatile uint32_t *hook);
void hoarder_fini(struct hoarder *h);

#endif

/*
 * The admin side's server: a small HTTP/1.1 server in the agent, with the parser of the data side.
 * Whatever a client can hold is bounded: connections, head, body, time, unread answers. Lua makes
 * the answers (lua/neap/admin, by way of script/answer.h).
 */
#ifndef NEAP_ADMIN_ADMIN_H
#define NEAP_ADMIN_ADMIN_H

#include "lua/vm.h"
#include "net/timer.h"

struct admin;

struct admin_options { /* what it points to outlives the admin side */
	struct loop *loop;
	struct timers *timers;
	struct vm *vm;
	int listen_fd; /* owned once admin_create succeeds */
	/* Asks for another generation; admin_tell_reload tells the outcome. false: nobody hears. */
	bool (*ask_reload)(void *ctx);
	void *ctx;
};

enum err admin_create(struct admin **a, const struct admin_options *o, struct error *e);

/* The outcome of ask_reload. The text is the new generation's number, or why there is none. */
void admin_tell_reload(struct admin *a, bool is_ok, const char *text);

/* From now on /healthz says that this neap ends. */
void admin_set_draining(struct admin *a);

/* Are there connections? */
bool admin_is_busy(const struct admin *a);

/* Another agent serves: accepts no more, closes idle connections, answers what was asked. */
void admin_retire(struct admin *a);

/* Closes everything at once. */
void admin_destroy(struct admin *a);

#endif

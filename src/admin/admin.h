/*
 * The admin side's server: a small HTTP/1.1 server in the agent, with the parser of the data side.
 * Everything a client can hold is bounded: connections, head, body, time, unread answers. What is
 * asked is answered by lua/neap/admin (script/answer.h).
 */
#ifndef NEAP_ADMIN_ADMIN_H
#define NEAP_ADMIN_ADMIN_H

#include "net/timer.h"
#include "script/vm.h"

struct admin;

struct admin_options { /* all of it outlives the admin side */
	struct loop *loop;
	struct timers *timers;
	struct vm *vm;
	int fd; /* listens; owned once admin_create succeeds */
	/* Another generation, please: admin_tell_reload says what came of it. false: nobody hears. */
	bool (*ask_reload)(void *ctx);
	void *ctx;
};

enum err admin_create(struct admin **a, const struct admin_options *o, struct error *e);

/* The answer to ask_reload; text: the new generation's number, or why there is none. */
void admin_tell_reload(struct admin *a, bool is_ok, const char *text);

/* From now on /healthz says that it ends. */
void admin_set_draining(struct admin *a);

bool admin_is_busy(const struct admin *a); /* there are connections */

/* Another agent serves: accepts no more, ends idle connections, answers what was asked. */
void admin_retire(struct admin *a);

/* Closes everything at once. */
void admin_destroy(struct admin *a);

#endif

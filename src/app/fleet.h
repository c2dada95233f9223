/*
 * All generations of a master: the one that serves, the next one while it starts beside it, those
 * that drain. Decides when a generation begins, takes over, is given up. On the master's loop.
 */
#ifndef NEAP_APP_FLEET_H
#define NEAP_APP_FLEET_H

#include "app/generation.h"
#include "app/heart.h"

enum {
	/* Generations that may drain at the same time; one more, and the oldest is cut. */
	FLEET_DRAINING_MAX = 8,
};

struct fleet {
	/* set by the owner */
	struct loop *loop;
	const struct settings *settings;
	struct sockets *sockets;
	const struct admin_socket *admin;
	void *owner;
	/* The rest of the way to serving: log, pid file, limits. Undone by on_failed. */
	enum err (*on_plan)(struct fleet *self, struct generation *g, struct error *e);
	/* It is about to serve; old: whose place it takes, or NULL. */
	enum err (*on_commit)(struct fleet *self, struct generation *g, struct error *e);
	void (*on_serving)(struct fleet *self, const struct generation *g);
	/* g will not serve; another one goes on. */
	void (*on_failed)(struct fleet *self, struct generation *g);
	void (*on_begin)(struct fleet *self); /* a reload begins */
	/* A reload ended: the number of the generation that serves, or why it failed. */
	void (*on_result)(struct fleet *self, bool is_ok, const char *text);
	void (*on_over)(struct fleet *self); /* no process is left; error tells if that is a failure
					      */
	void (*on_retired)(struct fleet *self); /* fleet_retire: nobody accepts any more */
	void (*on_fork)(struct fleet *self);	/* in a child: closes what is the owner's alone */

	bool takes_over; /* the first generation takes another process's place */
	/* What another process knew (state.h), for the first generation; ours. May be NULL. */
	struct board *inherited;

	struct generation *serving, *next; /* may be NULL */
	struct list draining;		   /* the oldest first */
	/* Told to retire; the result waits until its processes accept no more. May be NULL. */
	struct generation *leaving;
	ev_timer patience; /* with them */
	unsigned draining_n, last_number;
	bool must_reload;   /* asked for while one was under way: another one behind it */
	bool is_ending;	    /* told to stop or drain: no more reloads */
	int64_t started_ms; /* wall clock */
	int64_t shared_ms;
	unsigned reloads, failures;
	struct heart heart;
	struct error error;
	struct list gone; /* freed from the loop, for they may be on the stack */
	struct deferred reap;
};

void fleet_init(struct fleet *f);
void fleet_fini(struct fleet *f); /* after on_over */

/* The first generation. */
void fleet_start(struct fleet *f);

/* A generation starts, or takes over. */
bool fleet_is_busy(const struct fleet *f);

/* Another one; while one starts, one more is remembered, not many. */
void fleet_reload(struct fleet *f);

/* The same; how many results from now its own is: 1, or 2; 0: no more reloads. */
unsigned fleet_ask(struct fleet *f);

void fleet_stop(struct fleet *f);   /* all end at once */
void fleet_drain(struct fleet *f);  /* all finish what is open: QUIT */
void fleet_retire(struct fleet *f); /* the same, for another master serves: on_retired */

void fleet_reopen_logs(struct fleet *f);

/* From waitpid; false when it was none of its processes. */
bool fleet_ended(struct fleet *f, pid_t pid, int status);

/* Four times a second: hearts, and what generations tell each other. */
void fleet_look(struct fleet *f);

#endif

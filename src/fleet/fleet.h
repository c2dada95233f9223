/*
 * All generations of a master: the one that serves, the next one while it starts, and those that
 * drain. Decides when a generation begins, takes over or is given up. On the master's loop.
 */
#ifndef NEAP_FLEET_FLEET_H
#define NEAP_FLEET_FLEET_H

#include "fleet/generation.h"
#include "fleet/heart.h"

struct board;

enum {
	/* How many generations may drain at the same time. One more, and the oldest is cut. */
	FLEET_DRAINING_MAX = 8,
};

/* What comes when nothing is under way. */
enum fleet_wish {
	FLEET_SERVE,
	FLEET_RELOAD, /* another generation, asked for while one was under way */
	FLEET_END,    /* told to stop or drain: no more reloads */
};

struct fleet {
	enum fleet_wish wish;
	struct error error; /* of the first generation; code 0: none */

	/* Set by the owner: what each generation is made with. */
	struct loop *loop;
	const struct settings *settings;
	const struct generation_mains *mains;
	struct sockets *sockets;
	const struct admin_socket *admin;

	/* Set by the owner: what the first generation needs to take another process's place. */
	bool takes_over;	 /* it does take one */
	struct board *inherited; /* what that process knew (shm/state.h); owned. May be NULL */
	int inherited_journal;	 /* the journal of its agent; owned. -1: none */
	struct store_set inherited_stores;

	/* Set by the owner: what it is told. */
	void *owner;
	/* A plan is read: makes log, pid file and limits ready. on_failed undoes it. */
	enum err (*on_plan)(struct fleet *self, struct generation *g, struct error *e);
	/* It is about to serve. */
	enum err (*on_commit)(struct fleet *self, struct generation *g, struct error *e);
	void (*on_serving)(struct fleet *self, const struct generation *g);
	/* g will not serve; another one may go on. */
	void (*on_failed)(struct fleet *self, struct generation *g);
	void (*on_begin)(struct fleet *self); /* a reload begins */
	/* A reload ended: the number of the generation that serves, or why it failed. */
	void (*on_result)(struct fleet *self, bool is_ok, const char *text);
	void (*on_warning)(struct fleet *self, const char *text); /* of the next generation */
	void (*on_over)(struct fleet *self);	/* no process is left; error tells if it failed */
	void (*on_retired)(struct fleet *self); /* fleet_retire: no process accepts any more */
	void (*on_fork)(struct fleet *self);	/* in a child: closes what is the owner's alone */

	/* The generations. */
	struct generation *serving, *next; /* may be NULL */
	struct list draining;		   /* the oldest first */
	unsigned draining_n, last_number;
	struct list gone; /* freed by the loop later: callers may still use them */
	struct deferred reap;

	/*
	 * The one whose place was taken, until its processes accept no more or have had their time.
	 */
	struct generation *leaving; /* may be NULL */
	ev_timer patience;

	/* What the board says of it. */
	int64_t started_ms; /* wall clock */
	unsigned reloads, failures;

	/* For fleet_look. */
	struct heart heart;
	int64_t shared_ms;
};

/* The caller has set the members up to on_fork. */
void fleet_init(struct fleet *f);
void fleet_fini(struct fleet *f); /* after on_over */

/* The first generation. */
void fleet_start(struct fleet *f);

/* Is a generation about to start, or to take over? */
bool fleet_is_busy(const struct fleet *f);

/* Begins another one. While one is under way, one more is remembered, not many. */
void fleet_reload(struct fleet *f);

/* The same. Returns which result from now on is its own: the 1st or the 2nd; 0: no more reloads. */
unsigned fleet_ask(struct fleet *f);

void fleet_stop(struct fleet *f);   /* all end at once */
void fleet_drain(struct fleet *f);  /* all finish what is open: QUIT */
void fleet_retire(struct fleet *f); /* the same, because another master serves: on_retired */

/* After rotation: each process opens its log again. */
void fleet_reopen_logs(struct fleet *f);

/* waitpid told of this process. false: it is none of the fleet's. */
bool fleet_ended(struct fleet *f, pid_t pid, int status);

/* Four times per second: looks at heartbeats, and passes on what generations tell each other. */
void fleet_look(struct fleet *f);

#endif

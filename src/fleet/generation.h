/*
 * A generation: one config with the agent and the workers that run it. It starts beside whatever
 * else runs. As root a probe first asks which user the config names. The agent loads the config and
 * writes the plan. Then the workers load the same bytes, and a trial tries the policies. When all
 * are ready it commits; else it ends, with an error. In the master, on its loop.
 */
#ifndef NEAP_FLEET_GENERATION_H
#define NEAP_FLEET_GENERATION_H

#include "fleet/admin_socket.h"
#include "fleet/cover.h"
#include "fleet/identity.h"
#include "fleet/settings.h"
#include "fleet/sockets.h"
#include "fleet/stores.h"
#include "fleet/wakers.h"
#include "fleet/ward.h"
#include "shm/board_plan.h"
#include "shm/board_size.h"

struct board;

enum generation_state {
	GENERATION_PROBING,
	GENERATION_LOADING,  /* the agent loads */
	GENERATION_STARTING, /* the workers load, the agent publishes */
	GENERATION_SERVING,
	GENERATION_DRAINING,
	GENERATION_STOPPING,
};

/*
 * What its children run, each in a process of its own. It is handed in from above, because it runs
 * Lua. ward: the generation's own of that kind. Each returns the exit status.
 */
struct generation_mains {
	int (*probe)(void *ward, int channel);
	int (*agent)(void *ward, int channel);
	int (*trial)(void *ward, int channel);
	int (*worker)(void *ward, int channel);
};

/* The trial of its policies, before it serves. */
enum generation_trial {
	GENERATION_TRIAL_NONE, /* not needed: it takes nobody's place */
	GENERATION_TRIAL_DUE,
	GENERATION_TRIAL_PASSED,
};

struct generation {
	enum generation_state state;
	struct error error; /* why it failed; code 0: it did not */

	/* Set by the owner: its number, what it is made with, and what came before it. */
	unsigned number; /* from 1 */
	struct loop *loop;
	const struct settings *settings;
	const struct generation_mains *mains;
	enum generation_trial trial_state;
	const struct board *previous;		/* of the generation that serves; NULL: none does */
	int earlier;				/* its journal, not owned; -1: none serves */
	const struct store_set *earlier_stores; /* until the plan is read; NULL: none */

	/* Set by the owner: the master's sockets, of which it uses some. */
	struct sockets *sockets;
	const struct admin_socket *admin; /* of the generation that serves */

	/* Set by the owner: what it is told. */
	void *owner;
	/* The plan is read: opens the sockets and what else the children need. */
	enum err (*on_plan)(struct generation *self, struct error *e);
	/* All are ready. This is the last moment to fail. */
	enum err (*on_commit)(struct generation *self, struct error *e);
	void (*on_ready)(struct generation *self);
	void (*on_gone)(struct generation *self); /* no process is left; error tells if it failed */
	void (*on_left)(struct generation *self); /* it drains, and no process accepts any more */
	void (*on_reload)(struct generation *self); /* its agent asks for another one */
	void (*on_warning)(struct generation *self, const char *text); /* of what it loads */
	void (*on_fork)(struct generation *self); /* in a child: closes what is not its own */

	/* What all of its processes share. */
	struct board *board;
	int memfd;	      /* the files of its config */
	int secrets;	      /* memfd: those that its TLS settings name (conf/secrets.h) */
	int journal;	      /* memfd: what its agent leaves to the next one */
	int wake_fd;	      /* eventfd: workers tell the agent that a backend's state changed */
	struct wakers wakers; /* workers wake each other */
	struct store_set stores; /* from the plan on: what neap.shared names */

	/* What it learns while it starts: whose rights its code gets, what the config asks for. */
	struct identity identity;
	struct board_plan plan;
	struct socket_set set;

	/* Its processes. */
	struct ward probe, agent, trial;
	struct ward workers[BOARD_WORKERS_MAX];
	struct cover cover; /* which workers stand in for those that are gone */

	/* The fleet's. */
	struct list node;
	/* Which reload's result its agent waits for: 0: none, 1: this one, 2: the next. */
	unsigned asks;
};

/* The caller has set the members up to on_fork. Makes board, memfd and wake_fd. */
enum err generation_init(struct generation *g, struct error *e);
void generation_fini(struct generation *g); /* after on_gone */

/* Begins. on_ready and on_gone tell what came of it. */
void generation_start(struct generation *g);

/*
 * Workers finish what is open, then all end: because of QUIT (drain), or because another generation
 * serves (retire).
 */
void generation_drain(struct generation *g);
void generation_retire(struct generation *g);

/* After drain or retire some may still accept, until on_left. The second says in the log which. */
bool generation_is_leaving(const struct generation *g);
void generation_warn_leaving(const struct generation *g);

/* Tells the agent how the reload that it asked for ended. */
void generation_answer(struct generation *g, enum message_kind kind, const char *text);

/* All end at once; SIGKILL ends those that have not within a second. */
void generation_stop(struct generation *g);

/* Gives up. on_gone follows, with this error. */
void generation_fail(struct generation *g, const char *text);

/* After rotation: each process that is ready opens its log again. */
void generation_reopen_logs(struct generation *g);

/* waitpid told of this process. false: it is none of the generation's. */
bool generation_ended(struct generation *g, pid_t pid, int status);

/* In a child: closes what is the master's and the other children's. */
void generation_in_child(struct generation *g);

/* In a child that has taken in what the generation before knew, or does not need it. */
void generation_forget_previous(struct generation *g);

/* In a child: closes the channels. A part of each on_fork. */
void generation_drop_channels(struct generation *g);

#endif

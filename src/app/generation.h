/*
 * A generation: one config with the agent and the workers that run it. Starts beside whatever else
 * runs: probe (as root: which user does the config name?), agent (loads, writes the plan), then the
 * workers (load the same bytes) and a trial of the policies; commits when all are ready, or is gone again with an error. In the
 * master, on its loop; agent_main and worker_main run in its children.
 */
#ifndef NEAP_APP_GENERATION_H
#define NEAP_APP_GENERATION_H

#include "app/admin_socket.h"
#include "app/identity.h"
#include "app/settings.h"
#include "app/sockets.h"
#include "app/wakers.h"
#include "app/ward.h"
#include "shm/board.h"

enum generation_state {
	GENERATION_PROBING,
	GENERATION_LOADING,  /* the agent loads */
	GENERATION_STARTING, /* the workers load, the agent publishes */
	GENERATION_SERVING,
	GENERATION_DRAINING,
	GENERATION_STOPPING,
};

struct generation {
	enum generation_state state;
	unsigned number; /* from 1 */
	struct loop *loop;
	struct board *board;	      /* its own */
	const struct board *previous; /* of the generation that serves; NULL: none does */
	const struct settings *settings;
	struct sockets *sockets;	  /* the master's */
	struct socket_set set;		  /* of them its own */
	const struct admin_socket *admin; /* the master's, for the one that serves */
	int memfd;			  /* the files of this generation */
	int journal; /* memfd: what was changed at run time, for an agent that is started again */
	struct wakers wakers; /* of its workers */
	int wake_fd;	      /* eventfd: workers tell the agent that a backend's state changed */
	void *owner;
	/* The plan is read: makes all ready that the children need, opens the sockets. */
	enum err (*on_plan)(struct generation *self, struct error *e);
	/* All are ready: the last moment to fail. */
	enum err (*on_commit)(struct generation *self, struct error *e);
	void (*on_ready)(struct generation *self);
	void (*on_gone)(struct generation *self); /* no process is left; error tells if it failed */
	void (*on_deaf)(struct generation *self); /* it drains, and no process accepts any more */
	void (*on_reload)(struct generation *self); /* its agent asks for another one */
	void (*on_fork)(struct generation *self);   /* in a child: closes what is not its own */

	struct identity identity;
	bool knows_identity;
	bool must_try; /* the policies, before it serves: set by the owner */
	bool is_tried;
	struct board_plan plan;
	struct ward probe, agent, trial;
	struct ward workers[BOARD_WORKERS_MAX];
	struct error error; /* why it failed; code 0: it did not */

	/* The fleet's. */
	struct list node;
	unsigned asks; /* its agent waits for a reload's result: 1: of the one under way, 2: next */
};

/* The caller has set the members up to on_fork. Makes board, memfd and wake_fd. */
enum err generation_init(struct generation *g, struct error *e);
void generation_fini(struct generation *g); /* after on_gone */

/* Begins. Whatever happens is told by on_ready, later on_gone. */
void generation_start(struct generation *g);

/* Workers finish what is open, then all end: by QUIT, or because another generation serves. */
void generation_drain(struct generation *g);
void generation_retire(struct generation *g);

/* Told to drain or retire: until on_deaf some may accept yet. In the log: which of them. */
bool generation_is_listening(const struct generation *g);
void generation_warn_listening(const struct generation *g);

/* The agent is told how the reload that it asked for ended. */
void generation_answer(struct generation *g, enum message_kind kind, const char *text);

/* All end at once, the stubborn by SIGKILL after a second. */
void generation_stop(struct generation *g);

/* Gives up: on_gone with this error. */
void generation_fail(struct generation *g, const char *text);

void generation_reopen_logs(struct generation *g);

/* From waitpid; false when it was not one of its processes. */
bool generation_ended(struct generation *g, pid_t pid, int status);

/* In a child: closes what is the master's and the other children's. */
void generation_in_child(struct generation *g);

/* The part of on_fork that each generation has: its channels. */
void generation_drop_channels(struct generation *g);

#endif

/*
 * One supervised child of the master (agent, worker, probe or trial): its process, its channel, how
 * long it may take to load, when it is started again after it died. The ward lives as long as its
 * generation; the process comes and goes.
 */
#ifndef NEAP_FLEET_WARD_H
#define NEAP_FLEET_WARD_H

#include "fleet/channel.h"
#include "fleet/child.h"
#include "fleet/patience.h"

enum ward_state {
	WARD_OFF,     /* no process */
	WARD_LOADING, /* started; killed when it takes too long */
	WARD_READY,
	WARD_STOPPING, /* told to end; killed when that takes too long */
	WARD_PAUSED,   /* no process; started again when the back-off is over */
};

struct ward {
	enum ward_state state;

	/* Set by the owner. */
	char name[16];
	unsigned slot; /* of a worker */
	void *owner;
	int (*run)(void *ward, int channel); /* in the child */
	void (*on_message)(struct ward *self, const struct message *m);
	/*
	 * The process is gone; `how` says in words how it ended. The ward is OFF, and may be
	 * started again.
	 */
	void (*on_end)(struct ward *self, const char *how);

	/* The process, and the line to it. */
	pid_t pid; /* 0: none */
	struct channel channel;
	bool is_leaving; /* told to accept no more, and has not confirmed it */

	/* How it ends, or ended. */
	bool was_killed;			     /* by us */
	char error[sizeof((struct error *)0)->text]; /* its last words, or why we killed it */

	/* Its deadline, and when it may be started again. */
	struct loop *loop;
	ev_timer timer;
	int64_t started_ms;
	struct patience patience; /* while it loads */
	uint32_t backoff_ms;

	/* The heart's: what it last saw on the board, since when, and the processor time then. */
	uint64_t beat, entry;
	int64_t beat_ms, entry_ms;
	int64_t entry_cpu_ms;
};

/* The caller has set name, slot, owner, run, on_message and on_end. */
void ward_init(struct ward *w, struct loop *loop);
void ward_fini(struct ward *w); /* no process may be left */

/* Starts the process. It must become ready within limit_ms, or is killed. */
enum err ward_start(struct ward *w, uint32_t limit_ms, struct error *e);

/* Sets another deadline for becoming ready. */
void ward_expect(struct ward *w, uint32_t limit_ms);
void ward_set_ready(struct ward *w);

/* Starts it again: at once, or later when the last process lived for less than a second. */
void ward_restart(struct ward *w);

/* Asks it to end, and kills it when it does not within limit_ms. A paused ward is OFF at once. */
void ward_stop(struct ward *w, uint32_t limit_ms);

/* Sends SIGKILL; `why` become its last words. */
void ward_kill(struct ward *w, const char *why);

/* waitpid told of this process. false: it is not this ward's. */
bool ward_ended(struct ward *w, pid_t pid, int status);

/* One that has ended is gone only when ward_ended has heard of it. */
static inline bool ward_has_process(const struct ward *w)
{
	return w->pid > 0;
}

enum { WARD_LOAD_MS = 10000 };

#endif

/*
 * One supervised child of the master, agent or worker: its process, its channel, how long it may
 * take to load, when it is started again after it died. Lives as long as its generation; the
 * process comes and goes.
 */
#ifndef NEAP_APP_WARD_H
#define NEAP_APP_WARD_H

#include "app/channel.h"
#include "app/child.h"

enum ward_state {
	WARD_OFF,     /* no process */
	WARD_LOADING, /* started; killed when it takes too long */
	WARD_READY,
	WARD_STOPPING, /* told to end; killed when it takes too long */
	WARD_PAUSED,   /* no process; started again when the back-off is over */
};

struct ward {
	enum ward_state state;
	char name[16];
	unsigned slot; /* of a worker */
	struct loop *loop;
	void *owner;
	int (*run)(void *ward, int channel); /* in the child */
	void (*on_message)(struct ward *self, const struct message *m);
	/*
	 * The process is gone; `how` says so in words. The ward is OFF, and may be started again.
	 */
	void (*on_end)(struct ward *self, const char *how);

	pid_t pid;
	struct channel channel;
	ev_timer timer;
	int64_t started_ms;
	uint32_t backoff_ms;
	uint64_t beat; /* as last seen, and when it changed: the heart's */
	int64_t beat_ms;
	int64_t beat_cpu_ms; /* its processor time then */
	bool was_killed;     /* by us */
	bool is_listening;   /* told to accept no more, and has not confirmed it */
	char error[sizeof((struct error *)0)
			   ->text]; /* the child's last words, or why we killed it */
};

/* The caller has set name, slot, owner, run, on_message and on_end. */
void ward_init(struct ward *w, struct loop *loop);
void ward_fini(struct ward *w); /* no process may be left */

/* Starts the process. It must become ready within limit_ms, or is killed. */
enum err ward_start(struct ward *w, uint32_t limit_ms, struct error *e);

/* Another deadline for becoming ready. */
void ward_expect(struct ward *w, uint32_t limit_ms);
void ward_set_ready(struct ward *w);

/* Starts it again: at once, or later when the last one lived for less than a second. */
void ward_restart(struct ward *w);

/* Asks it to end; kills it when it does not within limit_ms. A paused one is OFF at once. */
void ward_stop(struct ward *w, uint32_t limit_ms);

/* SIGKILL; WHY are its last words. */
void ward_kill(struct ward *w, const char *why);

/* From the master's waitpid: false when it was not this one's process. */
bool ward_ended(struct ward *w, pid_t pid, int status);

static inline bool ward_has_process(const struct ward *w)
{
	return w->pid > 0;
}

enum { WARD_LOAD_MS = 10000 };

#endif

#include "fleet/ward.h"

#include <signal.h>
#include <stdio.h>

#include "base/cc.h"
#include "base/log.h"
#include "base/str.h"

enum { QUICK_DEATH_MS = 1000, BACKOFF_MIN_MS = 100, BACKOFF_MAX_MS = 5000 };

static void set_timer(struct ward *w, uint32_t ms)
{
	ev_timer_stop(w->loop->ev, &w->timer);
	ev_timer_set(&w->timer, ms / 1e3, 0);
	ev_timer_start(w->loop->ev, &w->timer);
}

static void start_again(struct ward *w)
{
	struct error e;

	if (ward_start(w, WARD_LOAD_MS, &e) == ERR_OK)
		return;
	log_error("%s: cannot be started: %s", w->name, e.text);
	w->started_ms = loop_now_ms(w->loop);
	ward_restart(w);
}

/* The deadline counts only the time in which the process could run. */
static void be_patient(struct ward *w, uint32_t limit_ms)
{
	patience_begin(&w->patience, w->pid, limit_ms, loop_now_ms(w->loop));
	set_timer(w, limit_ms);
}

static bool has_time_left(struct ward *w)
{
	int64_t left_ms = patience_left_ms(&w->patience, loop_now_ms(w->loop));

	if (left_ms > 0)
		set_timer(w, (uint32_t)left_ms);
	return left_ms > 0;
}

static void expire(struct ward *w)
{
	char why[96];

	if (w->state == WARD_LOADING && has_time_left(w))
		return;
	(void)snprintf(why, sizeof(why), "did not finish loading within %d s", WARD_LOAD_MS / 1000);
	if (w->state == WARD_PAUSED)
		start_again(w);
	else if (w->state == WARD_LOADING)
		ward_kill(w, why);
	else if (w->state == WARD_STOPPING)
		ward_kill(w, "did not end in time");
}

static void ward_timer_cb(struct ev_loop *ev, ev_timer *t, int events)
{
	(void)ev, (void)events;
	expire(container_of(t, struct ward, timer));
}

static void on_ward_message(struct channel *c, const struct message *m)
{
	struct ward *w = c->owner;

	if (m->kind == MESSAGE_ERROR)
		(void)str_copy(w->error, sizeof(w->error), str_of(m->text));
	else
		w->on_message(w, m);
}

static void on_ward_closed(struct channel *c)
{
	channel_close(c); /* SIGCHLD tells of its end */
}

void ward_init(struct ward *w, struct loop *loop)
{
	w->loop = loop;
	w->state = WARD_OFF;
	channel_init(&w->channel, loop, -1);
	ev_timer_init(&w->timer, ward_timer_cb, 0, 0);
}

void ward_fini(struct ward *w)
{
	channel_close(&w->channel);
	ev_timer_stop(w->loop->ev, &w->timer);
}

enum err ward_start(struct ward *w, uint32_t limit_ms, struct error *e)
{
	struct child c;
	enum err err = child_fork(&c, w->name, w->run, w, e);

	if (err != ERR_OK)
		return err;
	w->pid = c.pid;
	w->state = WARD_LOADING;
	w->error[0] = '\0';
	w->was_killed = w->is_leaving = false;
	w->started_ms = w->entry_ms = loop_now_ms(w->loop);
	w->entry = 0;
	channel_init(&w->channel, w->loop, c.channel);
	w->channel.owner = w;
	w->channel.on_message = on_ward_message;
	w->channel.on_closed = on_ward_closed;
	channel_start(&w->channel);
	be_patient(w, limit_ms);
	return ERR_OK;
}

void ward_expect(struct ward *w, uint32_t limit_ms)
{
	if (w->state == WARD_LOADING)
		be_patient(w, limit_ms);
}

void ward_set_ready(struct ward *w)
{
	if (w->state != WARD_LOADING)
		return;
	ev_timer_stop(w->loop->ev, &w->timer);
	w->state = WARD_READY;
	w->beat_ms = w->entry_ms = loop_now_ms(w->loop);
}

void ward_restart(struct ward *w)
{
	if (loop_now_ms(w->loop) - w->started_ms >= QUICK_DEATH_MS) {
		w->backoff_ms = 0;
		start_again(w);
		return;
	}
	w->backoff_ms = w->backoff_ms == 0 ? BACKOFF_MIN_MS : w->backoff_ms * 2;
	if (w->backoff_ms > BACKOFF_MAX_MS)
		w->backoff_ms = BACKOFF_MAX_MS;
	w->state = WARD_PAUSED;
	set_timer(w, w->backoff_ms);
}

void ward_stop(struct ward *w, uint32_t limit_ms)
{
	if (!ward_has_process(w)) {
		ev_timer_stop(w->loop->ev, &w->timer);
		w->state = WARD_OFF;
		return;
	}
	/* A process that still loads does not read its channel, and has nothing to finish. */
	if (w->state == WARD_LOADING)
		ward_kill(w, "");
	else
		(void)channel_send(&w->channel, MESSAGE_STOP, NULL); /* or it ends already */
	w->state = WARD_STOPPING;
	set_timer(w, limit_ms);
}

void ward_kill(struct ward *w, const char *why)
{
	(void)str_copy(w->error, sizeof(w->error), str_of(why));
	w->was_killed = true;
	if (ward_has_process(w))
		(void)kill(w->pid, SIGKILL);
}

bool ward_ended(struct ward *w, pid_t pid, int status)
{
	char end[64], how[160];

	if (w->pid != pid)
		return false;
	if (w->channel.fd >= 0)
		channel_read(&w->channel); /* its last words */
	child_describe_end(status, end, sizeof(end));
	(void)snprintf(how, sizeof(how), "%s (pid %ld) %s", w->name, (long)pid, end);
	channel_close(&w->channel);
	ev_timer_stop(w->loop->ev, &w->timer);
	w->pid = 0;
	w->is_leaving = false;
	w->state = WARD_OFF;
	w->on_end(w, how);
	return true;
}

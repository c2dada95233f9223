#include "app/agent.h"

#include <string.h>
#include <unistd.h>

#include "admin/admin.h"
#include "app/daemon.h"
#include "app/generation.h"
#include "app/limits.h"
#include "app/plan.h"
#include "app/runtime.h"
#include "app/title.h"
#include "base/log.h"

enum { BEAT_MS = 1000, RETIRE_MS = 1000, LAST_MS = 500 };

struct agent {
	struct generation *generation;
	struct runtime runtime;
	struct channel channel;
	ev_io waker;
	ev_timer beat;
	ev_timer retire;     /* another generation serves: the end */
	bool must_hear;	     /* how the reload went that it asked for */
	struct admin *admin; /* NULL: not served here */
	int status;
};

static void end(struct agent *a, int status)
{
	a->status = status;
	loop_break(&a->runtime.loop);
}

static void fail(struct agent *a, const struct error *e)
{
	(void)channel_send(&a->channel, MESSAGE_ERROR, e->text);
	end(a, 1);
}

static void waker_cb(struct ev_loop *ev, ev_io *w, int events)
{
	struct agent *a = container_of(w, struct agent, waker);
	uint64_t times;

	(void)ev, (void)events;
	if (read(w->fd, &times, sizeof(times)) > 0)
		vm_agent_wake(a->runtime.vm);
}

static void beat_cb(struct ev_loop *ev, ev_timer *w, int events)
{
	(void)ev, (void)events;
	atomic_fetch_add_explicit(
		&container_of(w, struct agent, beat)->generation->board->agent.beat, 1,
		memory_order_relaxed);
}

static void on_ready(void *ctx)
{
	struct agent *a = ctx;

	struct generation *g = a->generation;

	vm_forget_previous(a->runtime.vm);
	if (g->previous != NULL)
		board_destroy((struct board *)(uintptr_t)g->previous); /* our mapping of it */
	g->previous = NULL;
	(void)channel_send(&a->channel, MESSAGE_READY, NULL);
}

static void retire_cb(struct ev_loop *ev, ev_timer *w, int events)
{
	struct agent *a = container_of(w, struct agent, retire);

	(void)events;
	if (a->must_hear) { /* the answer waits for others who retire, but not for long */
		a->must_hear = false;
		ev_timer_set(w, RETIRE_MS / 1e3, 0);
		ev_timer_start(ev, w);
	} else {
		end(a, 0);
	}
}

/* Its checks and hooks are the next agent's now; what it is asked yet is answered. */
static void retire(struct agent *a)
{
	struct ev_loop *ev = a->runtime.loop.ev;

	vm_agent_stop(a->runtime.vm);
	if (a->admin != NULL)
		admin_retire(a->admin);
	ev_io_stop(ev, &a->waker);
	ev_timer_start(ev, &a->retire);
	(void)channel_send(&a->channel, MESSAGE_DEAF, NULL);
}

/* Of one whose workers are gone already, too: who is on the admin side has yet to hear how it went. */
static void stop(struct agent *a)
{
	struct ev_loop *ev = a->runtime.loop.ev;

	if (!ev_is_active(&a->retire) || a->admin == NULL || !admin_is_busy(a->admin)) {
		end(a, 0);
		return;
	}
	a->must_hear = false;
	ev_timer_stop(ev, &a->retire);
	ev_timer_set(&a->retire, LAST_MS / 1e3, 0);
	ev_timer_start(ev, &a->retire);
}

static void begin(struct agent *a, const char *log_target)
{
	const struct conf *c = &a->runtime.conf;
	struct error e;

	if (log_open(log_target, (enum log_level)c->log_level, &e) != ERR_OK ||
	    vm_agent_start(a->runtime.vm, on_ready, a, &e) != ERR_OK) {
		fail(a, &e);
		return;
	}
	if (a->generation->settings->must_detach)
		daemon_let_go();
	limits_raise_own();
	ev_io_start(a->runtime.loop.ev, &a->waker);
	ev_timer_start(a->runtime.loop.ev, &a->beat);
}

static void reopen_log(void)
{
	struct error e;

	if (log_reopen(&e) != ERR_OK)
		log_error("log: %s", e.text);
}

static bool ask_reload(void *ctx)
{
	struct agent *a = ctx;

	a->must_hear = channel_send(&a->channel, MESSAGE_RELOAD, NULL);
	return a->must_hear;
}

/* The socket comes with the message; a second one takes the place of the first. */
static void serve_admin(struct agent *a)
{
	struct admin_options o = {
		.loop = &a->runtime.loop,
		.timers = &a->runtime.timers,
		.vm = a->runtime.vm,
		.fd = a->channel.passed_fd,
		.ask_reload = ask_reload,
		.ctx = a,
	};
	struct error e;

	if (a->admin != NULL)
		admin_destroy(a->admin);
	a->admin = NULL;
	if (admin_create(&a->admin, &o, &e) != ERR_OK) {
		log_error("admin: %s", e.text);
		return;
	}
	a->channel.passed_fd = -1;
}

/* It ends when it had the time to pass that on. */
static void tell_reload(struct agent *a, const struct message *m)
{
	a->must_hear = false;
	admin_tell_reload(a->admin, m->kind == MESSAGE_RELOADED, m->text);
}

static void on_admin_message(struct agent *a, const struct message *m)
{
	if (m->kind == MESSAGE_ADMIN && a->channel.passed_fd >= 0)
		serve_admin(a);
	else if (a->admin == NULL)
		return;
	else if (m->kind == MESSAGE_DRAIN)
		admin_set_draining(a->admin);
	else if (m->kind == MESSAGE_RELOADED || m->kind == MESSAGE_REFUSED)
		tell_reload(a, m);
}

static void on_message(struct channel *c, const struct message *m)
{
	struct agent *a = c->owner;

	if (m->kind == MESSAGE_GO)
		begin(a, m->text);
	else if (m->kind == MESSAGE_REOPEN_LOG)
		reopen_log();
	else if (m->kind == MESSAGE_RETIRE)
		retire(a);
	else if (m->kind == MESSAGE_STOP)
		stop(a);
	else
		on_admin_message(a, m);
}

static void on_closed(struct channel *c)
{
	end(c->owner, 0);
}

/* The probe, as nobody, was told whom the config names; now it must say the same. */
static enum err check_user(const struct agent *a, struct error *e)
{
	const struct generation *g = a->generation;
	const struct conf *c = &a->runtime.conf;
	struct identity id;

	if (!g->knows_identity)
		return identity_find(&id, c->user, c->group, e);
	if (strcmp(c->user, g->identity.user) == 0 && strcmp(c->group, g->identity.group) == 0)
		return ERR_OK;
	return err_set(e, ERR_INVALID, "user: another one each time the config is evaluated");
}

static enum err load(struct agent *a, struct error *e)
{
	struct generation *g = a->generation;
	bool is_first = g->state == GENERATION_LOADING;
	struct runtime_options o = {
		.settings = g->settings,
		.identity = &g->identity,
		.board = g->board,
		.previous = is_first ? g->previous : NULL,
		.memfd = g->memfd,
		.journal = g->journal,
		.must_fill = is_first,
		.worker = -1,
	};
	enum err err = runtime_init(&a->runtime, &o, e);

	if (err != ERR_OK)
		return err;
	err = check_user(a, e);
	if (err == ERR_OK && is_first)
		err = plan_write(&g->board->plan, &a->runtime.conf, e);
	if (err == ERR_OK)
		return ERR_OK;
	runtime_fini(&a->runtime);
	return err_set(e, err, "%s: %s", g->settings->config, e->text);
}

static void run(struct agent *a, int channel)
{
	struct loop *loop = &a->runtime.loop;

	channel_init(&a->channel, loop, channel);
	a->channel.owner = a;
	a->channel.takes_fds = true;
	a->channel.on_message = on_message;
	a->channel.on_closed = on_closed;
	ev_io_init(&a->waker, waker_cb, a->generation->wake_fd, EV_READ);
	ev_timer_init(&a->beat, beat_cb, 0, BEAT_MS / 1e3);
	ev_timer_init(&a->retire, retire_cb, RETIRE_MS / 1e3, 0);
	channel_start(&a->channel);
	(void)channel_send(&a->channel, MESSAGE_PLAN, NULL);
	loop_run(loop);
	vm_agent_finish(a->runtime.vm);
	ev_io_stop(loop->ev, &a->waker);
	ev_timer_stop(loop->ev, &a->beat);
	ev_timer_stop(loop->ev, &a->retire);
	if (a->admin != NULL)
		admin_destroy(a->admin);
	channel_close(&a->channel);
}

int agent_main(void *ward, int channel)
{
	struct agent a = { .generation = ((struct ward *)ward)->owner };
	struct error e;

	title_set("neap: agent (generation %u)", a.generation->number);
	generation_in_child(a.generation);
	sockets_close(a.generation->sockets);
	wakers_fini(&a.generation->wakers);
	if (load(&a, &e) != ERR_OK) {
		(void)message_send(channel, MESSAGE_ERROR, e.text);
		return 1;
	}
	run(&a, channel);
	runtime_fini(&a.runtime);
	return a.status;
}

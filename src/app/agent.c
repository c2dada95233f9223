#include "app/agent.h"

#include <string.h>
#include <unistd.h>

#include "admin/admin.h"
#include "app/runtime.h"
#include "app/warnings.h"
#include "base/log.h"
#include "base/num.h"
#include "base/str.h"
#include "fleet/daemon.h"
#include "fleet/generation.h"
#include "fleet/limits.h"
#include "fleet/plan.h"
#include "fleet/title.h"
#include "script/ticker.h"
#include "shm/board.h"

enum { BEAT_MS = 1000, RETIRE_MS = 1000, LAST_MS = 500 };

enum agent_state {
	AGENT_ON_DUTY, /* loads, publishes, checks */
	AGENT_RETIRED, /* another generation serves: it only finishes */
};

struct agent {
	enum agent_state state;
	int status; /* what the process ends with */

	/* What it runs for, and in what. */
	struct generation *generation;
	struct runtime runtime;
	struct ticker ticker;
	struct admin *admin; /* NULL: not served here */

	/* The line to the master. */
	struct channel channel;
	bool awaits_reload; /* it asked for one, and has yet to hear how it went */

	/* What wakes it. */
	ev_io waker; /* workers: a backend's state changed */
	ev_timer beat;
	ev_timer retire; /* RETIRED: the end */
};

static void end_agent(struct agent *a, int status)
{
	a->status = status;
	loop_break(&a->runtime.loop);
}

static void fail_agent(struct agent *a, const struct error *e)
{
	(void)channel_send(&a->channel, MESSAGE_ERROR, e->text);
	end_agent(a, 1);
}

static void waker_cb(struct ev_loop *ev, ev_io *w, int events)
{
	struct agent *a = container_of(w, struct agent, waker);
	uint64_t times;

	(void)ev, (void)events;
	if (read(a->generation->wake_fd, &times, sizeof(times)) > 0)
		ticker_wake(&a->ticker);
}

static void agent_beat_cb(struct ev_loop *ev, ev_timer *w, int events)
{
	(void)ev, (void)events;
	loop_note_beat(&container_of(w, struct agent, beat)->runtime.loop);
}

static void on_published(void *ctx)
{
	struct agent *a = ctx;

	struct generation *g = a->generation;

	policies_forget_previous(a->runtime.policies);
	generation_forget_previous(g);
	(void)channel_send(&a->channel, MESSAGE_READY, NULL);
}

static void retire_cb(struct ev_loop *ev, ev_timer *w, int events)
{
	struct agent *a = container_of(w, struct agent, retire);

	(void)events;
	if (a->awaits_reload) { /* the answer waits until workers have left, but not for long */
		a->awaits_reload = false;
		ev_timer_set(w, RETIRE_MS / 1e3, 0);
		ev_timer_start(ev, w);
	} else {
		end_agent(a, 0);
	}
}

/* The next agent has its checks and hooks now. Questions that it was asked are still answered. */
static void retire_agent(struct agent *a)
{
	struct ev_loop *ev = a->runtime.loop.ev;

	ticker_stop(&a->ticker);
	if (a->admin != NULL)
		admin_retire(a->admin);
	ev_io_stop(ev, &a->waker);
	a->state = AGENT_RETIRED;
	ev_timer_start(ev, &a->retire);
	(void)channel_send(&a->channel, MESSAGE_LEFT, NULL);
}

/* Clients of the admin side must still hear how the reload went, even when the workers are gone. */
static void stop_agent(struct agent *a)
{
	struct ev_loop *ev = a->runtime.loop.ev;

	if (a->state != AGENT_RETIRED || a->admin == NULL || !admin_is_busy(a->admin)) {
		end_agent(a, 0);
		return;
	}
	a->awaits_reload = false;
	ev_timer_stop(ev, &a->retire);
	ev_timer_set(&a->retire, LAST_MS / 1e3, 0);
	ev_timer_start(ev, &a->retire);
}

/* Takes the descriptor that came along, or opens the target with the rights that are left. */
static enum err take_log(struct agent *a, const char *target, struct error *e)
{
	enum log_level level = (enum log_level)a->runtime.conf.log_level;
	int fd = a->channel.passed_fd;

	a->channel.passed_fd = -1;
	return fd >= 0 ? log_take(target, level, fd, e) : log_open(target, level, e);
}

static void begin_duty(struct agent *a, const char *target)
{
	struct error e;

	if (take_log(a, target, &e) != ERR_OK ||
	    ticker_start(&a->ticker, &a->runtime.policies->vm, &a->runtime.loop, on_published, a,
			 &e) != ERR_OK) {
		fail_agent(a, &e);
		return;
	}
	if (a->generation->settings->must_detach)
		daemon_let_go();
	limits_raise_own();
	ev_io_start(a->runtime.loop.ev, &a->waker);
	ev_timer_start(a->runtime.loop.ev, &a->beat);
}

static void reopen_agent_log(struct agent *a, const char *target)
{
	struct error e;

	if (take_log(a, target, &e) != ERR_OK)
		log_error("log: %s", e.text);
}

static bool ask_master_to_reload(void *ctx)
{
	struct agent *a = ctx;

	a->awaits_reload = channel_send(&a->channel, MESSAGE_RELOAD, NULL);
	return a->awaits_reload;
}

/* The socket comes with the message. A second one replaces the first. */
static void serve_admin(struct agent *a)
{
	struct admin_options o = {
		.loop = &a->runtime.loop,
		.timers = &a->runtime.timers,
		.vm = &a->runtime.policies->vm,
		.listen_fd = a->channel.passed_fd,
		.ask_reload = ask_master_to_reload,
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

/* It ends only after it has had time to pass that on. */
static void tell_reload(struct agent *a, const struct message *m)
{
	a->awaits_reload = false;
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

/* The text is its number. */
static void take_store(struct agent *a, const struct message *m)
{
	struct stores *stores = &a->runtime.policies->stores;
	int fd = a->channel.passed_fd;
	uint64_t number;
	struct error e;

	if (fd < 0 || !num_parse_u64(str_of(m->text), BOARD_STORES_MAX, &number))
		return;
	enum err err = m->kind == MESSAGE_STORE ? stores_take(stores, (unsigned)number, fd, &e)
						: stores_fill(stores, (unsigned)number, fd, &e);
	if (err != ERR_OK)
		fail_agent(a, &e);
}

static void on_order_to_agent(struct channel *c, const struct message *m)
{
	struct agent *a = c->owner;

	if (m->kind == MESSAGE_GO)
		begin_duty(a, m->text);
	else if (m->kind == MESSAGE_REOPEN_LOG)
		reopen_agent_log(a, m->text);
	else if (m->kind == MESSAGE_RETIRE)
		retire_agent(a);
	else if (m->kind == MESSAGE_STOP)
		stop_agent(a);
	else if (m->kind == MESSAGE_STORE || m->kind == MESSAGE_STORE_BEFORE)
		take_store(a, m);
	else
		on_admin_message(a, m);
}

static void on_agent_orphaned(struct channel *c)
{
	end_agent(c->owner, 0);
}

/* The probe, as nobody, heard which user the config names. Now it must name the same. */
static enum err check_user(const struct agent *a, struct error *e)
{
	const struct generation *g = a->generation;
	const struct conf *c = &a->runtime.conf;
	struct identity id;

	if (g->identity.kind == IDENTITY_UNKNOWN)
		return identity_find(&id, c->user, c->group, e);
	if (strcmp(c->user, g->identity.user) == 0 && strcmp(c->group, g->identity.group) == 0)
		return ERR_OK;
	return err_set(e, ERR_INVALID, "user: another one each time the config is evaluated");
}

static enum err load_agent(struct agent *a, struct error *e)
{
	struct generation *g = a->generation;
	bool is_first = g->state == GENERATION_LOADING;
	struct runtime_options o = {
		.settings = g->settings,
		.identity = &g->identity,
		.board = g->board,
		.previous = is_first ? g->previous : NULL,
		.memfd = g->memfd,
		.secrets = g->secrets,
		.journal = g->journal,
		.earlier = is_first ? g->earlier : -1,
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

static void run_agent(struct agent *a, int channel)
{
	struct loop *loop = &a->runtime.loop;

	channel_init(&a->channel, loop, channel);
	a->channel.owner = a;
	a->channel.takes_fds = true;
	a->channel.on_message = on_order_to_agent;
	a->channel.on_closed = on_agent_orphaned;
	ev_io_init(&a->waker, waker_cb, a->generation->wake_fd, EV_READ);
	loop->beat = &a->generation->board->agent.beat;
	ev_timer_init(&a->beat, agent_beat_cb, 0, BEAT_MS / 1e3);
	ev_timer_init(&a->retire, retire_cb, RETIRE_MS / 1e3, 0);
	channel_start(&a->channel);
	(void)channel_send(&a->channel, MESSAGE_PLAN, NULL);
	loop_run(loop);
	ticker_finish(&a->ticker);
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
	struct warnings w;
	struct error e;

	title_set("neap: agent (generation %u)", a.generation->number);
	generation_in_child(a.generation);
	sockets_close(a.generation->sockets);
	wakers_fini(&a.generation->wakers);
	warnings_begin(&w, channel);
	enum err err = load_agent(&a, &e);
	warnings_end();
	if (err != ERR_OK) {
		(void)message_send(channel, MESSAGE_ERROR, e.text);
		return 1;
	}
	run_agent(&a, channel);
	runtime_fini(&a.runtime);
	return a.status;
}

#include "app/worker.h"

#include <unistd.h>

#include "app/runtime.h"
#include "base/log.h"
#include "base/num.h"
#include "base/str.h"
#include "exchange/flows.h"
#include "fleet/daemon.h"
#include "fleet/generation.h"
#include "fleet/limits.h"
#include "fleet/plan.h"
#include "fleet/title.h"
#include "net/tls_worker.h"
#include "net/trim.h"
#include "proxy/proxy.h"
#include "shm/board.h"

enum { BEAT_MS = 400 };

enum worker_state {
	WORKER_SERVES,
	WORKER_NOTICED, /* it is to drain when timeouts.notice is over */
	WORKER_DRAINS,
};

struct worker {
	enum worker_state state;

	/* What it runs for, and in what. */
	struct generation *generation;
	unsigned slot;
	bool is_first; /* of this slot in its generation: it may be somebody's heir */
	struct runtime runtime;
	struct proxy *proxy;

	struct channel channel; /* to the master */

	/* How late it is tells how long things that are ready wait for the loop. */
	ev_timer beat;
	int64_t beat_due_us;

	/* NOTICED: until it drains. DRAINS: the end, if the proxy does not end before. */
	ev_timer drain;
};

static struct board_worker *worker_row(const struct worker *w)
{
	return &w->generation->board->workers[w->slot];
}

/* A late beat tells how long things that are ready wait for the loop. */
static void note_lag(struct worker *w)
{
	int64_t now_us = w->runtime.loop.now_us;
	int64_t late_us = w->beat_due_us == 0 ? 0 : now_us - w->beat_due_us;
	uint64_t worst = atomic_load_explicit(&worker_row(w)->lag_us, memory_order_relaxed);

	worst -= worst / 8;
	if (late_us > 0 && (uint64_t)late_us > worst)
		worst = (uint64_t)late_us;
	atomic_store_explicit(&worker_row(w)->lag_us, worst, memory_order_relaxed);
	w->beat_due_us = now_us + (int64_t)BEAT_MS * 1000;
}

static void worker_beat_cb(struct ev_loop *ev, ev_timer *t, int events)
{
	struct worker *w = container_of(t, struct worker, beat);

	(void)ev, (void)events;
	loop_note_beat(&w->runtime.loop);
	atomic_store_explicit(&worker_row(w)->lua_bytes, w->runtime.policies->vm.memory.used,
			      memory_order_relaxed);
	atomic_store_explicit(&worker_row(w)->light_tls, tls_worker_light(&w->runtime.loop),
			      memory_order_relaxed);
	note_lag(w);
	trim_look(&w->runtime.loop);
}

static void on_state_change(void *ctx)
{
	const struct worker *w = ctx;
	const uint64_t once = 1;

	/* It fails only when the agent has 2^64 - 2 wake-ups to read. */
	(void)!write(w->generation->wake_fd, &once, sizeof(once));
}

static void on_drained(void *ctx)
{
	struct worker *w = ctx;

	loop_break(&w->runtime.loop);
}

static uint32_t longest_drain_ms(const struct conf *c)
{
	uint32_t longest = 0;

	for (unsigned i = 0; i < c->services_n; i++) {
		if (c->services[i].timeouts.drain > longest)
			longest = c->services[i].timeouts.drain;
	}
	return longest;
}

static uint32_t longest_notice_ms(const struct conf *c)
{
	uint32_t longest = 0;

	for (unsigned i = 0; i < c->services_n; i++) {
		if (c->services[i].timeouts.notice > longest)
			longest = c->services[i].timeouts.notice;
	}
	return longest;
}

static void drain_worker(struct worker *w, enum proxy_drain how)
{
	struct loop *loop = &w->runtime.loop;

	if (w->state == WORKER_DRAINS) {
		(void)channel_send(&w->channel, MESSAGE_LEFT, NULL); /* as before */
		return;
	}
	w->state = WORKER_DRAINS;
	ev_timer_stop(loop->ev, &w->drain);
	/* A little later than the proxy's own deadline for idle connections. */
	ev_timer_set(&w->drain, longest_drain_ms(&w->runtime.conf) / 1e3 + 0.25, 0);
	ev_timer_start(loop->ev, &w->drain);
	proxy_drain(w->proxy, how, on_drained, w);
	/* A client that connects now is refused, and does not wait in vain. */
	sockets_close(w->generation->sockets);
	(void)channel_send(&w->channel, MESSAGE_LEFT, NULL);
}

static void drain_cb(struct ev_loop *ev, ev_timer *t, int events)
{
	struct worker *w = container_of(t, struct worker, drain);

	(void)ev, (void)events;
	if (w->state == WORKER_NOTICED)
		drain_worker(w, PROXY_DRAIN_SOON);
	else
		loop_break(&w->runtime.loop);
}

/* Who asks /healthz hears of it first. */
static void give_notice(struct worker *w)
{
	uint32_t ms = longest_notice_ms(&w->runtime.conf);

	if (ms == 0 || w->state != WORKER_SERVES) {
		drain_worker(w, PROXY_DRAIN_SOON);
		return;
	}
	w->state = WORKER_NOTICED;
	ev_timer_set(&w->drain, ms / 1e3, 0);
	ev_timer_start(w->runtime.loop.ev, &w->drain);
}

/* The log's descriptor comes along, as for the agent. */
static void reopen_worker_log(struct worker *w, const char *target)
{
	enum log_level level = (enum log_level)w->runtime.conf.log_level;
	int fd = w->channel.passed_fd;
	struct error e;

	w->channel.passed_fd = -1;
	if ((fd >= 0 ? log_take(target, level, fd, &e) : log_reopen(&e)) != ERR_OK)
		log_error("log: %s", e.text);
	proxy_reopen_log(w->proxy);
}

static void begin_accepting(struct worker *w)
{
	if (w->generation->settings->must_detach)
		daemon_let_go();
	proxy_start(w->proxy);
}

static bool next_number(struct str *rest, unsigned *to)
{
	struct str word;
	uint64_t number;

	if (!str_split(rest, ' ', &word) || !num_parse_u64(word, UINT16_MAX, &number))
		return false;
	*to = (unsigned)number;
	return true;
}

static void stand_in(struct worker *w, struct str text)
{
	struct error e;
	unsigned slot;
	struct proxy_place place;
	int fd = w->channel.passed_fd;

	if (fd < 0 || !next_number(&text, &slot) || !next_number(&text, &place.service) ||
	    !next_number(&text, &place.listen) || w->state == WORKER_DRAINS)
		return;
	if (proxy_stand_in(w->proxy, slot, place, fd, &e) == ERR_OK)
		w->channel.passed_fd = -1;
	else
		log_error("cannot accept in the place of worker %u: %s", slot, e.text);
}

static void stand_down(struct worker *w, struct str text)
{
	unsigned slot;

	if (next_number(&text, &slot))
		proxy_stand_down(w->proxy, slot);
}

static void on_order_to_worker(struct channel *c, const struct message *m)
{
	struct worker *w = c->owner;

	if (m->kind == MESSAGE_GO)
		begin_accepting(w);
	else if (m->kind == MESSAGE_DRAIN)
		give_notice(w);
	else if (m->kind == MESSAGE_RETIRE)
		drain_worker(w, PROXY_DRAIN_LATE);
	else if (m->kind == MESSAGE_REOPEN_LOG)
		reopen_worker_log(w, m->text);
	else if (m->kind == MESSAGE_STAND_IN)
		stand_in(w, str_of(m->text));
	else if (m->kind == MESSAGE_STAND_DOWN)
		stand_down(w, str_of(m->text));
	else if (m->kind == MESSAGE_STOP)
		loop_break(&w->runtime.loop);
}

static void on_worker_orphaned(struct channel *c)
{
	struct worker *w = c->owner;

	loop_break(&w->runtime.loop);
}

static enum err listen_use(struct worker *w, const struct socket_use *use, struct error *e)
{
	struct proxy_place place = { use->service, use->listen };

	for (unsigned i = w->slot; i < use->fds_n; i += w->generation->set.workers) {
		enum err err = proxy_listen(w->proxy, place, use->row->fds[i], e);
		if (err != ERR_OK)
			return err;
	}
	return ERR_OK;
}

static enum err listen_all(struct worker *w, struct error *e)
{
	const struct socket_set *set = &w->generation->set;

	for (unsigned i = 0; i < set->uses_n; i++) {
		enum err err = listen_use(w, &set->uses[i], e);
		if (err != ERR_OK)
			return err;
	}
	return ERR_OK;
}

static enum err build(struct worker *w, struct error *e)
{
	const struct socket_passage *passage = &w->generation->sockets->passages[w->slot];
	bool is_heir = w->is_first && w->generation->set.inherits[w->slot];
	struct proxy_options o = {
		.loop = &w->runtime.loop,
		.timers = &w->runtime.timers,
		.board = w->generation->board,
		.worker = w->slot,
		.conf = &w->runtime.conf,
		.policies = w->runtime.policies,
		.secrets = w->runtime.secrets,
		.wake_fds = w->generation->wakers.fds,
		.give = passage->give != 0 ? passage->give : -1,
		.take = is_heir ? passage->take : -1,
		.on_state_change = on_state_change,
		.ctx = w,
	};

	const struct generation *g = w->generation;
	enum err err = plan_check_same(&g->plan, &w->runtime.conf, g->settings->config, e);
	if (err != ERR_OK)
		return err;
	if (flows_are_wanted(&w->runtime.conf))
		limits_raise_own(); /* a flow may need a socket of its own */
	limits_fit(&w->runtime.conf);
	err = plan_fix_paths(&w->runtime.conf, g->settings, e);
	if (err == ERR_OK)
		err = proxy_create(&w->proxy, &o, e);
	return err == ERR_OK ? listen_all(w, e) : err;
}

static enum err load_worker(struct worker *w, struct error *e)
{
	struct generation *g = w->generation;
	int store_fds[BOARD_STORES_MAX];
	stores_list(&g->stores, store_fds);
	struct runtime_options o = {
		.settings = g->settings,
		.identity = &g->identity,
		.board = g->board,
		.memfd = g->memfd,
		.secrets = g->secrets,
		.worker = (int)w->slot,
		.store_fds = store_fds,
		.store_fds_n = g->stores.n,
		.on_state_change = on_state_change,
		.ctx = w,
	};
	enum err err = runtime_init(&w->runtime, &o, e);

	if (err != ERR_OK)
		return err;
	err = build(w, e);
	if (err == ERR_OK)
		return ERR_OK;
	if (w->proxy != NULL)
		proxy_destroy(w->proxy);
	runtime_fini(&w->runtime);
	return err;
}

static void run_worker(struct worker *w, int channel)
{
	struct loop *loop = &w->runtime.loop;

	channel_init(&w->channel, loop, channel);
	w->channel.owner = w;
	w->channel.takes_fds = true;
	w->channel.on_message = on_order_to_worker;
	w->channel.on_closed = on_worker_orphaned;
	loop->beat = &worker_row(w)->beat;
	ev_timer_init(&w->beat, worker_beat_cb, 0, BEAT_MS / 1e3);
	ev_timer_init(&w->drain, drain_cb, 0, 0);
	ev_timer_start(loop->ev, &w->beat);
	channel_start(&w->channel);
	(void)channel_send(&w->channel, MESSAGE_READY, NULL);
	loop_run(loop);
	ev_timer_stop(loop->ev, &w->beat);
	ev_timer_stop(loop->ev, &w->drain);
	channel_close(&w->channel);
}

int worker_main(void *ward, int channel)
{
	struct ward *self = ward;
	struct worker w = { .generation = self->owner, .slot = self->slot };
	struct error e;

	generation_in_child(w.generation);
	title_set("neap: worker %u (generation %u)", w.slot, w.generation->number);
	generation_forget_previous(w.generation); /* only the agent looks at it */
	sockets_keep_slot(w.generation->sockets, &w.generation->set, w.slot);
	atomic_store(&worker_row(&w)->generation, w.generation->number);
	atomic_store(&worker_row(&w)->pid, (int32_t)getpid());
	w.is_first = atomic_fetch_add(&worker_row(&w)->starts, 1) == 0;
	if (load_worker(&w, &e) != ERR_OK) {
		(void)message_send(channel, MESSAGE_ERROR, e.text);
		return 1;
	}
	run_worker(&w, channel);
	proxy_destroy(w.proxy);
	runtime_fini(&w.runtime);
	sockets_close(w.generation->sockets);
	return 0;
}

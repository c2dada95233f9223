#include "app/worker.h"

#include <unistd.h>

#include "app/daemon.h"
#include "app/generation.h"
#include "app/limits.h"
#include "app/plan.h"
#include "app/runtime.h"
#include "app/title.h"
#include "base/log.h"
#include "proxy/proxy.h"

enum { BEAT_MS = 400 };

struct worker {
	struct generation *generation;
	unsigned slot;
	struct runtime runtime;
	struct proxy *proxy;
	struct channel channel;
	ev_timer beat;
	int64_t beat_due_us;
	ev_timer drain; /* the end, if the proxy did not get to its own */
};

static struct board_worker *row(const struct worker *w)
{
	return &w->generation->board->workers[w->slot];
}

/* How late the beat is tells how long what is ready waits for the loop. */
static void note_lag(struct worker *w)
{
	int64_t now_us = w->runtime.loop.now_us;
	int64_t late_us = w->beat_due_us == 0 ? 0 : now_us - w->beat_due_us;
	uint64_t worst = atomic_load_explicit(&row(w)->lag_us, memory_order_relaxed);

	worst -= worst / 8;
	if (late_us > 0 && (uint64_t)late_us > worst)
		worst = (uint64_t)late_us;
	atomic_store_explicit(&row(w)->lag_us, worst, memory_order_relaxed);
	w->beat_due_us = now_us + (int64_t)BEAT_MS * 1000;
}

static void beat_cb(struct ev_loop *ev, ev_timer *t, int events)
{
	struct worker *w = container_of(t, struct worker, beat);

	(void)ev, (void)events;
	atomic_fetch_add_explicit(&row(w)->beat, 1, memory_order_relaxed);
	atomic_store_explicit(&row(w)->lua_bytes, vm_memory(w->runtime.vm), memory_order_relaxed);
	note_lag(w);
}

static void on_state_change(void *ctx)
{
	const struct worker *w = ctx;
	const uint64_t once = 1;

	/* Fails only when the agent has 2^64 - 2 wake-ups to read. */
	(void)!write(w->generation->wake_fd, &once, sizeof(once));
}

static void on_drained(void *ctx)
{
	struct worker *w = ctx;

	loop_break(&w->runtime.loop);
}

static void drain_cb(struct ev_loop *ev, ev_timer *t, int events)
{
	struct worker *w = container_of(t, struct worker, drain);

	(void)ev, (void)events;
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

static void drain(struct worker *w, enum proxy_drain how)
{
	struct loop *loop = &w->runtime.loop;

	if (ev_is_active(&w->drain)) {
		(void)channel_send(&w->channel, MESSAGE_DEAF, NULL); /* as before */
		return;
	}
	/* A little later than the proxy's own deadline for the idle ones. */
	ev_timer_set(&w->drain, longest_drain_ms(&w->runtime.conf) / 1e3 + 0.25, 0);
	ev_timer_start(loop->ev, &w->drain);
	proxy_drain(w->proxy, how, on_drained, w);
	sockets_close(w->generation->sockets); /* what comes now is refused, not left waiting */
	(void)channel_send(&w->channel, MESSAGE_DEAF, NULL);
}

static void reopen_log(struct worker *w)
{
	struct error e;

	if (log_reopen(&e) != ERR_OK)
		log_error("log: %s", e.text);
	proxy_reopen_log(w->proxy);
}

static void begin(struct worker *w)
{
	if (w->generation->settings->must_detach)
		daemon_let_go();
	proxy_start(w->proxy);
}

static void on_message(struct channel *c, const struct message *m)
{
	struct worker *w = c->owner;

	if (m->kind == MESSAGE_GO)
		begin(w);
	else if (m->kind == MESSAGE_DRAIN)
		drain(w, PROXY_DRAIN_SOON);
	else if (m->kind == MESSAGE_RETIRE)
		drain(w, PROXY_DRAIN_LATE);
	else if (m->kind == MESSAGE_REOPEN_LOG)
		reopen_log(w);
	else if (m->kind == MESSAGE_STOP)
		loop_break(&w->runtime.loop);
}

static void on_closed(struct channel *c)
{
	struct worker *w = c->owner;

	loop_break(&w->runtime.loop);
}

static enum err listen_use(struct worker *w, const struct socket_use *use, struct error *e)
{
	for (unsigned i = w->slot; i < use->fds_n; i += w->generation->set.workers) {
		enum err err = proxy_listen(w->proxy, use->service, use->row->fds[i], e);
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
	struct proxy_options o = {
		.loop = &w->runtime.loop,
		.timers = &w->runtime.timers,
		.board = w->generation->board,
		.worker = w->slot,
		.conf = &w->runtime.conf,
		.vm = w->runtime.vm,
		.wake_fds = w->generation->wakers.fds,
		.on_state_change = on_state_change,
		.ctx = w,
	};

	if (w->runtime.conf.digest != w->generation->plan.digest)
		return err_set(e, ERR_INVALID,
			       "%s: the config gives different settings each time it is evaluated",
			       w->generation->settings->config);
	limits_fit(&w->runtime.conf);
	enum err err = plan_fix_paths(&w->runtime.conf, w->generation->settings, e);
	if (err == ERR_OK)
		err = proxy_create(&w->proxy, &o, e);
	return err == ERR_OK ? listen_all(w, e) : err;
}

static enum err load(struct worker *w, struct error *e)
{
	struct generation *g = w->generation;
	struct runtime_options o = {
		.settings = g->settings,
		.identity = &g->identity,
		.board = g->board,
		.memfd = g->memfd,
		.worker = (int)w->slot,
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

static void run(struct worker *w, int channel)
{
	struct loop *loop = &w->runtime.loop;

	channel_init(&w->channel, loop, channel);
	w->channel.owner = w;
	w->channel.on_message = on_message;
	w->channel.on_closed = on_closed;
	ev_timer_init(&w->beat, beat_cb, 0, BEAT_MS / 1e3);
	ev_timer_init(&w->drain, drain_cb, 0, 0);
	ev_timer_start(loop->ev, &w->beat);
	channel_start(&w->channel);
	(void)channel_send(&w->channel, MESSAGE_READY, NULL);
	loop_run(loop);
	ev_timer_stop(loop->ev, &w->beat);
	ev_timer_stop(loop->ev, &w->drain);
	channel_close(&w->channel);
}

/* The agent alone looks at it. */
static void forget_previous(struct generation *g)
{
	if (g->previous != NULL)
		board_destroy((struct board *)(uintptr_t)g->previous);
	g->previous = NULL;
}

int worker_main(void *ward, int channel)
{
	struct ward *self = ward;
	struct worker w = { .generation = self->owner, .slot = self->slot };
	struct error e;

	generation_in_child(w.generation);
	title_set("neap: worker %u (generation %u)", w.slot, w.generation->number);
	forget_previous(w.generation);
	sockets_keep_slot(w.generation->sockets, &w.generation->set, w.slot);
	atomic_store(&row(&w)->generation, w.generation->number);
	atomic_store(&row(&w)->pid, (int32_t)getpid());
	atomic_fetch_add(&row(&w)->starts, 1);
	if (load(&w, &e) != ERR_OK) {
		(void)message_send(channel, MESSAGE_ERROR, e.text);
		return 1;
	}
	run(&w, channel);
	proxy_destroy(w.proxy);
	runtime_fini(&w.runtime);
	sockets_close(w.generation->sockets);
	return 0;
}

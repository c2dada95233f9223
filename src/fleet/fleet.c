#include "fleet/fleet.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "shm/board.h"
#include "shm/board_carry.h"
#include "shm/board_life.h"

enum { SHARE_MS = 1000, PATIENCE_MS = 1000 };

static struct generation *of_node(struct list *node)
{
	return container_of(node, struct generation, node);
}

static void each_generation(struct fleet *f, void (*call)(struct generation *g))
{
	if (f->serving != NULL)
		call(f->serving);
	if (f->next != NULL)
		call(f->next);
	for (struct list *n = f->draining.next, *after; n != &f->draining; n = after) {
		after = n->next;
		call(of_node(n));
	}
}

/* ---- results ---- */

static void publish_life(const struct fleet *f, struct board *b)
{
	atomic_store(&b->life.started_ms, f->started_ms);
	atomic_store(&b->life.reloads, f->reloads);
	atomic_store(&b->life.failures, f->failures);
}

static void tell_asker(struct generation *g, bool is_ok, const char *text)
{
	if (g->asks == 1)
		generation_answer(g, is_ok ? MESSAGE_RELOADED : MESSAGE_REFUSED, text);
	g->asks = g->asks > 0 ? g->asks - 1 : 0;
}

static void tell_result(struct fleet *f, bool is_ok, const char *text)
{
	f->reloads++;
	f->failures += is_ok ? 0 : 1;
	publish_life(f, f->serving->board);
	board_life_note(f->serving->board, is_ok ? STR("") : str_of(text), clock_wall_ms());
	tell_asker(f->serving, is_ok, text);
	for (struct list *n = f->draining.next; n != &f->draining; n = n->next)
		tell_asker(of_node(n), is_ok, text);
	f->on_result(f, is_ok, text);
}

/* ---- a generation begins, serves, ends ---- */

static void begin_generation(struct fleet *f);

static void begin_again(struct fleet *f)
{
	if (f->wish != FLEET_RELOAD || fleet_is_busy(f))
		return;
	f->wish = FLEET_SERVE;
	begin_generation(f);
}

static enum err on_generation_plan(struct generation *g, struct error *e)
{
	struct fleet *f = g->owner;
	enum err err = f->on_plan(f, g, e);

	return err == ERR_OK ? sockets_claim(f->sockets, &g->set, &g->plan, e) : err;
}

static enum err on_generation_commit(struct generation *g, struct error *e)
{
	struct fleet *f = g->owner;
	enum err err = sockets_commit(&g->set, e);

	if (err == ERR_OK)
		err = f->on_commit(f, g, e);
	struct board *from = f->serving != NULL ? f->serving->board : f->inherited;
	if (err == ERR_OK && from != NULL)
		board_take(g->board, from, true);
	return err;
}

static void cut_surplus(struct fleet *f)
{
	for (struct list *n = f->draining.next; n != &f->draining; n = n->next) {
		struct generation *g = of_node(n);
		if (f->draining_n <= FLEET_DRAINING_MAX || g->state == GENERATION_STOPPING)
			continue;
		log_warn("generation %u still drains, and %u younger ones do: it is cut", g->number,
			 FLEET_DRAINING_MAX);
		generation_stop(g);
		return;
	}
}

static void retire_generation(struct fleet *f, struct generation *g)
{
	list_append(&f->draining, &g->node);
	f->draining_n++;
	generation_retire(g);
	sockets_release(f->sockets, &g->set);
	cut_surplus(f);
}

/* What draining generations have in flight counts for the one that serves. */
static void share(struct fleet *f)
{
	struct board *boards[FLEET_DRAINING_MAX + 2];
	unsigned count = 0;

	for (struct list *n = f->draining.next; n != &f->draining && count < countof(boards);
	     n = n->next)
		boards[count++] = of_node(n)->board;
	board_share(f->serving->board, boards, count);
}

/*
 * The generation that leaves accepts no more, or has had its time. Only now it is said that the
 * other one serves: a client that hears so and connects must not meet the old config.
 */
static void settle_leaving(struct fleet *f)
{
	const struct generation *left = f->leaving;
	char number[16];

	f->leaving = NULL;
	ev_timer_stop(f->loop->ev, &f->patience);
	if (left == NULL)
		return;
	if (left == f->serving) {
		f->on_retired(f);
		return;
	}
	(void)snprintf(number, sizeof(number), "%u", f->serving->number);
	f->on_serving(f, f->serving);
	tell_result(f, true, number);
	begin_again(f);
}

static void on_generation_left(struct generation *g)
{
	struct fleet *f = g->owner;

	if (g == f->leaving)
		settle_leaving(f);
}

static void patience_cb(struct ev_loop *ev, ev_timer *t, int events)
{
	struct fleet *f = container_of(t, struct fleet, patience);

	(void)ev, (void)events;
	generation_warn_leaving(f->leaving);
	settle_leaving(f);
}

static void wait_until_left(struct fleet *f)
{
	if (f->leaving == NULL)
		return;
	if (!generation_is_leaving(f->leaving)) {
		settle_leaving(f);
		return;
	}
	ev_timer_set(&f->patience, PATIENCE_MS / 1e3, 0);
	ev_timer_start(f->loop->ev, &f->patience);
}

/* The first generation has taken in what another process knew. */
static void forget_inherited(struct fleet *f)
{
	board_destroy(f->inherited);
	f->inherited = NULL;
	if (f->inherited_journal >= 0)
		(void)close(f->inherited_journal); /* only read from */
	f->inherited_journal = -1;
	stores_close(&f->inherited_stores);
}

static void on_generation_ready(struct generation *g)
{
	struct fleet *f = g->owner;
	struct generation *old = f->serving;

	f->next = NULL;
	f->serving = g;
	g->previous = NULL;
	g->earlier = -1;
	g->earlier_stores = NULL;
	stores_forget_before(&g->stores);
	forget_inherited(f);
	publish_life(f, g->board);
	atomic_store(&g->board->life.serving_ms, clock_wall_ms());
	if (old == NULL) {
		f->on_serving(f, g);
		begin_again(f);
		return;
	}
	f->leaving = old;
	retire_generation(f, old);
	share(f);
	wait_until_left(f);
}

static void reap(struct deferred *d)
{
	struct fleet *f = container_of(d, struct fleet, reap);
	struct list *node;

	while ((node = list_first(&f->gone)) != NULL) {
		list_remove(node);
		generation_fini(of_node(node));
		free(of_node(node));
	}
}

static void bury(struct fleet *f, struct generation *g)
{
	list_remove(&g->node);
	list_append(&f->gone, &g->node);
	loop_defer(f->loop, &f->reap);
}

static void drop_failed(struct fleet *f, struct generation *g)
{
	struct error why = g->error;

	f->next = NULL;
	sockets_release(f->sockets, &g->set);
	f->on_failed(f, g);
	if (f->serving == NULL) {
		if (f->error.code == ERR_OK)
			f->error = why;
	} else if (f->wish != FLEET_END) {
		tell_result(f, false, why.text);
	}
}

static void on_generation_gone(struct generation *g)
{
	struct fleet *f = g->owner;

	if (g == f->leaving)
		settle_leaving(f);
	if (g == f->next) {
		drop_failed(f, g);
	} else if (g == f->serving) {
		f->serving = NULL;
	} else {
		if (f->serving != NULL)
			board_take(f->serving->board, g->board, false);
		f->draining_n--;
	}
	bury(f, g);
	if (f->serving != NULL)
		share(f);
	if (f->serving == NULL && f->next == NULL && f->draining_n == 0)
		f->on_over(f);
	else
		begin_again(f);
}

static void on_generation_reload(struct generation *g)
{
	struct fleet *f = g->owner;

	g->asks = fleet_ask(f);
}

static void on_generation_warning(struct generation *g, const char *text)
{
	struct fleet *f = g->owner;

	f->on_warning(f, text);
}

/* ---- in a child ---- */

static void drop_other(struct generation *g, const struct generation *own)
{
	generation_drop_channels(g);
	if (g == own)
		return;
	(void)close(g->memfd);
	(void)close(g->secrets);
	if (g->journal != own->earlier)
		(void)close(g->journal);
	(void)close(g->wake_fd);
	stores_close(&g->stores);
	if (g->board != own->previous)
		board_destroy(g->board);
}

static void on_generation_fork(struct generation *g)
{
	struct fleet *f = g->owner;

	if (f->serving != NULL)
		drop_other(f->serving, g);
	if (f->next != NULL)
		drop_other(f->next, g);
	for (struct list *n = f->draining.next; n != &f->draining; n = n->next)
		drop_other(of_node(n), g);
	stores_close(&f->inherited_stores);
	f->on_fork(f);
}

/* ---- what the owner asks for ---- */

static struct generation *make_generation(struct fleet *f, struct error *e)
{
	struct generation *g = calloc(1, sizeof(*g));

	if (g == NULL) {
		(void)err_set(e, ERR_MEMORY, "out of memory");
		return NULL;
	}
	g->number = ++f->last_number;
	g->loop = f->loop;
	g->settings = f->settings;
	g->mains = f->mains;
	g->sockets = f->sockets;
	g->admin = f->admin;
	g->previous = f->serving != NULL ? f->serving->board : f->inherited;
	g->earlier = f->serving != NULL ? f->serving->journal : f->inherited_journal;
	g->earlier_stores = f->serving != NULL ? &f->serving->stores : &f->inherited_stores;
	g->owner = f;
	g->trial_state = f->serving != NULL || f->takes_over ? GENERATION_TRIAL_DUE
							     : GENERATION_TRIAL_NONE;
	g->on_plan = on_generation_plan;
	g->on_commit = on_generation_commit;
	g->on_ready = on_generation_ready;
	g->on_gone = on_generation_gone;
	g->on_left = on_generation_left;
	g->on_reload = on_generation_reload;
	g->on_warning = on_generation_warning;
	g->on_fork = on_generation_fork;
	if (generation_init(g, e) == ERR_OK)
		return g;
	free(g);
	return NULL;
}

static void begin_generation(struct fleet *f)
{
	struct error e;
	struct generation *g = make_generation(f, &e);

	if (f->serving != NULL)
		f->on_begin(f);
	if (g == NULL && f->serving == NULL) {
		f->error = e;
		f->on_over(f);
	} else if (g == NULL) {
		tell_result(f, false, e.text);
	} else {
		atomic_store(&g->board->life.generation, g->number);
		atomic_store(&g->board->life.began_ms, clock_wall_ms());
		(void)str_copy(g->board->life.config, sizeof(g->board->life.config),
			       str_of(f->settings->config));
		f->next = g;
		generation_start(g);
	}
}

void fleet_init(struct fleet *f)
{
	list_init(&f->draining);
	list_init(&f->gone);
	deferred_init(&f->reap, reap);
	ev_timer_init(&f->patience, patience_cb, 0, 0);
	if (f->inherited != NULL)
		f->last_number = atomic_load(&f->inherited->life.generation);
	f->started_ms = clock_wall_ms();
}

void fleet_fini(struct fleet *f)
{
	ev_timer_stop(f->loop->ev, &f->patience);
	loop_defer_cancel(&f->reap);
	reap(&f->reap);
	forget_inherited(f);
}

void fleet_start(struct fleet *f)
{
	begin_generation(f);
}

bool fleet_is_busy(const struct fleet *f)
{
	return f->next != NULL || f->leaving != NULL;
}

void fleet_reload(struct fleet *f)
{
	if (f->wish == FLEET_END)
		return;
	if (fleet_is_busy(f))
		f->wish = FLEET_RELOAD;
	else
		begin_generation(f);
}

unsigned fleet_ask(struct fleet *f)
{
	/* What is under way may have read the files before they changed. */
	unsigned results = fleet_is_busy(f) && f->serving != NULL ? 2 : 1;

	if (f->wish == FLEET_END)
		return 0;
	fleet_reload(f);
	return results;
}

void fleet_stop(struct fleet *f)
{
	f->wish = FLEET_END;
	settle_leaving(f);
	each_generation(f, generation_stop);
}

/* The addresses are free for another instance once the workers have closed them, too. */
static void release_all(struct fleet *f)
{
	if (f->serving != NULL)
		sockets_release(f->sockets, &f->serving->set);
	if (f->next != NULL)
		sockets_release(f->sockets, &f->next->set);
}

void fleet_drain(struct fleet *f)
{
	f->wish = FLEET_END;
	settle_leaving(f);
	each_generation(f, generation_drain);
	release_all(f);
}

static void retire_or_stop(struct generation *g)
{
	if (g->state == GENERATION_SERVING)
		generation_retire(g);
	else if (g->state != GENERATION_DRAINING)
		generation_stop(g);
}

void fleet_retire(struct fleet *f)
{
	f->wish = FLEET_END;
	settle_leaving(f);
	f->leaving = f->serving;
	each_generation(f, retire_or_stop);
	release_all(f);
	wait_until_left(f);
}

void fleet_reopen_logs(struct fleet *f)
{
	each_generation(f, generation_reopen_logs);
}

bool fleet_ended(struct fleet *f, pid_t pid, int status)
{
	if (f->serving != NULL && generation_ended(f->serving, pid, status))
		return true;
	if (f->next != NULL && generation_ended(f->next, pid, status))
		return true;
	for (struct list *n = f->draining.next; n != &f->draining; n = n->next) {
		if (generation_ended(of_node(n), pid, status))
			return true;
	}
	return false;
}

void fleet_look(struct fleet *f)
{
	int64_t now_ms = loop_now_ms(f->loop);

	heart_begin(&f->heart, now_ms);
	if (f->serving != NULL)
		heart_look(&f->heart, f->serving);
	if (f->next != NULL)
		heart_look(&f->heart, f->next);
	for (struct list *n = f->draining.next; n != &f->draining; n = n->next)
		heart_look(&f->heart, of_node(n));
	if (f->serving != NULL && f->draining_n > 0 && now_ms - f->shared_ms >= SHARE_MS) {
		share(f);
		f->shared_ms = now_ms;
	}
}

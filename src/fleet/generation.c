#include "fleet/generation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "fleet/autopsy.h"
#include "fleet/plan.h"
#include "shm/board.h"
#include "shm/board_clear.h"
#include "shm/board_tickets.h"

enum { STOP_MS = 1000, PUBLISH_MS = 15000 };

static bool is_starting(const struct generation *g)
{
	return g->state < GENERATION_SERVING;
}

static bool has_workers(const struct generation *g)
{
	for (unsigned i = 0; i < g->plan.workers; i++) {
		if (ward_has_process(&g->workers[i]))
			return true;
	}
	return false;
}

static bool has_processes(const struct generation *g)
{
	return ward_has_process(&g->probe) || ward_has_process(&g->agent) ||
	       ward_has_process(&g->trial) || has_workers(g);
}

static bool each_leaving(const struct generation *g,
			 void (*call)(const struct generation *g, const struct ward *w))
{
	bool is_any = g->agent.is_leaving;

	if (is_any && call != NULL)
		call(g, &g->agent);
	for (unsigned i = 0; i < g->plan.workers; i++) {
		if (!g->workers[i].is_leaving)
			continue;
		is_any = true;
		if (call != NULL)
			call(g, &g->workers[i]);
	}
	return is_any;
}

bool generation_is_leaving(const struct generation *g)
{
	return each_leaving(g, NULL);
}

static void start_ward(struct generation *g, struct ward *w)
{
	struct error e;

	if (ward_start(w, WARD_LOAD_MS, &e) != ERR_OK)
		generation_fail(g, e.text);
}

/* Only the agent of the generation that serves gets the admin side's socket. */
static void give_admin(struct generation *g)
{
	if (g->state == GENERATION_SERVING && g->agent.state == WARD_READY && g->admin->fd >= 0)
		(void)channel_send_fd(&g->agent.channel, MESSAGE_ADMIN, NULL, g->admin->fd);
}

static void check_ready(struct generation *g)
{
	if (g->state != GENERATION_STARTING || g->agent.state != WARD_READY ||
	    g->trial_state == GENERATION_TRIAL_DUE || ward_has_process(&g->trial))
		return;
	for (unsigned i = 0; i < g->plan.workers; i++) {
		if (g->workers[i].state != WARD_READY)
			return;
	}
	struct error e;
	if (g->on_commit(g, &e) != ERR_OK) {
		generation_fail(g, e.text);
		return;
	}
	g->state = GENERATION_SERVING;
	for (unsigned i = 0; i < g->plan.workers; i++)
		(void)channel_send(&g->workers[i].channel, MESSAGE_GO, NULL);
	g->on_ready(g);
	give_admin(g);
}

static void start_workers(struct generation *g)
{
	g->state = GENERATION_STARTING;
	if (g->trial_state == GENERATION_TRIAL_DUE)
		start_ward(g, &g->trial);
	for (unsigned i = 0; i < g->plan.workers && g->state == GENERATION_STARTING; i++)
		start_ward(g, &g->workers[i]);
}

/* While a reload to another target is under way, the master's log is not this generation's. */
static void send_log(const struct generation *g, const struct ward *w, enum message_kind kind)
{
	if (strcmp(log_target(), g->plan.log_target) == 0)
		(void)channel_send_fd(&w->channel, kind, g->plan.log_target, log_fd());
	else
		(void)channel_send(&w->channel, kind, g->plan.log_target);
}

/* The agent was forked before the plan named them. */
static void send_stores(const struct generation *g)
{
	char number[16];

	for (unsigned i = 0; i < g->stores.n; i++) {
		const struct store_keep *row = &g->stores.rows[i];
		(void)snprintf(number, sizeof(number), "%u", i);
		(void)channel_send_fd(&g->agent.channel, MESSAGE_STORE, number, row->fd);
		if (row->before >= 0)
			(void)channel_send_fd(&g->agent.channel, MESSAGE_STORE_BEFORE, number,
					      row->before);
	}
}

static void accept_plan(struct generation *g)
{
	struct error e;

	if (g->state == GENERATION_LOADING) {
		if (plan_read(&g->plan, &g->board->plan, g->settings, &e) != ERR_OK ||
		    wakers_open(&g->wakers, g->plan.workers, &e) != ERR_OK ||
		    stores_claim(&g->stores, &g->plan, g->earlier_stores, &e) != ERR_OK ||
		    g->on_plan(g, &e) != ERR_OK) {
			generation_fail(g, e.text);
			return;
		}
		start_workers(g);
	}
	send_stores(g);
	send_log(g, &g->agent, MESSAGE_GO);
	ward_expect(&g->agent, PUBLISH_MS);
}

static void note_left(struct generation *g, struct ward *w)
{
	w->is_leaving = false;
	if (g->state >= GENERATION_DRAINING && !generation_is_leaving(g))
		g->on_left(g);
}

static void on_agent_message(struct ward *w, const struct message *m)
{
	struct generation *g = w->owner;

	if (m->kind == MESSAGE_WARNING && g->state < GENERATION_SERVING)
		g->on_warning(g, m->text);
	else if (m->kind == MESSAGE_PLAN && g->state <= GENERATION_SERVING) {
		accept_plan(g);
	} else if (m->kind == MESSAGE_READY) {
		ward_set_ready(w);
		give_admin(g);
		check_ready(g);
	} else if (m->kind == MESSAGE_RELOAD &&
		   (g->state == GENERATION_SERVING || g->state == GENERATION_DRAINING)) {
		g->on_reload(g);
	} else if (m->kind == MESSAGE_LEFT) {
		note_left(g, w);
	}
}

static void on_worker_message(struct ward *w, const struct message *m)
{
	struct generation *g = w->owner;

	if (m->kind == MESSAGE_LEFT)
		note_left(g, w);
	if (m->kind != MESSAGE_READY)
		return;
	ward_set_ready(w);
	if (g->state == GENERATION_SERVING) {
		(void)channel_send(&w->channel, MESSAGE_GO, NULL);
		cover_arrange(&g->cover, g->workers, &g->set);
	}
	check_ready(g);
}

static void on_probe_message(struct ward *w, const struct message *m)
{
	struct generation *g = w->owner;
	struct str rest = str_of(m->text), user, group;
	char names[2][CONF_NAME_MAX];
	struct error e;

	if (m->kind != MESSAGE_USER || g->state != GENERATION_PROBING)
		return;
	if (!str_split(&rest, '\n', &user) || !str_split(&rest, '\n', &group) ||
	    !str_copy(names[0], sizeof(names[0]), user) ||
	    !str_copy(names[1], sizeof(names[1]), group))
		return; /* no message of ours: on_end finds no identity */
	if (identity_find(&g->identity, names[0], names[1], &e) == ERR_OK)
		return;
	(void)err_set(&e, e.code, "%s: %s", g->settings->config, e.text);
	(void)str_copy(w->error, sizeof(w->error), str_of(e.text));
}

static void on_trial_message(struct ward *w, const struct message *m)
{
	struct generation *g = w->owner;

	if (m->kind == MESSAGE_WARNING)
		g->on_warning(g, m->text);
	if (m->kind != MESSAGE_READY)
		return;
	ward_set_ready(w);
	g->trial_state = GENERATION_TRIAL_PASSED;
}

/* A failed start is told in the child's own words, or else by how it ended. */
static void fail_by(struct generation *g, const struct ward *w, const char *how)
{
	char text[sizeof(w->error) + 256];

	if (w->error[0] == '\0')
		(void)snprintf(text, sizeof(text), "%s: %s while loading", g->settings->config,
			       how);
	else if (w->was_killed) /* our own words do not name the file */
		(void)snprintf(text, sizeof(text), "%s: %s", g->settings->config, w->error);
	else
		(void)str_copy(text, sizeof(text), str_of(w->error));
	generation_fail(g, text);
}

static void end_step(struct generation *g)
{
	if (g->state == GENERATION_DRAINING && !has_workers(g))
		generation_stop(g);
	else if (g->state == GENERATION_STOPPING && !has_processes(g))
		g->on_gone(g);
}

static bool is_worker(const struct generation *g, const struct ward *w)
{
	return w != &g->probe && w != &g->agent && w != &g->trial;
}

static void replace_process(struct ward *w, const char *how)
{
	struct generation *g = w->owner;

	log_error("%s%s%s; starting another", how, w->error[0] != '\0' ? ": " : "", w->error);
	ward_restart(w);
	if (is_worker(g, w))
		cover_arrange(&g->cover, g->workers, &g->set);
}

/* A worker that dies while it drains is not replaced: others accept in its place. */
static void tell_loss(const struct ward *w, const char *how)
{
	bool is_ours = w->was_killed && w->error[0] == '\0';

	if (strstr(how, " killed ") != NULL && !is_ours)
		log_error("%s%s%s while it drained: its connections are lost", how,
			  w->error[0] != '\0' ? ": " : "", w->error);
}

static void on_end(struct ward *w, const char *how)
{
	struct generation *g = w->owner;

	if (is_worker(g, w)) {
		board_worker_clear(g->board, w->slot);
		wakers_wake_all(&g->wakers); /* its slots are free */
	}
	if (w == &g->trial && g->trial_state == GENERATION_TRIAL_PASSED) {
		check_ready(g);
		end_step(g);
	} else if (is_starting(g) && w == &g->probe && g->identity.kind != IDENTITY_UNKNOWN) {
		g->state = GENERATION_LOADING;
		start_ward(g, &g->agent);
	} else if (is_starting(g)) {
		fail_by(g, w, how);
	} else if (g->state == GENERATION_SERVING) {
		replace_process(w, how);
	} else {
		if (g->state == GENERATION_DRAINING && is_worker(g, w))
			tell_loss(w, how);
		note_left(g, w);
		end_step(g);
	}
}

static void init_ward(struct generation *g, struct ward *w, int (*run)(void *ward, int channel),
		      void (*on_message)(struct ward *self, const struct message *m))
{
	w->owner = g;
	w->run = run;
	w->on_message = on_message;
	w->on_end = on_end;
	ward_init(w, g->loop);
}

static void init_wards(struct generation *g)
{
	(void)str_copy(g->probe.name, sizeof(g->probe.name), STR("config"));
	init_ward(g, &g->probe, g->mains->probe, on_probe_message);
	(void)str_copy(g->agent.name, sizeof(g->agent.name), STR("agent"));
	init_ward(g, &g->agent, g->mains->agent, on_agent_message);
	(void)str_copy(g->trial.name, sizeof(g->trial.name), STR("trial"));
	init_ward(g, &g->trial, g->mains->trial, on_trial_message);
	for (unsigned i = 0; i < BOARD_WORKERS_MAX; i++) {
		struct ward *w = &g->workers[i];
		w->slot = i;
		(void)snprintf(w->name, sizeof(w->name), "worker %u", i);
		init_ward(g, w, g->mains->worker, on_worker_message);
	}
}

enum err generation_init(struct generation *g, struct error *e)
{
	init_wards(g);
	wakers_init(&g->wakers);
	list_init(&g->node);
	g->memfd = memfd_create("neap config", MFD_CLOEXEC);
	g->secrets = memfd_create("neap secrets", MFD_CLOEXEC);
	g->journal = memfd_create("neap changes", MFD_CLOEXEC);
	g->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	enum err err = ERR_OK;
	if (g->memfd < 0 || g->secrets < 0 || g->journal < 0 || g->wake_fd < 0)
		err = err_sys(e, errno, "memory for the config's files");
	else
		err = board_create(&g->board, e);
	if (err == ERR_OK)
		(void)board_tickets_begin(g->board, time(NULL)); /* else a worker does */
	else
		generation_fini(g);
	return err;
}

void generation_fini(struct generation *g)
{
	ward_fini(&g->probe);
	ward_fini(&g->agent);
	ward_fini(&g->trial);
	for (unsigned i = 0; i < BOARD_WORKERS_MAX; i++)
		ward_fini(&g->workers[i]);
	if (g->memfd >= 0)
		(void)close(g->memfd);
	if (g->secrets >= 0)
		(void)close(g->secrets);
	if (g->journal >= 0)
		(void)close(g->journal);
	if (g->wake_fd >= 0)
		(void)close(g->wake_fd);
	wakers_fini(&g->wakers);
	stores_close(&g->stores);
	board_destroy(g->board);
}

void generation_start(struct generation *g)
{
	bool must_probe = geteuid() == 0;

	g->state = must_probe ? GENERATION_PROBING : GENERATION_LOADING;
	start_ward(g, must_probe ? &g->probe : &g->agent);
}

/* A process that is not ready yet does not accept either. */
static void leave(struct ward *w, enum message_kind kind)
{
	w->is_leaving = w->state == WARD_READY;
	if (w->state != WARD_READY || !channel_send(&w->channel, kind, NULL))
		ward_stop(w, STOP_MS);
}

static void drain_workers(struct generation *g, enum message_kind kind)
{
	g->state = GENERATION_DRAINING;
	for (unsigned i = 0; i < g->plan.workers; i++)
		leave(&g->workers[i], kind);
	end_step(g);
}

void generation_drain(struct generation *g)
{
	if (g->state == GENERATION_SERVING) {
		(void)channel_send(&g->agent.channel, MESSAGE_DRAIN, NULL);
		drain_workers(g, MESSAGE_DRAIN);
	} else if (g->state != GENERATION_DRAINING) {
		generation_stop(g);
	}
}

void generation_retire(struct generation *g)
{
	if (g->state != GENERATION_SERVING)
		return;
	leave(&g->agent, MESSAGE_RETIRE);
	drain_workers(g, MESSAGE_RETIRE);
}

static void warn_leaving(const struct generation *g, const struct ward *w)
{
	log_warn(
		"%s of generation %u has not confirmed that it accepts no more: it is busy, and may"
		" take a connection yet",
		w->name, g->number);
}

void generation_warn_leaving(const struct generation *g)
{
	(void)each_leaving(g, warn_leaving);
}

void generation_answer(struct generation *g, enum message_kind kind, const char *text)
{
	(void)channel_send(&g->agent.channel, kind, text);
}

void generation_stop(struct generation *g)
{
	g->state = GENERATION_STOPPING;
	ward_stop(&g->probe, STOP_MS);
	ward_stop(&g->agent, STOP_MS);
	ward_stop(&g->trial, STOP_MS);
	for (unsigned i = 0; i < g->plan.workers; i++)
		ward_stop(&g->workers[i], STOP_MS);
	end_step(g);
}

void generation_fail(struct generation *g, const char *text)
{
	if (g->error.code == ERR_OK)
		(void)err_set(&g->error, ERR_INVALID, "%s", text);
	generation_stop(g);
}

static void send_opened_log(const struct generation *g, const struct ward *w)
{
	if (w->state == WARD_READY)
		send_log(g, w, MESSAGE_REOPEN_LOG);
}

void generation_reopen_logs(struct generation *g)
{
	send_opened_log(g, &g->agent);
	for (unsigned i = 0; i < g->plan.workers; i++)
		send_opened_log(g, &g->workers[i]);
}

/* A policy may be what killed it. */
static void look_at_death(struct generation *g, pid_t pid, int status)
{
	if (pid == g->agent.pid)
		autopsy(g->board, &g->board->agent, &g->agent, status);
	for (unsigned i = 0; i < g->plan.workers; i++) {
		if (pid == g->workers[i].pid)
			autopsy(g->board, &g->board->workers[i], &g->workers[i], status);
	}
}

bool generation_ended(struct generation *g, pid_t pid, int status)
{
	look_at_death(g, pid, status);
	if (ward_ended(&g->probe, pid, status) || ward_ended(&g->agent, pid, status) ||
	    ward_ended(&g->trial, pid, status))
		return true;
	for (unsigned i = 0; i < g->plan.workers; i++) {
		if (ward_ended(&g->workers[i], pid, status))
			return true;
	}
	return false;
}

static void drop_channel(struct ward *w)
{
	if (w->channel.fd >= 0)
		(void)close(w->channel.fd);
}

void generation_drop_channels(struct generation *g)
{
	drop_channel(&g->probe);
	drop_channel(&g->agent);
	drop_channel(&g->trial);
	for (unsigned i = 0; i < g->plan.workers; i++)
		drop_channel(&g->workers[i]);
}

void generation_forget_previous(struct generation *g)
{
	if (g->previous != NULL)
		board_destroy((struct board *)(uintptr_t)g->previous); /* in this process */
	g->previous = NULL;
	if (g->earlier >= 0)
		(void)close(g->earlier); /* in this process */
	g->earlier = -1;
}

void generation_in_child(struct generation *g)
{
	g->on_fork(g);
	loop_fini(g->loop); /* a copy: the master's own stays as it is */
}

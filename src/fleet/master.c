#include "fleet/master.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "fleet/control.h"
#include "fleet/fleet.h"
#include "fleet/notify.h"
#include "fleet/places.h"
#include "fleet/signals.h"
#include "fleet/upgrade.h"
#include "fleet/watch.h"
#include "shm/board_plan.h"
#include "shm/state.h"

enum { HEART_MS = 250 };

enum master_state {
	MASTER_STARTING,    /* no generation serves yet */
	MASTER_TAKING_OVER, /* one does, but the master before still has the pid file */
	MASTER_SERVING,
	MASTER_OVER, /* no process is left */
};

struct master {
	enum master_state state;
	const struct master_options *options;

	/* What it was started with. The settings are the options', with the folder filled in. */
	struct settings settings;
	char folder[512];
	char config[1024]; /* the config's whole path, or its name where it is no file */
	char binary[512];  /* the path of the program that runs */

	/* What it keeps for its generations. */
	struct sockets sockets;
	struct places places;
	struct fleet fleet;

	/* What asks it for something, and what it tells. */
	struct signals signals;
	struct control control;
	struct watch watch_files;
	struct notify notify;

	/* The masters before and after it. */
	struct channel before; /* to the one whose place this one takes */
	struct upgrade upgrade;

	struct loop loop;
	ev_timer watch;
};

static void warn_of_root(const struct master *m, const struct generation *g)
{
	if (m->fleet.serving == NULL && geteuid() == 0 && g->identity.kind != IDENTITY_ANOTHER &&
	    m->options->kind == MASTER_REAL)
		log_warn("running as root, and all that serves with it: set user in %s",
			 g->settings->text == NULL ? g->settings->config : "a config");
}

static enum err on_plan(struct fleet *f, struct generation *g, struct error *e)
{
	struct master *m = f->owner;
	enum err err = places_claim_log(g, e);

	if (err != ERR_OK)
		return err;
	warn_of_root(m, g);
	return places_claim(&m->places, g, &m->sockets, e);
}

static void log_lines(const char *prefix, const char *text)
{
	struct str rest = str_of(text), line;

	while (str_split(&rest, '\n', &line))
		log_error("%s%.*s", prefix, (int)line.n, line.p);
}

/* why: the last reload failed, or "". */
static void tell_manager(const struct master *m, const char *why)
{
	struct str rest = str_of(why), line = STR("");

	(void)str_split(&rest, '\n', &line);
	notify_tell(&m->notify, "READY=1\nSTATUS=generation %u serves, %u worker%s%s%.*s",
		    m->fleet.serving->number, m->fleet.serving->plan.workers,
		    m->fleet.serving->plan.workers == 1 ? "" : "s",
		    line.n > 0 ? "; reload failed: " : "", (int)line.n, line.p);
}

/* ---- another binary takes over ---- */

static void on_upgraded(struct upgrade *u)
{
	struct master *m = u->owner;

	m->sockets.keeps_files = true;
	admin_socket_close(&m->places.admin);
	watch_close(&m->watch_files);
	fleet_retire(&m->fleet);
}

/* From here on the other master serves all new connections. */
static void on_retired(struct fleet *f)
{
	struct master *m = f->owner;

	log_info("upgraded: process %ld serves; open connections may finish", (long)m->upgrade.pid);
	notify_tell(&m->notify, "MAINPID=%ld", (long)m->upgrade.pid);
	notify_fini(&m->notify); /* the service is that process from here on */
	control_close(&m->control);
	places_release_pid_file(&m->places);
	upgrade_yield(&m->upgrade);
}

static void on_upgrade_failed(struct upgrade *u, const char *why)
{
	(void)u;
	log_lines("upgrade: ", why);
	log_error("upgrade failed: this process goes on serving");
}

static void start_upgrade(struct master *m)
{
	struct error e;

	if (m->options->argv == NULL || m->binary[0] == '\0' || m->fleet.wish == FLEET_END)
		log_warn("upgrade (USR2): not of a demo, and not while it ends");
	else if (m->upgrade.state != UPGRADE_NONE || fleet_is_busy(&m->fleet) ||
		 m->fleet.serving == NULL)
		log_warn("upgrade (USR2): an upgrade or a reload is under way, try again");
	else if (upgrade_start(&m->upgrade, m->fleet.serving, &e) != ERR_OK)
		on_upgrade_failed(&m->upgrade, e.text);
}

static void init_upgrade(struct master *m)
{
	ssize_t n = readlink("/proc/self/exe", m->binary, sizeof(m->binary) - 1);

	m->binary[n > 0 ? n : 0] = '\0';
	m->upgrade = (struct upgrade){
		.binary = m->binary,
		.argv = m->options->argv,
		.settings = &m->settings,
		.sockets = &m->sockets,
		.admin = &m->places.admin,
		.owner = m,
		.on_ready = on_upgraded,
		.on_failed = on_upgrade_failed,
	};
	upgrade_init(&m->upgrade, &m->loop);
}

/* ---- this one takes over ---- */

/* "reloaded: generation 2 serves: " */
static void log_serving(const struct master *m, const char *how)
{
	const struct generation *g = m->fleet.serving;
	char addresses[3072], admin[ADDR_TEXT_MAX] = "";

	sockets_print(&g->set, addresses, sizeof(addresses));
	if (m->places.admin.fd >= 0)
		(void)addr_print(&m->places.admin.addr, admin);
	log_info("%s%s; %u worker%s%s%s", how, addresses, g->plan.workers,
		 g->plan.workers == 1 ? "" : "s", admin[0] != '\0' ? "; admin " : "", admin);
}

/* The master before let go of its pid file, or is gone. */
static void take_pid_file(struct master *m)
{
	channel_close(&m->before);
	if (m->state != MASTER_TAKING_OVER)
		return;
	m->state = MASTER_SERVING;
	places_take_pid_file(&m->places);
	log_serving(m, "ready: ");
	tell_manager(m, "");
}

static void on_before_message(struct channel *c, const struct message *message)
{
	if (message->kind == MESSAGE_GO)
		take_pid_file(c->owner);
}

static void on_before_closed(struct channel *c)
{
	channel_close(c);
	take_pid_file(c->owner);
}

static void init_before(struct master *m)
{
	struct handover *h = m->options->handover;

	channel_init(&m->before, &m->loop, h != NULL ? h->channel : -1);
	m->before.owner = m;
	m->before.on_message = on_before_message;
	m->before.on_closed = on_before_closed;
	m->fleet.inherited_journal = -1;
	if (h == NULL)
		return;
	m->sockets = h->sockets;
	m->places.admin = h->admin;
	m->fleet.inherited = state_read(h->state);
	m->fleet.inherited_journal = h->journal;
	m->fleet.inherited_stores = h->stores;
	if (h->state >= 0)
		(void)close(h->state);
	if (h->channel < 0)
		return;
	m->places.pid = PLACES_PID_BEFORE;
	m->fleet.takes_over = true;
	m->sockets.keeps_files = true; /* until it serves */
	channel_start(&m->before);
}

/* The first generation serves. */
static void begin_serving(struct master *m)
{
	m->sockets.keeps_files = false;
	sockets_prune(&m->sockets);
	m->state = m->places.pid == PLACES_PID_BEFORE ? MASTER_TAKING_OVER : MASTER_SERVING;
	if (m->state == MASTER_SERVING) {
		log_serving(m, "ready: ");
		tell_manager(m, "");
		return;
	}
	if (m->settings.must_detach)
		daemon_let_go();
	if (m->before.fd < 0)
		take_pid_file(m);
	else
		(void)channel_send(&m->before, MESSAGE_READY, NULL);
}

/* ---- what the fleet tells ---- */

static enum err on_commit(struct fleet *f, struct generation *g, struct error *e)
{
	return places_keep(&((struct master *)f->owner)->places, &g->plan, e);
}

static void on_serving(struct fleet *f, const struct generation *g)
{
	struct master *m = f->owner;
	bool is_first = m->state == MASTER_STARTING;
	char how[64];

	(void)snprintf(how, sizeof(how), "reloaded: generation %u serves: ", g->number);
	if (is_first)
		begin_serving(m);
	else
		log_serving(m, how);
	if (is_first && m->options->daemon != NULL)
		daemon_set_ready(m->options->daemon);
	watch_follow(&m->watch_files, g->memfd, g->secrets);
	if (m->options->on_ready != NULL)
		m->options->on_ready(m->options->ctx, &m->loop, g->board);
}

/* All is again as it was before the plan. */
static void on_reload_failed(struct fleet *f, struct generation *g)
{
	struct master *m = f->owner;

	watch_add(&m->watch_files, g->memfd, g->secrets);
	places_give_back(&m->places);
	if (f->serving != NULL)
		places_give_back_log(&m->places);
}

static void on_begin(struct fleet *f)
{
	notify_reloading(&((struct master *)f->owner)->notify);
}

static void on_result(struct fleet *f, bool is_ok, const char *text)
{
	struct master *m = f->owner;

	tell_manager(m, is_ok ? "" : text);
	control_tell(&m->control, is_ok ? MESSAGE_RELOADED : MESSAGE_REFUSED, text);
	if (is_ok)
		return;
	log_lines("reload: ", text);
	log_error("reload failed: generation %u goes on serving", f->serving->number);
}

static void on_warning(struct fleet *f, const char *text)
{
	struct master *m = f->owner;

	control_warn(&m->control, text);
}

static void on_over(struct fleet *f)
{
	struct master *m = f->owner;

	m->state = MASTER_OVER;
	loop_break(&m->loop);
}

static void on_fork(struct fleet *f)
{
	struct master *m = f->owner;

	places_drop(&m->places);
	control_drop(&m->control);
	upgrade_drop(&m->upgrade);
	notify_fini(&m->notify);
	if (m->before.fd >= 0)
		(void)close(m->before.fd);
	if (m->watch_files.fd >= 0)
		(void)close(m->watch_files.fd);
}

static void on_change(struct watch *w, const char *path)
{
	struct master *m = w->owner;

	log_info("%s changed: reloading", path);
	fleet_reload(&m->fleet);
}

static unsigned on_reload_asked(struct control *c)
{
	return fleet_ask(&((struct master *)c->owner)->fleet);
}

static void watch_cb(struct ev_loop *ev, ev_timer *w, int events)
{
	struct master *m = container_of(w, struct master, watch);

	(void)ev, (void)events;
	fleet_look(&m->fleet);
	notify_alive(&m->notify, loop_now_ms(&m->loop));
}

/* ---- signals ---- */

static void reap_children(struct master *m)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (!fleet_ended(&m->fleet, pid, status) &&
		    !upgrade_ended(&m->upgrade, pid, status) && m->options->on_child != NULL)
			m->options->on_child(m->options->ctx, pid, status);
	}
}

static void stop_fleet(struct master *m)
{
	upgrade_stop(&m->upgrade);
	notify_tell(&m->notify, "STOPPING=1\nSTATUS=stopping");
	fleet_stop(&m->fleet);
}

static void drain_fleet(struct master *m)
{
	log_info("draining: open connections may finish");
	upgrade_stop(&m->upgrade);
	notify_tell(&m->notify, "STOPPING=1\nSTATUS=draining");
	fleet_drain(&m->fleet);
}

static void reopen_logs(struct master *m)
{
	struct error e;

	if (log_reopen(&e) != ERR_OK)
		log_error("log: %s", e.text);
	if (m->fleet.serving != NULL)
		places_give_log(m->fleet.serving);
	fleet_reopen_logs(&m->fleet);
}

static void on_master_signal(struct signals *s, enum signals_wish wish)
{
	struct master *m = s->owner;

	switch (wish) {
	case SIGNALS_STOP:
		stop_fleet(m);
		break;
	case SIGNALS_DRAIN:
		drain_fleet(m);
		break;
	case SIGNALS_RELOAD:
		fleet_reload(&m->fleet);
		break;
	case SIGNALS_REOPEN_LOG:
		reopen_logs(m);
		break;
	case SIGNALS_UPGRADE:
		start_upgrade(m);
		break;
	case SIGNALS_REAP:
		reap_children(m);
		break;
	}
}

/* ---- its life ---- */

static void init_fleet(struct master *m)
{
	m->fleet = (struct fleet){
		.loop = &m->loop,
		.settings = &m->settings,
		.mains = m->options->mains,
		.sockets = &m->sockets,
		.admin = &m->places.admin,
		.owner = m,
		.on_plan = on_plan,
		.on_commit = on_commit,
		.on_serving = on_serving,
		.on_failed = on_reload_failed,
		.on_begin = on_begin,
		.on_result = on_result,
		.on_warning = on_warning,
		.on_over = on_over,
		.on_retired = on_retired,
		.on_fork = on_fork,
	};
}

static void serve_until_over(struct master *m)
{
	struct error e;

	signals_start(&m->signals, &m->loop);
	control_open(&m->control, &m->loop, m->options->kind != MASTER_TOY);
	ev_timer_init(&m->watch, watch_cb, HEART_MS / 1e3, HEART_MS / 1e3);
	ev_timer_start(m->loop.ev, &m->watch);
	if (m->settings.must_watch && watch_open(&m->watch_files, &m->loop, &e) != ERR_OK)
		log_error("%s: changes of files are not seen", e.text);
	fleet_start(&m->fleet);
	if (m->state != MASTER_OVER)
		loop_run(&m->loop);
	if (m->options->on_over != NULL)
		m->options->on_over(m->options->ctx, &m->loop);
	signals_stop(&m->signals);
	ev_timer_stop(m->loop.ev, &m->watch);
	control_close(&m->control);
	watch_close(&m->watch_files);
}

/* Runs until all is over, then closes what on_plan opened. */
static enum err live(struct master *m, struct error *e)
{
	init_fleet(m);
	init_before(m);
	fleet_init(&m->fleet);
	init_upgrade(m);
	notify_init(&m->notify);
	serve_until_over(m);
	upgrade_fini(&m->upgrade);
	notify_fini(&m->notify);
	if (m->fleet.error.code != ERR_OK) /* for the log of the master that goes on */
		(void)channel_send(&m->before, MESSAGE_ERROR, m->fleet.error.text);
	channel_close(&m->before);
	sockets_unlink(&m->sockets);
	sockets_close(&m->sockets);
	places_close(&m->places, m->sockets.keeps_files);
	enum err err = m->fleet.error.code;
	if (err == ERR_OK)
		log_info("stopped");
	else
		*e = m->fleet.error;
	fleet_fini(&m->fleet);
	return err;
}

static enum err settle_paths(struct master *m, struct error *e)
{
	m->settings = m->options->settings;
	if (getcwd(m->folder, sizeof(m->folder)) == NULL)
		return err_sys(e, errno, "current folder");
	m->settings.folder = m->folder;
	bool is_whole = m->settings.text != NULL || m->settings.config[0] == '/';
	(void)snprintf(m->config, sizeof(m->config), "%s%s%s", is_whole ? "" : m->folder,
		       is_whole ? "" : "/", m->settings.config); /* cut is fine: it is only shown */
	return ERR_OK;
}

enum err master_run(const struct master_options *o, struct error *e)
{
	struct master *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	m->options = o;
	places_init(&m->places);
	m->signals = (struct signals){ .owner = m, .on_signal = on_master_signal };
	m->watch_files =
		(struct watch){ .fd = -1, .folder = m->folder, .owner = m, .on_change = on_change };
	m->control = (struct control){
		.fd = -1, .owner = m, .config = m->config, .on_reload = on_reload_asked
	};
	enum err err = settle_paths(m, e);
	if (err == ERR_OK)
		err = loop_init(&m->loop, e);
	if (err == ERR_OK) {
		err = live(m, e);
		loop_fini(&m->loop);
	}
	free(m);
	return err;
}

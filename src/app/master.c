#include "app/master.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/control.h"
#include "app/fleet.h"
#include "app/limits.h"
#include "app/notify.h"
#include "app/pid_file.h"
#include "app/plan.h"
#include "app/upgrade.h"
#include "app/watch.h"
#include "base/log.h"
#include "base/syslog.h"
#include "shm/state.h"

enum { HEART_MS = 250 };

struct master {
	const struct master_options *options;
	struct settings settings; /* the options', with what does not depend on the folder */
	char folder[512];
	struct loop loop;
	struct sockets sockets;
	struct admin_socket admin, next_admin;
	struct fleet fleet;
	struct pid_file pid_file, next_pid_file;
	struct control control;
	struct watch watch_files;
	struct upgrade upgrade;
	struct notify notify;
	char binary[512];	/* what runs now, by its path */
	struct channel before;	/* to the master whose place this one takes */
	char pid_path[256];	/* of the pid file that it still holds */
	bool must_wait_for_pid; /* until it lets go of that */
	char log_target[256];	/* of the generation that serves; "": none does yet */
	int log_level;
	ev_timer watch;
	ev_signal term, interrupt, quit, hup, usr1, usr2, child;
	bool is_over, is_ready;
};

/* Workers open it again after rotation with their own rights. */
static void give_log(const struct generation *g)
{
	if (!g->identity.is_set || !plan_logs_to_file(&g->plan))
		return;
	int fd = open(g->plan.log_target, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	    st.st_nlink == 1)
		(void)!fchown(fd, g->identity.uid, (gid_t)-1);
	if (fd >= 0)
		(void)close(fd);
}

static enum err open_log(const struct master *m, const struct generation *g, struct error *e)
{
	const struct board_plan *p = &g->plan;

	if (g->settings->must_detach && !plan_logs_to_file(p) && syslog_path(p->log_target) == NULL)
		return err_set(e, ERR_INVALID,
			       "%s: log.target: a daemon (-d) has no stderr: "
			       "expected \"syslog\" or a path",
			       g->settings->config);
	enum err err = log_open(p->log_target, (enum log_level)p->log_level, e);
	if (err != ERR_OK)
		return err;
	give_log(g);
	if (m->fleet.serving == NULL && geteuid() == 0 && !g->identity.is_set &&
	    !m->options->is_demo)
		log_warn("running as root, and all that serves with it: set user in %s",
			 g->settings->text == NULL ? g->settings->config : "a config");
	return ERR_OK;
}

/* The file that is held already is kept. */
static enum err open_pid_file(struct master *m, const char *path, struct error *e)
{
	if (m->must_wait_for_pid) {
		(void)str_copy(m->pid_path, sizeof(m->pid_path), str_of(path));
		return ERR_OK;
	}
	if (path[0] == '\0' ||
	    (m->pid_file.fd >= 0 && str_eq(str_of(path), str_of(m->pid_file.path))))
		return ERR_OK;
	return pid_file_open(&m->next_pid_file, path, e);
}

static enum err on_plan(struct fleet *f, struct generation *g, struct error *e)
{
	struct master *m = f->owner;
	enum err err = open_log(m, g, e);

	if (err == ERR_OK)
		err = open_pid_file(m, g->plan.pid_file, e);
	if (err == ERR_OK)
		err = admin_socket_claim(&m->next_admin, &m->admin, &g->plan, e);
	if (err == ERR_OK)
		limits_raise(g->plan.connections);
	return err;
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
	admin_socket_close(&m->admin);
	watch_close(&m->watch_files);
	fleet_retire(&m->fleet);
}

/* Whoever comes now is served by the other one. */
static void on_retired(struct fleet *f)
{
	struct master *m = f->owner;

	log_info("upgraded: process %ld serves; open connections may finish", (long)m->upgrade.pid);
	notify_tell(&m->notify, "MAINPID=%ld", (long)m->upgrade.pid);
	notify_fini(&m->notify); /* the service is that process from here on */
	control_close(&m->control);
	pid_file_release(&m->pid_file);
	upgrade_yield(&m->upgrade);
}

static void on_upgrade_failed(struct upgrade *u, const char *why)
{
	(void)u;
	log_lines("upgrade: ", why);
	log_error("upgrade failed: this process goes on serving");
}

static void usr2_cb(struct ev_loop *ev, ev_signal *w, int events)
{
	struct master *m = w->data;
	struct error e;

	(void)ev, (void)events;
	if (m->options->argv == NULL || m->binary[0] == '\0' || m->fleet.is_ending)
		log_warn("upgrade (USR2): not of a demo, and not while it ends");
	else if (m->upgrade.pid != 0 || fleet_is_busy(&m->fleet) || m->fleet.serving == NULL)
		log_warn("upgrade (USR2): an upgrade or a reload is under way, try again");
	else if (upgrade_start(&m->upgrade, m->fleet.serving->board, &e) != ERR_OK)
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
		.admin = &m->admin,
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
	if (m->admin.fd >= 0)
		(void)addr_print(&m->admin.addr, admin);
	log_info("%s%s; %u worker%s%s%s", how, addresses, g->plan.workers,
		 g->plan.workers == 1 ? "" : "s", admin[0] != '\0' ? "; admin " : "", admin);
}

/* The other one let go of its pid file, or is gone. */
static void take_pid_file(struct master *m)
{
	struct error e;

	channel_close(&m->before);
	if (!m->must_wait_for_pid)
		return;
	m->must_wait_for_pid = false;
	if (m->pid_path[0] != '\0' && pid_file_open(&m->pid_file, m->pid_path, &e) != ERR_OK)
		log_error("%s", e.text);
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
	struct master *m = c->owner;

	channel_close(c);
	if (m->is_ready)
		take_pid_file(m);
}

static void init_before(struct master *m)
{
	struct handover *h = m->options->handover;

	channel_init(&m->before, &m->loop, h != NULL ? h->channel : -1);
	m->before.owner = m;
	m->before.on_message = on_before_message;
	m->before.on_closed = on_before_closed;
	if (h == NULL)
		return;
	m->sockets = h->sockets;
	m->admin = h->admin;
	m->fleet.inherited = state_read(h->state);
	if (h->state >= 0)
		(void)close(h->state);
	if (h->channel < 0)
		return;
	m->must_wait_for_pid = m->fleet.takes_over = true;
	m->sockets.keeps_files = true; /* until it serves */
	channel_start(&m->before);
}

static void take_over(struct master *m)
{
	m->sockets.keeps_files = false;
	sockets_prune(&m->sockets);
	if (!m->must_wait_for_pid) {
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

static void keep_pid_file(struct master *m, const char *path)
{
	if (m->next_pid_file.fd < 0 && path[0] != '\0')
		return;
	pid_file_close(&m->pid_file);
	m->pid_file = m->next_pid_file;
	m->next_pid_file.fd = -1;
}

/* Whoever reads the log of before is told where it goes on. */
static enum err leave_log(const struct master *m, const struct board_plan *p, struct error *e)
{
	if (m->log_target[0] == '\0' || strcmp(m->log_target, p->log_target) == 0 ||
	    log_open(m->log_target, LOG_LEVEL_INFO, e) != ERR_OK)
		return ERR_OK;
	log_info("another config: the log goes on in %s", p->log_target);
	return log_open(p->log_target, (enum log_level)p->log_level, e);
}

static enum err on_commit(struct fleet *f, struct generation *g, struct error *e)
{
	struct master *m = f->owner;
	enum err err = leave_log(m, &g->plan, e);

	if (err != ERR_OK)
		return err;
	keep_pid_file(m, g->plan.pid_file);
	admin_socket_replace(&m->admin, &m->next_admin);
	(void)str_copy(m->log_target, sizeof(m->log_target), str_of(g->plan.log_target));
	m->log_level = g->plan.log_level;
	return ERR_OK;
}

static void on_serving(struct fleet *f, const struct generation *g)
{
	struct master *m = f->owner;
	char how[64];

	(void)snprintf(how, sizeof(how), "reloaded: generation %u serves: ", g->number);
	if (m->is_ready)
		log_serving(m, how);
	else
		take_over(m);
	if (!m->is_ready && m->options->daemon != NULL)
		daemon_set_ready(m->options->daemon);
	m->is_ready = true;
	watch_follow(&m->watch_files, g->memfd, true);
	if (m->options->on_ready != NULL)
		m->options->on_ready(m->options->ctx, &m->loop, g->board);
}

/* Back to what held before the plan. */
static void on_failed(struct fleet *f, struct generation *g)
{
	struct master *m = f->owner;
	struct error e;

	watch_follow(&m->watch_files, g->memfd, false);
	pid_file_close(&m->next_pid_file);
	admin_socket_release(&m->next_admin, &m->admin);
	if (f->serving != NULL && m->log_target[0] != '\0' &&
	    log_open(m->log_target, (enum log_level)m->log_level, &e) != ERR_OK)
		log_error("log: %s", e.text);
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

static void on_over(struct fleet *f)
{
	struct master *m = f->owner;

	m->is_over = true;
	loop_break(&m->loop);
}

static void on_fork(struct fleet *f)
{
	struct master *m = f->owner;

	if (m->next_admin.fd != m->admin.fd)
		admin_socket_close(&m->next_admin);
	admin_socket_close(&m->admin);
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

static unsigned on_reload(struct control *c)
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

static void child_cb(struct ev_loop *ev, ev_signal *w, int events)
{
	struct master *m = container_of(w, struct master, child);
	int status;
	pid_t pid;

	(void)ev, (void)events;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (!fleet_ended(&m->fleet, pid, status) &&
		    !upgrade_ended(&m->upgrade, pid, status) && m->options->on_child != NULL)
			m->options->on_child(m->options->ctx, pid, status);
	}
}

static void stop_cb(struct ev_loop *ev, ev_signal *w, int events)
{
	struct master *m = w->data;

	(void)ev, (void)events;
	upgrade_stop(&m->upgrade);
	notify_tell(&m->notify, "STOPPING=1\nSTATUS=stopping");
	fleet_stop(&m->fleet);
}

static void quit_cb(struct ev_loop *ev, ev_signal *w, int events)
{
	struct master *m = w->data;

	(void)ev, (void)events;
	log_info("draining: open connections may finish");
	upgrade_stop(&m->upgrade);
	notify_tell(&m->notify, "STOPPING=1\nSTATUS=draining");
	fleet_drain(&m->fleet);
}

static void usr1_cb(struct ev_loop *ev, ev_signal *w, int events)
{
	struct master *m = w->data;
	struct error e;

	(void)ev, (void)events;
	if (log_reopen(&e) != ERR_OK)
		log_error("log: %s", e.text);
	if (m->fleet.serving != NULL)
		give_log(m->fleet.serving);
	fleet_reopen_logs(&m->fleet);
}

static void hup_cb(struct ev_loop *ev, ev_signal *w, int events)
{
	struct master *m = w->data;

	(void)ev, (void)events;
	fleet_reload(&m->fleet);
}

static void start_signal(struct master *m, ev_signal *w,
			 void (*cb)(struct ev_loop *ev, ev_signal *w, int events), int number)
{
	ev_signal_init(w, cb, number);
	w->data = m;
	ev_signal_start(m->loop.ev, w);
}

static void start_signals(struct master *m)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	(void)sigaction(SIGPIPE, &ignore, NULL);
	start_signal(m, &m->term, stop_cb, SIGTERM);
	start_signal(m, &m->interrupt, stop_cb, SIGINT);
	start_signal(m, &m->quit, quit_cb, SIGQUIT);
	start_signal(m, &m->hup, hup_cb, SIGHUP);
	start_signal(m, &m->usr1, usr1_cb, SIGUSR1);
	start_signal(m, &m->usr2, usr2_cb, SIGUSR2);
	start_signal(m, &m->child, child_cb, SIGCHLD);
}

static void stop_watchers(struct master *m)
{
	ev_signal *all[] = { &m->term, &m->interrupt, &m->quit, &m->hup,
			     &m->usr1, &m->usr2,      &m->child };

	for (size_t i = 0; i < countof(all); i++)
		ev_signal_stop(m->loop.ev, all[i]);
	ev_timer_stop(m->loop.ev, &m->watch);
}

static void init_fleet(struct master *m)
{
	m->fleet = (struct fleet){
		.loop = &m->loop,
		.settings = &m->settings,
		.sockets = &m->sockets,
		.admin = &m->admin,
		.owner = m,
		.on_plan = on_plan,
		.on_commit = on_commit,
		.on_serving = on_serving,
		.on_failed = on_failed,
		.on_begin = on_begin,
		.on_result = on_result,
		.on_over = on_over,
		.on_retired = on_retired,
		.on_fork = on_fork,
	};
}

static void serve(struct master *m)
{
	struct error e;

	start_signals(m);
	control_open(&m->control, &m->loop, !m->options->is_toy);
	ev_timer_init(&m->watch, watch_cb, HEART_MS / 1e3, HEART_MS / 1e3);
	ev_timer_start(m->loop.ev, &m->watch);
	if (m->settings.must_watch && watch_open(&m->watch_files, &m->loop, &e) != ERR_OK)
		log_error("%s: changes of files are not seen", e.text);
	fleet_start(&m->fleet);
	if (!m->is_over)
		loop_run(&m->loop);
	if (m->options->on_over != NULL)
		m->options->on_over(m->options->ctx, &m->loop);
	stop_watchers(m);
	control_close(&m->control);
	watch_close(&m->watch_files);
}

/* The rooms are ready: runs, and takes down what on_plan put up. */
static enum err run(struct master *m, struct error *e)
{
	init_fleet(m);
	init_before(m);
	fleet_init(&m->fleet);
	init_upgrade(m);
	notify_init(&m->notify);
	serve(m);
	upgrade_fini(&m->upgrade);
	notify_fini(&m->notify);
	if (m->fleet.error.code != ERR_OK) /* into the log of the one that goes on */
		(void)channel_send(&m->before, MESSAGE_ERROR, m->fleet.error.text);
	channel_close(&m->before);
	sockets_unlink(&m->sockets);
	sockets_close(&m->sockets);
	if (!m->sockets.keeps_files)
		admin_socket_unlink(&m->admin);
	admin_socket_close(&m->admin);
	pid_file_close(&m->pid_file);
	enum err err = m->fleet.error.code;
	if (err == ERR_OK)
		log_info("stopped");
	else
		*e = m->fleet.error;
	fleet_fini(&m->fleet);
	return err;
}

static enum err settle(struct master *m, struct error *e)
{
	m->settings = m->options->settings;
	if (getcwd(m->folder, sizeof(m->folder)) == NULL)
		return err_sys(e, errno, "current folder");
	m->settings.folder = m->folder;
	return ERR_OK;
}

enum err master_run(const struct master_options *o, struct error *e)
{
	struct master *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	m->options = o;
	m->pid_file.fd = m->next_pid_file.fd = -1;
	m->watch_files =
		(struct watch){ .fd = -1, .folder = m->folder, .owner = m, .on_change = on_change };
	m->control = (struct control){ .fd = -1, .owner = m, .on_reload = on_reload };
	m->admin.fd = m->next_admin.fd = -1;
	enum err err = settle(m, e);
	if (err == ERR_OK)
		err = loop_init(&m->loop, e);
	if (err == ERR_OK) {
		err = run(m, e);
		loop_fini(&m->loop);
	}
	free(m);
	return err;
}

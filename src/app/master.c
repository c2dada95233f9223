#include "app/master.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/generation.h"
#include "app/heart.h"
#include "app/limits.h"
#include "app/pid_file.h"
#include "app/plan.h"
#include "base/log.h"

enum { HEART_MS = 250 };

struct master {
	const struct master_options *options;
	struct loop loop;
	struct board *board;
	struct sockets sockets;
	struct generation generation;
	struct heart heart;
	struct pid_file pid_file;
	ev_timer watch;
	ev_signal term, interrupt, quit, hup, usr1, usr2, child;
	bool is_over;
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

	if (g->settings->must_detach && !plan_logs_to_file(p) &&
	    !str_starts_with(str_of(p->log_target), STR("syslog")))
		return err_set(e, ERR_INVALID,
			       "%s: log.target: a daemon (-d) has no stderr: "
			       "expected \"syslog\" or a path",
			       g->settings->config);
	enum err err = log_open(p->log_target, (enum log_level)p->log_level, e);
	if (err != ERR_OK)
		return err;
	give_log(g);
	if (geteuid() == 0 && !g->identity.is_set && !m->options->is_demo)
		log_warn("running as root, and all that serves with it: set user in %s",
			 g->settings->text == NULL ? g->settings->config : "a config");
	return ERR_OK;
}

static enum err on_plan(struct generation *g, struct error *e)
{
	struct master *m = g->owner;
	enum err err = open_log(m, g, e);

	if (err == ERR_OK && g->plan.pid_file[0] != '\0')
		err = pid_file_open(&m->pid_file, g->plan.pid_file, e);
	if (err != ERR_OK)
		return err;
	limits_raise(g->plan.connections);
	return sockets_open(&m->sockets, &g->plan, e);
}

static void on_ready(struct generation *g)
{
	struct master *m = g->owner;
	char addresses[3072];

	sockets_print(&m->sockets, addresses, sizeof(addresses));
	log_info("ready: %s; %u worker%s", addresses, g->plan.workers,
		 g->plan.workers == 1 ? "" : "s");
	if (m->options->daemon != NULL)
		daemon_set_ready(m->options->daemon);
	if (m->options->on_ready != NULL)
		m->options->on_ready(m->options->ctx, &m->loop, m->board);
}

static void on_gone(struct generation *g)
{
	struct master *m = g->owner;

	m->is_over = true;
	loop_break(&m->loop);
}

static void watch_cb(struct ev_loop *ev, ev_timer *w, int events)
{
	struct master *m = container_of(w, struct master, watch);

	(void)ev, (void)events;
	heart_look(&m->heart, &m->generation);
}

static void child_cb(struct ev_loop *ev, ev_signal *w, int events)
{
	struct master *m = container_of(w, struct master, child);
	int status;
	pid_t pid;

	(void)ev, (void)events;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (!generation_ended(&m->generation, pid, status) && m->options->on_child != NULL)
			m->options->on_child(m->options->ctx, pid, status);
	}
}

static void stop_cb(struct ev_loop *ev, ev_signal *w, int events)
{
	struct master *m = w->data;

	(void)ev, (void)events;
	generation_stop(&m->generation);
}

static void quit_cb(struct ev_loop *ev, ev_signal *w, int events)
{
	struct master *m = w->data;

	(void)ev, (void)events;
	log_info("draining: open connections may finish");
	sockets_unlink(&m->sockets);
	generation_drain(&m->generation);
	sockets_close(&m->sockets);
}

static void usr1_cb(struct ev_loop *ev, ev_signal *w, int events)
{
	struct master *m = w->data;
	struct error e;

	(void)ev, (void)events;
	if (log_reopen(&e) != ERR_OK)
		log_error("log: %s", e.text);
	give_log(&m->generation);
	generation_reopen_logs(&m->generation);
}

static void later_cb(struct ev_loop *ev, ev_signal *w, int events)
{
	(void)ev, (void)events;
	log_warn("%s is not available in this version",
		 w->signum == SIGHUP ? "reload (HUP)" : "upgrade of the binary (USR2)");
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
	start_signal(m, &m->hup, later_cb, SIGHUP);
	start_signal(m, &m->usr1, usr1_cb, SIGUSR1);
	start_signal(m, &m->usr2, later_cb, SIGUSR2);
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

static enum err init_generation(struct master *m, struct error *e)
{
	struct generation *g = &m->generation;

	g->number = 1;
	g->loop = &m->loop;
	g->board = m->board;
	g->settings = &m->options->settings;
	g->sockets = &m->sockets;
	g->owner = m;
	g->on_plan = on_plan;
	g->on_ready = on_ready;
	g->on_gone = on_gone;
	return generation_init(g, e);
}

static void serve(struct master *m)
{
	start_signals(m);
	ev_timer_init(&m->watch, watch_cb, HEART_MS / 1e3, HEART_MS / 1e3);
	ev_timer_start(m->loop.ev, &m->watch);
	generation_start(&m->generation);
	if (!m->is_over)
		loop_run(&m->loop);
	if (m->options->on_over != NULL)
		m->options->on_over(m->options->ctx, &m->loop);
	stop_watchers(m);
}

/* The rooms are ready: runs, and takes down what on_plan put up. */
static enum err run(struct master *m, struct error *e)
{
	enum err err = init_generation(m, e);

	if (err != ERR_OK)
		return err;
	serve(m);
	sockets_unlink(&m->sockets);
	sockets_close(&m->sockets);
	pid_file_close(&m->pid_file);
	err = m->generation.error.code;
	if (err == ERR_OK)
		log_info("stopped");
	else
		*e = m->generation.error;
	generation_fini(&m->generation);
	return err;
}

enum err master_run(const struct master_options *o, struct error *e)
{
	struct master *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	m->options = o;
	m->pid_file.fd = -1;
	enum err err = loop_init(&m->loop, e);
	if (err == ERR_OK) {
		err = board_create(&m->board, e);
		if (err == ERR_OK) {
			err = run(m, e);
			board_destroy(m->board);
		}
		loop_fini(&m->loop);
	}
	free(m);
	return err;
}

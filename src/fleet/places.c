#include "fleet/places.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/syslog.h"
#include "fleet/limits.h"
#include "fleet/plan.h"

void places_init(struct places *p)
{
	p->admin.fd = p->next_admin.fd = -1;
	p->pid_file.fd = p->next_pid_file.fd = -1;
}

/* ---- a plan is read ---- */

void places_give_log(const struct generation *g)
{
	if (g->identity.kind == IDENTITY_ANOTHER)
		log_give(g->identity.uid);
}

enum err places_claim_log(const struct generation *g, struct error *e)
{
	const struct board_plan *plan = &g->plan;

	if (g->settings->must_detach && !plan_logs_to_file(plan) &&
	    !syslog_is_target(plan->log_target))
		return err_set(e, ERR_INVALID,
			       "%s: log.target: a daemon (-d) has no stderr: "
			       "expected \"syslog\" or a path",
			       g->settings->config);
	enum err err = log_open(plan->log_target, (enum log_level)plan->log_level, e);
	if (err == ERR_OK)
		places_give_log(g);
	return err;
}

/* A file that is ours already is kept. */
static enum err open_pid_file(struct places *p, const char *path, struct error *e)
{
	if (p->pid == PLACES_PID_BEFORE) {
		(void)str_copy(p->pid_path, sizeof(p->pid_path), str_of(path));
		return ERR_OK;
	}
	if (path[0] == '\0' ||
	    (p->pid_file.fd >= 0 && str_eq(str_of(path), str_of(p->pid_file.path))))
		return ERR_OK;
	return pid_file_open(&p->next_pid_file, path, e);
}

enum err places_claim(struct places *p, const struct generation *g, struct sockets *sockets,
		      struct error *e)
{
	enum err err = open_pid_file(p, g->plan.pid_file, e);

	if (err == ERR_OK)
		err = admin_socket_claim(&p->next_admin, &p->admin, &g->plan, sockets, e);
	if (err == ERR_OK)
		limits_raise(g->plan.connections);
	return err;
}

/* ---- it serves ---- */

/* Readers of the old log are told where it goes on. */
static enum err leave_log(const struct places *p, const struct board_plan *plan, struct error *e)
{
	if (p->log_target[0] == '\0' || strcmp(p->log_target, plan->log_target) == 0 ||
	    log_open(p->log_target, LOG_LEVEL_INFO, e) != ERR_OK)
		return ERR_OK;
	log_info("another config: the log goes on in %s", plan->log_target);
	return log_open(plan->log_target, (enum log_level)plan->log_level, e);
}

static void keep_pid_file(struct places *p, const char *path)
{
	if (p->next_pid_file.fd < 0 && path[0] != '\0')
		return;
	pid_file_close(&p->pid_file);
	p->pid_file = p->next_pid_file;
	p->next_pid_file.fd = -1;
}

enum err places_keep(struct places *p, const struct board_plan *plan, struct error *e)
{
	enum err err = leave_log(p, plan, e);

	if (err == ERR_OK)
		err = admin_socket_replace(&p->admin, &p->next_admin, e);
	if (err != ERR_OK)
		return err;
	keep_pid_file(p, plan->pid_file);
	(void)str_copy(p->log_target, sizeof(p->log_target), str_of(plan->log_target));
	p->log_level = plan->log_level;
	return ERR_OK;
}

/* ---- it does not ---- */

void places_give_back(struct places *p)
{
	pid_file_close(&p->next_pid_file);
	admin_socket_release(&p->next_admin, &p->admin);
}

void places_give_back_log(const struct places *p)
{
	struct error e;

	if (p->log_target[0] != '\0' &&
	    log_open(p->log_target, (enum log_level)p->log_level, &e) != ERR_OK)
		log_error("log: %s", e.text);
}

/* ---- another master, children, the end ---- */

void places_take_pid_file(struct places *p)
{
	struct error e;

	p->pid = PLACES_PID_OURS;
	if (p->pid_path[0] != '\0' && pid_file_open(&p->pid_file, p->pid_path, &e) != ERR_OK)
		log_error("%s", e.text);
}

void places_release_pid_file(struct places *p)
{
	pid_file_release(&p->pid_file);
}

void places_drop(struct places *p)
{
	if (p->next_admin.fd != p->admin.fd)
		admin_socket_close(&p->next_admin);
	admin_socket_close(&p->admin);
}

void places_close(struct places *p, bool keeps_files)
{
	if (!keeps_files)
		admin_socket_unlink(&p->admin);
	admin_socket_close(&p->admin);
	pid_file_close(&p->pid_file);
}

#include "app/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/channel.h"
#include "app/child.h"
#include "app/plan.h"
#include "app/runtime.h"
#include "base/clock.h"
#include "net/ping.h"

enum { LIMIT_MS = 10000 };

struct check {
	const struct settings *settings;
	struct identity identity;
	bool must_try; /* false: only learn which user it names */
};

/* A log file is made when it is not there; its folder is not. */
static enum err check_folder(const char *config, const char *key, const char *target,
			     struct error *e)
{
	char folder[512];
	struct stat st;
	const char *slash = plan_is_file(target) ? strrchr(target, '/')
						 : NULL; /* "stdout" has none */

	if (slash == NULL || slash == target ||
	    !str_copy(folder, sizeof(folder), (struct str){ target, (size_t)(slash - target) }))
		return ERR_OK;
	int sys = stat(folder, &st) == 0 ? (S_ISDIR(st.st_mode) ? 0 : ENOTDIR) : errno;
	if (sys != ENOENT && sys != ENOTDIR)
		return ERR_OK; /* or not for us to see */
	return err_set(e, ERR_INVALID, "%s: %s: there is no folder %s (make it first)", config, key,
		       folder);
}

static enum err check_logs(const struct check *c, const struct conf *conf, struct error *e)
{
	const char *config = c->settings->config;
	enum err err = check_folder(config, "log.target", conf->log_target, e);

	return err == ERR_OK ? check_folder(config, "access_log.target", conf->access_log, e) : err;
}

static enum err try(const struct check *c, struct board *board, int channel, struct error *e)
{
	struct runtime r;
	struct runtime_options o = {
		.settings = c->settings,
		.identity = &c->identity,
		.board = board,
		.memfd = -1,
		.must_fill = true,
		.worker = -1,
		.conf_only = !c->must_try,
	};
	char names[2 * CONF_NAME_MAX + 512];
	enum err err = runtime_init(&r, &o, e);

	if (err != ERR_OK)
		return err;
	(void)snprintf(names, sizeof(names), "%s\n%s\n%s\n%s\n", r.conf.user, r.conf.group,
		       r.conf.pid_file != NULL ? r.conf.pid_file : "",
		       r.conf.admin.listen != NULL ? r.conf.admin.listen : "");
	err = c->must_try ? vm_try_policies(r.vm, true, e) : ERR_OK;
	if (err == ERR_OK && c->must_try)
		err = check_logs(c, &r.conf, e);
	if (err == ERR_OK)
		(void)message_send(channel, c->must_try ? MESSAGE_READY : MESSAGE_USER, names);
	runtime_fini(&r);
	return err;
}

static int child_main(void *ctx, int channel)
{
	struct board *board;
	struct error e;

	ping_remember_groups();
	(void)unshare(CLONE_NEWNET); /* where it may: nothing can be reached even by mistake */
	enum err err = board_create(&board, &e);
	if (err == ERR_OK) {
		err = try(ctx, board, channel, &e);
		board_destroy(board);
	}
	if (err != ERR_OK)
		(void)message_send(channel, MESSAGE_ERROR, e.text);
	return err == ERR_OK ? 0 : 1;
}

/* The child's answer, before the deadline. */
static enum err wait_for(const struct check *c, struct child *child, struct message *m,
			 struct error *e)
{
	int64_t deadline_ms = clock_now_ms() + LIMIT_MS;
	enum err err;
	char end[64];

	do {
		int64_t left_ms = deadline_ms - clock_now_ms();
		err = message_wait(child->channel, left_ms > 0 ? (int)left_ms : 0, m);
	} while (err == ERR_LIMIT && clock_now_ms() < deadline_ms);
	int status = child_finish(child, err == ERR_LIMIT);
	(void)close(child->channel);
	if (err == ERR_LIMIT)
		return err_set(e, err, "%s: did not finish loading within %d s",
			       c->settings->config, LIMIT_MS / 1000);
	if (err == ERR_OK && m->kind == MESSAGE_ERROR)
		return err_set(e, ERR_INVALID, "%s", m->text);
	if (err == ERR_OK && status == 0)
		return ERR_OK;
	child_describe_end(status, end, sizeof(end));
	return err_set(e, ERR_SCRIPT, "%s: the process that checks it %s", c->settings->config,
		       end);
}

static enum err run_child(struct check *c, struct message *m, struct error *e)
{
	struct child child;
	enum err err = child_fork(&child, "check", child_main, c, e);

	return err == ERR_OK ? wait_for(c, &child, m, e) : err;
}

enum { PART_USER, PART_GROUP, PART_PID_FILE, PART_ADMIN, PARTS };

/* What the child said of the config. */
static enum err split_answer(const struct check *c, const struct message *m, struct str part[PARTS],
			     struct error *e)
{
	struct str rest = str_of(m->text);

	for (unsigned i = 0; i < PARTS; i++) {
		if (m->kind != MESSAGE_USER || !str_split(&rest, '\n', &part[i]))
			return err_set(e, ERR_INVALID, "%s: unexpected answer",
				       c->settings->config);
	}
	return ERR_OK;
}

/* As root: first as nobody, only to learn whose rights the policies are to be tried with. */
static enum err learn_identity(struct check *c, struct error *e)
{
	struct message m;
	struct str part[PARTS] = { { NULL, 0 } };
	char user[CONF_NAME_MAX], group[CONF_NAME_MAX];

	identity_nobody(&c->identity);
	enum err err = run_child(c, &m, e);
	if (err == ERR_OK)
		err = split_answer(c, &m, part, e);
	if (err != ERR_OK)
		return err;
	(void)str_copy(user, sizeof(user), part[PART_USER]);
	(void)str_copy(group, sizeof(group), part[PART_GROUP]);
	err = identity_find(&c->identity, user, group, e);
	if (err != ERR_OK)
		(void)err_set(e, err, "%s: %s", c->settings->config, e->text);
	return err;
}

static enum err learn(const struct settings *s, unsigned which, const char *key, char *to,
		      size_t size, struct error *e)
{
	struct check c = { .settings = s };
	struct message m;
	struct str part[PARTS] = { { NULL, 0 } };

	if (geteuid() == 0)
		identity_nobody(&c.identity);
	enum err err = run_child(&c, &m, e);
	if (err == ERR_OK)
		err = split_answer(&c, &m, part, e);
	if (err == ERR_OK && !str_copy(to, size, part[which]))
		err = err_set(e, ERR_LIMIT, "%s: %s: too long", s->config, key);
	return err;
}

enum err check_pid_file(const struct settings *s, char *to, size_t size, struct error *e)
{
	return learn(s, PART_PID_FILE, "pid_file", to, size, e);
}

enum err check_admin(const struct settings *s, char *to, size_t size, struct error *e)
{
	return learn(s, PART_ADMIN, "admin.listen", to, size, e);
}

enum err check_run(const struct settings *s, struct error *e)
{
	struct check c = { .settings = s };
	struct message m;
	enum err err = geteuid() == 0 ? learn_identity(&c, e) : ERR_OK;

	c.must_try = true;
	if (err == ERR_OK)
		err = run_child(&c, &m, e);
	if (err == ERR_OK)
		(void)printf("%s: ok\n", s->config);
	return err;
}

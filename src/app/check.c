#include "app/check.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/runtime.h"
#include "base/clock.h"
#include "base/kept_file.h"
#include "fleet/channel.h"
#include "fleet/child.h"
#include "fleet/patience.h"
#include "fleet/plan.h"
#include "net/ping.h"
#include "net/udp_socket.h"
#include "script/trial.h"
#include "shm/board.h"

enum { LIMIT_MS = 10000 };

struct check {
	const struct settings *settings;
	struct identity identity;
	enum check_fact fact; /* asked for beside the identity */
	bool must_try;	      /* false: only learns that */
};

/* neap makes a missing file, but not its folder. key: the config's key that names the file. */
static enum err check_folder(const char *config, const char *key, const char *path, struct error *e)
{
	char folder[512];
	struct stat st;
	const char *slash = path == NULL ? NULL : strrchr(path, '/'); /* "stdout" has none */

	if (slash == NULL || slash == path ||
	    !str_copy(folder, sizeof(folder), (struct str){ path, (size_t)(slash - path) }))
		return ERR_OK;
	int sys = stat(folder, &st) == 0 ? (S_ISDIR(st.st_mode) ? 0 : ENOTDIR) : errno;
	if (sys != ENOENT && sys != ENOTDIR)
		return ERR_OK; /* this user cannot tell */
	return err_set(e, ERR_INVALID, "%s: %s: there is no folder %s (make it first)", config, key,
		       folder);
}

/* `user` opens the access log. When root checks, this process runs as that user. */
static enum err check_access_log(const struct check *c, const char *path, struct error *e)
{
	char folder[512];
	const char *config = c->settings->config;
	enum err err = check_folder(config, "access_log.target", path, e);

	if (err != ERR_OK || path == NULL || c->identity.kind != IDENTITY_ANOTHER)
		return err;
	bool is_there = faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0;
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path) + 1;
	if (!str_copy(folder, sizeof(folder), n == 0 ? STR(".") : (struct str){ path, n }))
		return ERR_OK;
	if (faccessat(AT_FDCWD, is_there ? path : folder, W_OK, AT_EACCESS) == 0 || errno != EACCES)
		return ERR_OK;
	return err_set(
		e, ERR_INVALID,
		"%s: access_log.target: user '%s' may not write to %s (give it to that user)",
		config, identity_name(&c->identity), is_there ? path : folder);
}

static const char *file_of(const char *log_target)
{
	bool is_stdout = log_target != NULL && strcmp(log_target, "stdout") == 0;

	return plan_is_file(log_target) && !is_stdout ? log_target : NULL;
}

/* The file of a unix socket; NULL for any other address, and for an abstract one. */
static const char *socket_file_of(const char *address)
{
	return address != NULL && strncmp(address, "unix:/", 6) == 0 ? address + 5 : NULL;
}

static enum err check_group(const char *config, const char *group, struct error *e)
{
	if (group[0] == '\0' || getgrnam(group) != NULL)
		return ERR_OK;
	return err_set(e, ERR_INVALID, "%s: admin.group: there is no group '%s' on this machine",
		       config, group);
}

static enum err check_socket_folders(const char *config, const struct conf_service *s,
				     struct error *e)
{
	enum err err = ERR_OK;

	for (unsigned i = 0; i < s->listens && err == ERR_OK; i++)
		err = check_folder(config, "listen", socket_file_of(s->listen[i].address), e);
	return err;
}

/* `user` writes there. When root checks, this process runs as that user. */
static enum err check_storage(const struct check *check, const struct conf_tls *t, struct error *e)
{
	const struct identity *id = &check->identity;

	if (!t->on || !t->acme.on || kept_file_look(t->acme.storage, e) == ERR_OK)
		return ERR_OK;
	const char *user = id->kind == IDENTITY_ANOTHER ? identity_name(id) : "that neap runs as";
	return err_set(e, ERR_INVALID, "%s: %s.acme.storage: %s (give it to the user %s)",
		       check->settings->config, t->where, e->text, user);
}

/* As the workers will: when root checks, this process runs as `user`. */
static enum err check_source(const char *config, const struct conf_pool *p, struct error *e)
{
	if (!p->is_veiled || udp_socket_may_veil(e) == ERR_OK)
		return ERR_OK;
	return err_set(e, ERR_SYSTEM, "%s: pool %s: %s", config, p->name, e->text);
}

/* Checks what a start would find beside the policies, as far as that can be seen without one. */
static enum err check_places(const struct check *check, const struct conf *c, struct error *e)
{
	const char *config = check->settings->config;
	struct board_plan plan;
	enum err err = plan_write(&plan, c, e);

	if (err != ERR_OK)
		return err_set(e, err, "%s: %s", config, e->text);
	err = check_folder(config, "log.target", file_of(c->log_target), e);
	if (err == ERR_OK)
		err = check_access_log(check, file_of(c->access_log), e);
	if (err == ERR_OK)
		err = check_folder(config, "pid_file", c->pid_file, e);
	if (err == ERR_OK)
		err = check_folder(config, "admin.listen", socket_file_of(c->admin.listen), e);
	if (err == ERR_OK)
		err = check_group(config, c->admin.group, e);
	for (unsigned i = 0; i < c->services_n && err == ERR_OK; i++)
		err = check_socket_folders(config, &c->services[i], e);
	for (unsigned i = 0; i < c->pools_n && err == ERR_OK; i++)
		err = check_source(config, &c->pools[i], e);
	for (unsigned i = 0; i < c->services_n && err == ERR_OK; i++)
		err = check_storage(check, &c->services[i].tls, e);
	return err;
}

/* Whose rights it asks for, and the fact: a line each. */
static void write_facts(const struct conf *c, enum check_fact fact, char *to, size_t size)
{
	const char *facts[CHECK_FACTS] = {
		[CHECK_PID_FILE] = c->pid_file, [CHECK_ADMIN] = c->admin.listen,
		[CHECK_TOKEN] = c->admin.token, [CHECK_TOKEN_FILE] = c->admin.token_file,
		[CHECK_LOG] = c->log_target,	[CHECK_ACCESS_LOG] = c->access_log,
	};

	(void)snprintf(to, size, "%s\n%s\n%s\n", c->user, c->group,
		       facts[fact] != NULL ? facts[fact] : "");
}

static enum err try(const struct check *c, struct board *board, int channel, struct error *e)
{
	struct runtime r;
	struct runtime_options o = {
		.settings = c->settings,
		.identity = &c->identity,
		.board = board,
		.memfd = -1,
		.secrets = -1,
		.must_fill = true,
		.worker = -1,
		.conf_only = !c->must_try,
	};
	char names[sizeof(((struct message *)0)->text)];
	enum err err = runtime_init(&r, &o, e);

	if (err != ERR_OK)
		return err;
	write_facts(&r.conf, c->fact, names, sizeof(names));
	err = c->must_try ? trial_run(r.policies, true, e) : ERR_OK;
	if (err == ERR_OK && c->must_try)
		err = check_places(c, &r.conf, e);
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
	(void)unshare(CLONE_NEWNET); /* where it may: then a mistake reaches nothing */
	enum err err = board_create(&board, &e);
	if (err == ERR_OK) {
		err = try(ctx, board, channel, &e);
		board_destroy(board);
	}
	if (err != ERR_OK)
		(void)message_send(channel, MESSAGE_ERROR, e.text);
	return err == ERR_OK ? 0 : 1;
}

/* Waits for the child's answer, or the deadline. */
static enum err wait_for_check(const struct check *c, struct child *child, struct message *m,
			       struct error *e)
{
	struct patience p;
	int64_t left_ms;
	enum err err;
	char end[64];

	patience_begin(&p, child->pid, LIMIT_MS, clock_now_ms());
	do {
		left_ms = patience_left_ms(&p, clock_now_ms());
		err = message_wait(child->channel, (int)left_ms, m, NULL);
	} while (err == ERR_LIMIT && left_ms > 0);
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

	return err == ERR_OK ? wait_for_check(c, &child, m, e) : err;
}

enum { PART_USER, PART_GROUP, PART_FACT, PARTS };

/* Splits what the child said of the config. */
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

/*
 * As root the first child runs as nobody, only to learn with whose rights the policies are tried.
 */
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

enum err check_learn(const struct settings *s, enum check_fact fact, char *to, size_t size,
		     struct error *e)
{
	static const char *const keys[CHECK_FACTS] = { "pid_file",    "admin.listen",
						       "admin.token", "admin.token_file",
						       "log.target",  "access_log.target" };
	struct check c = { .settings = s, .fact = fact };
	struct message m;
	struct str part[PARTS] = { { NULL, 0 } };

	if (geteuid() == 0)
		identity_nobody(&c.identity);
	enum err err = run_child(&c, &m, e);
	if (err == ERR_OK)
		err = split_answer(&c, &m, part, e);
	if (err == ERR_OK && !str_copy(to, size, part[PART_FACT]))
		err = err_set(e, ERR_LIMIT, "%s: %s: too long", s->config, keys[fact]);
	return err;
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

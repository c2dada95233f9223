#include "app/demo.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/children.h"
#include "app/demo_table.h"
#include "fleet/channel.h"
#include "fleet/child.h"
#include "fleet/master.h"
#include "net/bind.h"

enum { START_MS = 20000 };

#define ADMIN_ADDRESS "127.0.0.1:9180"
#define ADMIN_TOKEN   "neap-demo"

static const char toy_config[] =
	"local neap = require 'neap'\n"
	"local answer = { status = 200, headers = { ['Content-Type'] = 'text/plain' },\n"
	"  body = '%s\\n' }\n"
	"return { listen = '127.0.0.1:%u', workers = 1,\n"
	"  log = { target = '%s', level = '%s' },\n"
	"  policy = { request = function(_) return neap.reply(answer) end } }\n";

static const char balancer_config[] =
	"return { listen = '%s', tls = %s, log = { target = '%s', level = 'info' },\n"
	"  admin = %s,\n"
	"  backends = {\n"
	"    { name = 'web1', url = 'http://127.0.0.1:%u' },\n"
	"    { name = 'web2', url = 'http://127.0.0.1:%u' },\n"
	"    { name = 'web3', url = 'http://127.0.0.1:%u' },\n"
	"    { name = 'web4', url = 'http://127.0.0.1:%u' },\n"
	"  } }\n";

struct demo {
	const char *listen;
	bool is_tls;
	unsigned port; /* the balancer's */
	unsigned workers;
	char log[32]; /* target */
	bool has_admin;
	struct demo_table table;
	struct child toys[DEMO_TOYS];
};

/* What one toy's process needs. */
struct toy {
	char name[8];
	char text[1024]; /* its config */
	int channel;	 /* to the demo; -1: none */
};

static void toy_init(struct toy *t, const struct demo *d, unsigned index, const char *level)
{
	t->channel = -1;
	(void)snprintf(t->name, sizeof(t->name), "web%u", index + 1);
	(void)snprintf(t->text, sizeof(t->text), toy_config, t->name, d->port + 1 + index, d->log,
		       level);
}

static void on_toy_ready(void *ctx, struct loop *loop, const struct board *board)
{
	const struct toy *t = ctx;

	(void)loop, (void)board;
	if (t->channel >= 0)
		(void)message_send(t->channel, MESSAGE_READY, NULL);
}

static enum err toy_serve(struct toy *t, struct error *e)
{
	char name[16];
	struct master_options o = {
		.mains = &children_mains,
		.kind = MASTER_TOY,
		.ctx = t,
		.on_ready = on_toy_ready,
	};

	(void)snprintf(name, sizeof(name), "%s.lua", t->name);
	o.settings = (struct settings){ .config = name, .text = t->text };
	return master_run(&o, e);
}

static int toy_main(void *ctx, int channel)
{
	struct toy *t = ctx;
	struct error e;

	t->channel = channel;
	if (toy_serve(t, &e) == ERR_OK)
		return 0;
	(void)message_send(channel, MESSAGE_ERROR, e.text);
	return 1;
}

static enum err start_toy(struct demo *d, unsigned index, struct error *e)
{
	struct toy t;
	struct message m;

	toy_init(&t, d, index, "warn");
	enum err err = child_fork(&d->toys[index], t.name, toy_main, &t, e);
	if (err != ERR_OK)
		return err;
	err = message_wait(d->toys[index].channel, START_MS, &m, NULL);
	(void)close(d->toys[index].channel);
	if (err == ERR_OK && m.kind == MESSAGE_READY)
		return ERR_OK;
	return err_set(e, ERR_GONE,
		       "demo: %s did not start: %s; demo -l :9080 would use ports 9080 to 9084",
		       t.name, err == ERR_OK ? m.text : "no answer");
}

static void stop_toys(struct demo *d)
{
	for (unsigned i = 0; i < DEMO_TOYS; i++) {
		if (d->toys[i].pid > 0)
			(void)kill(d->toys[i].pid, SIGTERM);
	}
	for (unsigned i = 0; i < DEMO_TOYS; i++)
		(void)child_finish(&d->toys[i], false);
}

static void print_help(const struct demo *d)
{
	char again[256];
	bool is_usual = d->port == 8080;

	(void)snprintf(again, sizeof(again), "%s demo --backend web2%s%s", program_invocation_name,
		       is_usual ? "" : " -l ", is_usual ? "" : d->listen);
	(void)printf("neap demo: the balancer on port %u, four backends behind it\n\n", d->port);
	for (unsigned i = 0; i < DEMO_TOYS; i++)
		(void)printf("  web%u on port %u, pid %ld\n", i + 1, d->port + 1 + i,
			     (long)d->toys[i].pid);
	if (d->has_admin)
		(void)printf("\nDashboard: http://" ADMIN_ADDRESS "   (its token: " ADMIN_TOKEN
			     ")\n");
	(void)printf("\nIn another terminal:\n"
		     "  while %s:%u; do sleep 0.2; done   the backends in turn\n"
		     "  kill %-44ld web2 goes down, no request fails\n"
		     "  %-49s it comes back\n"
		     "%sCtrl-C ends everything.\n\n",
		     d->is_tls ? "curl -sk https://localhost" : "curl -s localhost", d->port,
		     (long)d->toys[1].pid, again,
		     d->is_tls ? "" : "The same over https: demo --tls\n");
	(void)fflush(stdout);
}

static void on_balancer_ready(void *ctx, struct loop *loop, const struct board *board)
{
	struct demo *d = ctx;

	if (d->table.loop == NULL)
		print_help(d);
	demo_table_start(&d->table, loop, board);
}

static void on_demo_over(void *ctx, struct loop *loop)
{
	(void)loop;
	demo_table_stop(&((struct demo *)ctx)->table);
}

static void on_child(void *ctx, pid_t pid, int status)
{
	struct demo *d = ctx;

	(void)status;
	for (unsigned i = 0; i < DEMO_TOYS; i++) {
		if (d->toys[i].pid != pid)
			continue;
		d->toys[i].pid = 0;
		d->table.pids[i] = 0;
	}
}

/* Where the usual port is taken, as by another demo, there is no dashboard. */
static bool may_have_admin(const struct demo *d)
{
	struct addr a;
	int fd;

	if (d->port != 8080 || addr_parse(&a, STR(ADMIN_ADDRESS), NULL) != ERR_OK ||
	    bind_open(&a, 1, false, &fd, NULL) != ERR_OK)
		return false;
	(void)close(fd); /* it was free */
	return true;
}

static enum err serve_demo(struct demo *d, struct error *e)
{
	char text[1024];
	struct master_options o = {
		.settings = { .config = "demo.lua", .text = text, .workers = d->workers },
		.mains = &children_mains,
		.kind = MASTER_DEMO,
		.ctx = d,
		.on_ready = on_balancer_ready,
		.on_over = on_demo_over,
		.on_child = on_child,
	};

	d->has_admin = may_have_admin(d);
	(void)snprintf(text, sizeof(text), balancer_config, d->listen,
		       d->is_tls ? "{ self_signed = true }" : "false", d->log,
		       d->has_admin ? "{ listen = '" ADMIN_ADDRESS "', token = '" ADMIN_TOKEN "' }"
				    : "false",
		       d->port + 1, d->port + 2, d->port + 3, d->port + 4);
	for (unsigned i = 0; i < DEMO_TOYS; i++)
		d->table.pids[i] = d->toys[i].pid;
	return master_run(&o, e);
}

/* On a terminal the log would overwrite the table, so its last lines are shown below. */
static enum err choose_log(struct demo *d, struct error *e)
{
	(void)str_copy(d->log, sizeof(d->log), STR("stderr"));
	d->table.log_fd = -1;
	d->table.is_terminal = isatty(STDOUT_FILENO) == 1;
	if (!d->table.is_terminal)
		return ERR_OK;
	d->table.log_fd = memfd_create("neap demo log", MFD_CLOEXEC);
	if (d->table.log_fd < 0)
		return err_sys(e, errno, "demo: memory for the log");
	(void)snprintf(d->log, sizeof(d->log), "/proc/self/fd/%d", d->table.log_fd);
	return ERR_OK;
}

static enum err run_all(struct demo *d, struct error *e)
{
	enum err err = choose_log(d, e);

	for (unsigned i = 0; i < DEMO_TOYS && err == ERR_OK; i++)
		err = start_toy(d, i, e);
	if (err == ERR_OK)
		err = serve_demo(d, e);
	stop_toys(d);
	if (d->table.log_fd >= 0)
		(void)close(d->table.log_fd);
	return err;
}

static enum err run_one(struct demo *d, const char *name, struct error *e)
{
	struct toy t;

	(void)str_copy(d->log, sizeof(d->log), STR("stderr"));
	for (unsigned i = 0; i < DEMO_TOYS; i++) {
		toy_init(&t, d, i, "info");
		if (strcmp(t.name, name) == 0)
			return toy_serve(&t, e);
	}
	return err_set(e, ERR_INVALID, "--backend: web1 to web%d are expected, not '%s'", DEMO_TOYS,
		       name);
}

enum err demo_run(const struct demo_options *o, struct error *e)
{
	struct demo d = { .listen = o->listen != NULL ? o->listen : ":8080",
			  .is_tls = o->is_tls,
			  .workers = o->workers };
	struct addr a;
	enum err err = addr_parse(&a, str_of(d.listen), e);

	if (err != ERR_OK)
		return err;
	d.port = addr_port(&a);
	if (d.port == 0 || d.port > UINT16_MAX - DEMO_TOYS)
		return err_set(e, ERR_INVALID, "-l %s: demo needs a port, and the four above it",
			       d.listen);
	return o->backend != NULL ? run_one(&d, o->backend, e) : run_all(&d, e);
}

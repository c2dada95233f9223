/*
 * neap: parses the command line, runs what it asks for, prints a failure, exits.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ask.h"
#include "app/check.h"
#include "app/children.h"
#include "app/cli.h"
#include "app/demo.h"
#include "app/look.h"
#include "app/quick.h"
#include "app/record.h"
#include "app/tools.h"
#include "app/usage.h"
#include "app/version.h"
#include "base/log.h"
#include "fleet/channel.h"
#include "fleet/daemon.h"
#include "fleet/inherited.h"
#include "fleet/master.h"
#include "fleet/title.h"

/* One line per error. */
static void print_errors(const char *prefix, const char *text)
{
	struct str rest = str_of(text), line;

	while (str_split(&rest, '\n', &line)) {
		if (line.n > 0)
			(void)fprintf(stderr, "%s%.*s\n", prefix, (int)line.n, line.p);
	}
}

/* Only a real balancer is handed sockets, and the place of another master. */
static enum err serve_config(const struct command *c, struct handover *h, char **argv, int *status,
			     struct error *e)
{
	struct daemon daemon = { .ready_fd = -1 };
	struct master_options o = {
		.settings = c->settings,
		.mains = &children_mains,
		.daemon = &daemon,
		.argv = argv,
		.handover = h,
	};
	bool is_parent = false;

	if (c->settings.must_detach && h->channel < 0) {
		enum err err = daemon_fork(&daemon, &is_parent, status, e);
		if (err != ERR_OK || is_parent)
			return err;
	}
	title_set_master(argv);
	return master_run(&o, e);
}

static enum err run_master(const struct command *c, char **argv, int *status, struct error *e)
{
	struct handover h;
	enum err err = handover_take(&h, e);

	if (err == ERR_OK)
		err = serve_config(c, &h, argv, status, e);
	if (err != ERR_OK && h.channel >= 0)
		(void)message_send(h.channel, MESSAGE_ERROR, e->text);
	return err;
}

/* text: room for a config made from the command line. */
static enum err use_config(struct command *c, char *text, size_t size, struct error *e)
{
	if (c->backends_n == 0)
		return cli_choose_config(c, e);
	c->settings.config = QUICK_NAME;
	c->settings.text = text;
	const struct quick q = { c->listen, c->is_tls, c->backends, c->backends_n };
	return quick_write(text, size, &q, e);
}

static enum err look_at_running(struct command *c, struct error *e)
{
	char path[LOOK_PATH_MAX] = "/status";
	struct look l = { &c->settings, c->admin, path, "neap.admin.screen", c->is_json };

	if (c->verb == COMMAND_EXPLAIN) {
		l.module = "neap.admin.stories";
		(void)snprintf(path, sizeof(path), "/explain");
		look_add_parameter(path, "id", c->explain.id);
		look_add_parameter(path, "pool", c->explain.pool);
		look_add_parameter(path, "last", c->explain.last);
		look_add_parameter(path, "failed", c->explain.failed ? "1" : NULL);
	}

	if (c->admin == NULL && cli_choose_config(c, e) != ERR_OK)
		return e->code;
	return c->verb == COMMAND_TOP ? look_on(&l, e) : look_once(&l, e);
}

static enum err record_running(struct command *c, struct error *e)
{
	struct look l = { .settings = &c->settings, .admin = c->admin };

	if (c->admin == NULL && cli_choose_config(c, e) != ERR_OK)
		return e->code;
	return record_run(&c->record, c->token_file, &l, e);
}

static enum err change_running(struct command *c, struct error *e)
{
	struct look l = { &c->settings, c->admin, NULL, "neap.admin.changed", false };

	if (c->admin == NULL && cli_choose_config(c, e) != ERR_OK)
		return e->code;
	return change_run(&c->change, c->token_file, &l, e);
}

static enum err show_logs(struct command *c, struct error *e)
{
	enum err err = cli_choose_config(c, e);

	return err == ERR_OK ? logs_run(&c->logs, &c->settings, e) : err;
}

static enum err run_demo(const struct command *c, struct error *e)
{
	const struct demo_options o = { c->listen, c->is_tls, c->backend, c->settings.workers };

	return demo_run(&o, e);
}

static enum err run_command(struct command *c, char **argv, int *status, struct error *e)
{
	char text[16384];

	if (c->verb == COMMAND_HELP) {
		usage_print(c->word);
		return ERR_OK;
	}
	if (c->verb == COMMAND_VERSION) {
		version_print();
		return ERR_OK;
	}
	if (c->verb == COMMAND_DEMO)
		return run_demo(c, e);
	if (c->verb == COMMAND_RELOAD && c->settings.config != NULL &&
	    cli_choose_config(c, e) != ERR_OK)
		return e->code;
	if (c->verb == COMMAND_RELOAD)
		return ask_reload(&c->settings, (pid_t)c->pid, e);
	if (c->verb == COMMAND_STATUS || c->verb == COMMAND_TOP || c->verb == COMMAND_EXPLAIN)
		return look_at_running(c, e);
	if (c->verb == COMMAND_RECORD)
		return record_running(c, e);
	if (c->verb == COMMAND_CHANGE)
		return change_running(c, e);
	if (c->verb == COMMAND_LOGS)
		return show_logs(c, e);
	enum err err = use_config(c, text, sizeof(text), e);
	if (err != ERR_OK)
		return err;
	if (c->verb == COMMAND_CHECK && check_run(&c->settings, e) != ERR_OK) {
		print_errors("", e->text); /* they begin with the file, as a compiler's do */
		*status = EXIT_FAILURE;
	}
	if (c->verb == COMMAND_CHECK)
		return ERR_OK;
	return run_master(c, argv, status, e);
}

/* Output that was not written (a full disk, a reader that left) makes the command fail. */
static bool is_printed(void)
{
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return true;
	if (errno != EPIPE)
		(void)fprintf(stderr, "neap: cannot write to standard output: %s\n",
			      strerror(errno));
	return false;
}

int main(int argc, char **argv)
{
	struct command c;
	struct error e = { .code = ERR_OK };
	int status = EXIT_SUCCESS;

	if (inherited_settle(&e) != ERR_OK)
		return EXIT_FAILURE;		      /* there is nowhere to say so */
	(void)log_open("stderr", LOG_LEVEL_INFO, &e); /* a description of its own; cannot fail */
	argv = title_init(argc, argv);
	const char *tool = tools_find(argc, argv);
	enum err err = tool != NULL ? tools_run(tool, argc, argv, &status, &e)
				    : cli_parse(&c, argc, argv, &e);

	if (err == ERR_OK && tool == NULL)
		err = run_command(&c, argv, &status, &e);
	if (err != ERR_OK) {
		print_errors("neap: ", e.text);
		status = EXIT_FAILURE;
	}
	return is_printed() ? status : EXIT_FAILURE;
}

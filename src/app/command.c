#include "app/command.h"

static enum err check_reload(const struct command *c, struct error *e)
{
	if (c->backends_n > 0)
		return err_set(e, ERR_INVALID,
			       "reload takes no '%s': name the process by --pid N, "
			       "-p FILE or -c FILE",
			       c->backends[0]);
	if (c->listen != NULL || c->backend != NULL || c->settings.workers > 0 || c->is_tls ||
	    c->settings.must_detach || c->settings.must_watch)
		return err_set(e, ERR_INVALID,
			       "reload takes -c, -p and --pid only: the process "
			       "keeps its own options");
	return ERR_OK;
}

static bool asks_with_token(const struct command *c)
{
	return c->verb == COMMAND_RECORD || c->verb == COMMAND_CHANGE;
}

/* For a running neap, and not for one that is to be started. */
static bool has_run_options(const struct command *c)
{
	return c->listen != NULL || c->settings.workers > 0 || c->settings.must_detach ||
	       c->is_tls || c->settings.must_watch || c->settings.pid_file != NULL;
}

static enum err check_change(const struct command *c, struct error *e)
{
	if (c->token_file != NULL && !asks_with_token(c))
		return err_set(
			e, ERR_INVALID,
			"--token-file goes with record, drain, undrain, up, down and weight");
	if (c->verb != COMMAND_CHANGE)
		return ERR_OK;
	if (has_run_options(c))
		return err_set(e, ERR_INVALID, "%s takes -c, --admin and --token-file only",
			       c->change.verb);
	return change_check(&c->change, e);
}

static enum err check_logs(const struct command *c, struct error *e)
{
	if (c->verb != COMMAND_LOGS)
		return c->logs.must_follow || c->logs.filters_n > 0
			       ? err_set(e, ERR_INVALID, "--follow and --filter go with logs")
			       : ERR_OK;
	if (has_run_options(c))
		return err_set(e, ERR_INVALID, "logs takes -c, --follow, --filter and --last only");
	if (c->backends_n > 0)
		return err_set(e, ERR_INVALID, "logs takes no '%s': name the config by -c FILE",
			       c->backends[0]);
	return ERR_OK;
}

static enum err check_look(const struct command *c, struct error *e)
{
	bool explains = c->verb == COMMAND_EXPLAIN;
	bool looks = c->verb == COMMAND_STATUS || c->verb == COMMAND_TOP || explains;

	if (c->admin != NULL && !looks && !asks_with_token(c))
		return err_set(
			e, ERR_INVALID,
			"--admin goes with status, top, explain, record, drain and its like");
	if (c->is_json && c->verb != COMMAND_STATUS && !explains)
		return err_set(e, ERR_INVALID, "--json goes with status and explain");
	if (!explains && (c->explain.pool != NULL || c->explain.failed))
		return err_set(e, ERR_INVALID, "--pool and --failed go with explain");
	if (!explains && c->verb != COMMAND_LOGS && c->logs.last != NULL)
		return err_set(e, ERR_INVALID, "--last goes with explain and logs");
	if (looks && c->backends_n > 0)
		return err_set(e, ERR_INVALID,
			       "it takes no '%s': name the config by -c FILE, or the address by "
			       "--admin ADDR",
			       c->backends[0]);
	return ERR_OK;
}

static enum err check_record(const struct command *c, struct error *e)
{
	if (c->verb != COMMAND_RECORD)
		return record_is_asked(&c->record)
			       ? err_set(e, ERR_INVALID,
					 "--seconds, --count, --redact and --keep go with record")
			       : ERR_OK;
	if (has_run_options(c))
		return err_set(e, ERR_INVALID, "record takes no -l, -w, -d, -p, --tls and --watch");
	return record_check(&c->record, e);
}

enum err command_check(const struct command *c, struct error *e)
{
	bool is_demo = c->verb == COMMAND_DEMO;

	if (check_look(c, e) != ERR_OK || check_change(c, e) != ERR_OK ||
	    check_logs(c, e) != ERR_OK || check_record(c, e) != ERR_OK)
		return e->code;
	if (c->verb == COMMAND_RELOAD)
		return check_reload(c, e);
	if (c->settings.must_watch && (is_demo || c->backends_n > 0 || c->verb == COMMAND_CHECK))
		return err_set(e, ERR_INVALID,
			       "--watch goes with a config that is served: "
			       "neap -c FILE --watch");
	if (c->pid != 0)
		return err_set(e, ERR_INVALID, "--pid goes with reload");

	if (c->verb == COMMAND_VERSION)
		return ERR_OK;
	if (c->backends_n > 0 && is_demo)
		return err_set(e, ERR_INVALID, "demo brings its own backends: '%s' is too much",
			       c->backends[0]);
	if (c->backends_n > 0 && c->settings.config != NULL)
		return err_set(e, ERR_INVALID, "backends on the command line or -c, not both");
	if (c->listen != NULL && c->backends_n == 0 && !is_demo)
		return err_set(e, ERR_INVALID,
			       "-l goes with backends on the command line (neap -l %s 8081 8082); "
			       "a config has its own key, listen",
			       c->listen);
	if (c->is_tls && c->backends_n == 0 && !is_demo)
		return err_set(
			e, ERR_INVALID,
			"--tls goes with backends on the command line (neap --tls 8081 8082) "
			"and with demo; a config has its own key, tls");
	if (c->backend != NULL && !is_demo)
		return err_set(e, ERR_INVALID, "--backend goes with demo");
	if (is_demo &&
	    (c->settings.config != NULL || c->settings.must_detach || c->settings.pid_file != NULL))
		return err_set(e, ERR_INVALID, "demo takes no -c, -d, -p: it has its own config");
	return ERR_OK;
}

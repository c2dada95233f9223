#include "app/options.h"

#include <stdio.h>
#include <string.h>

#include "app/hint.h"
#include "base/cc.h"
#include "base/num.h"
#include "shm/board.h"

struct option_row {
	char letter; /* 0: none */
	const char *word;
	const char *value; /* NULL: takes none */
	const char *help;
	enum err (*set)(struct command *c, const char *value, struct error *e);
};

static enum err set_config(struct command *c, const char *value, struct error *e)
{
	(void)e;
	c->settings.config = value;
	return ERR_OK;
}

static enum err set_listen(struct command *c, const char *value, struct error *e)
{
	(void)e;
	c->listen = value;
	return ERR_OK;
}

static enum err set_tls(struct command *c, const char *value, struct error *e)
{
	(void)value, (void)e;
	c->is_tls = true;
	return ERR_OK;
}

static enum err set_workers(struct command *c, const char *value, struct error *e)
{
	uint64_t n;

	if (!num_parse_u64(str_of(value), BOARD_WORKERS_MAX, &n) || n == 0)
		return err_set(e, ERR_INVALID, "-w: '%s' is not a number from 1 to %d", value,
			       BOARD_WORKERS_MAX);
	c->settings.workers = (unsigned)n;
	return ERR_OK;
}

static enum err set_pid_file(struct command *c, const char *value, struct error *e)
{
	if (value[0] == '\0')
		return err_set(e, ERR_INVALID, "-p: the name of a file is expected");
	c->settings.pid_file = value;
	return ERR_OK;
}

static enum err set_detach(struct command *c, const char *value, struct error *e)
{
	(void)value, (void)e;
	c->settings.must_detach = true;
	return ERR_OK;
}

static enum err set_watch(struct command *c, const char *value, struct error *e)
{
	(void)value, (void)e;
	c->settings.must_watch = true;
	return ERR_OK;
}

static enum err set_check(struct command *c, const char *value, struct error *e)
{
	(void)value, (void)e;
	c->verb = COMMAND_CHECK;
	return ERR_OK;
}

static enum err set_version(struct command *c, const char *value, struct error *e)
{
	(void)value, (void)e;
	c->verb = COMMAND_VERSION;
	return ERR_OK;
}

static enum err set_help(struct command *c, const char *value, struct error *e)
{
	(void)value, (void)e;
	c->must_help = true;
	return ERR_OK;
}

static enum err set_backend(struct command *c, const char *value, struct error *e)
{
	(void)e;
	c->backend = value;
	return ERR_OK;
}

static enum err set_pid(struct command *c, const char *value, struct error *e)
{
	uint64_t n;

	if (!num_parse_u64(str_of(value), INT32_MAX, &n) || n == 0)
		return err_set(e, ERR_INVALID, "--pid: '%s' is no process's number", value);
	c->pid = (long)n;
	return ERR_OK;
}

static enum err set_admin(struct command *c, const char *value, struct error *e)
{
	(void)e;
	c->admin = value;
	return ERR_OK;
}

static enum err set_json(struct command *c, const char *value, struct error *e)
{
	(void)value, (void)e;
	c->is_json = true;
	return ERR_OK;
}

static enum err set_last(struct command *c, const char *value, struct error *e)
{
	(void)e;
	c->explain.last = c->logs.last = value;
	return ERR_OK;
}

static enum err set_pool(struct command *c, const char *value, struct error *e)
{
	(void)e;
	c->explain.pool = value;
	return ERR_OK;
}

static enum err set_failed(struct command *c, const char *value, struct error *e)
{
	(void)value, (void)e;
	c->explain.failed = true;
	return ERR_OK;
}

static enum err set_number(unsigned *to, const char *option, const char *value, unsigned max,
			   struct error *e)
{
	uint64_t n;

	if (!num_parse_u64(str_of(value), max, &n) || n == 0)
		return err_set(e, ERR_INVALID, "%s: '%s' is not a number from 1 to %u", option,
			       value, max);
	*to = (unsigned)n;
	return ERR_OK;
}

static enum err set_seconds(struct command *c, const char *value, struct error *e)
{
	return set_number(&c->record.seconds, "--seconds", value, RECORD_SECONDS_MAX, e);
}

static enum err set_count(struct command *c, const char *value, struct error *e)
{
	return set_number(&c->record.count, "--count", value, RECORD_COUNT_MAX, e);
}

static enum err set_token_file(struct command *c, const char *value, struct error *e)
{
	(void)e;
	c->token_file = value;
	return ERR_OK;
}

static enum err set_redact(struct command *c, const char *value, struct error *e)
{
	return record_redact(&c->record, value, e);
}

static enum err set_keep(struct command *c, const char *value, struct error *e)
{
	return record_keep(&c->record, value, e);
}

static enum err set_follow(struct command *c, const char *value, struct error *e)
{
	(void)value, (void)e;
	c->logs.must_follow = true;
	return ERR_OK;
}

static enum err set_filter(struct command *c, const char *value, struct error *e)
{
	return logs_add_filter(&c->logs, value, e);
}

static const struct option_row options[] = {
	{ 'c', "config", "FILE", "the config, ending in .lua or .json", set_config },
	{ 't', "test", NULL, "check the config and its policies, then end (as: neap check)",
	  set_check },
	{ 'l', "listen", "ADDR",
	  "with backends on the command line, or demo: listen here, not on :8080", set_listen },
	{ 0, "tls", NULL,
	  "with backends on the command line, or demo: https, with a certificate for trying out",
	  set_tls },
	{ 'w', "workers", "N", "number of worker processes, over the config's", set_workers },
	{ 'd', "daemon", NULL, "detach; returns when ready (needs a log target other than stderr)",
	  set_detach },
	{ 'p', "pid-file", "FILE", "write the master's pid there, locked while it runs",
	  set_pid_file },
	{ 0, "watch", NULL, "reload when the config, or a file that it names, changes", set_watch },
	{ 'v', "version", NULL, "print the version, and those of the libraries", set_version },
	{ 'h', "help", NULL, "print this", set_help },
	{ 0, "admin", "ADDR",
	  "with status, top, explain, record, drain, …: where the admin side is, if not where the "
	  "config says",
	  set_admin },
	{ 0, "json", NULL, "with status, explain: everything, as JSON", set_json },
	{ 0, "last", "N", "with explain, logs: so many requests or lines, 20 unless told",
	  set_last },
	{ 0, "pool", "P", "with explain: only those of that pool", set_pool },
	{ 0, "failed", NULL, "with explain: only those that had a failure", set_failed },
	{ 'f', "follow", NULL, "with logs: go on with the lines that come", set_follow },
	{ 0, "filter", "TEXT",
	  "with logs: only lines that have this text, and that of each other one", set_filter },
	{ 0, "pid", "N", "with reload: the master's process", set_pid },
	{ 0, "token-file", "FILE",
	  "with record, drain, …: a file with the admin side's token, if not the config's",
	  set_token_file },
	{ 0, "seconds", "S", "with record: how long (10; 60 with --count)", set_seconds },
	{ 0, "count", "N", "with record: how many requests at most", set_count },
	{ 0, "redact", "NAME",
	  "with record: hide this header's values (as cookie, authorization, proxy-authorization)",
	  set_redact },
	{ 0, "keep", "NAME", "with record: do not hide this header's values", set_keep },
	{ 0, "backend", "NAME", "with demo: start one of its backends (web1 to web4) again",
	  set_backend },
};

static const struct option_row *find_letter(char letter)
{
	for (size_t i = 0; i < countof(options); i++) {
		if (options[i].letter != 0 && options[i].letter == letter)
			return &options[i];
	}
	return NULL;
}

static const struct option_row *find_word(struct str word)
{
	for (size_t i = 0; i < countof(options); i++) {
		if (str_eq(word, str_of(options[i].word)))
			return &options[i];
	}
	return NULL;
}

static enum err unknown_option(const char *argument, struct error *e)
{
	const char *words[countof(options)];
	const char *near = NULL;

	for (size_t i = 0; i < countof(options); i++)
		words[i] = options[i].word;
	if (argument[1] == '-')
		near = hint_nearest(argument + 2, words, countof(words));
	if (near != NULL)
		return err_set(e, ERR_INVALID, "unknown option '%s': did you mean --%s?", argument,
			       near);
	return err_set(e, ERR_INVALID, "unknown option '%s': neap -h lists all", argument);
}

/* The value is the rest of this argument, or else the next one. */
static enum err apply(struct command *c, const struct option_row *row, const char *rest,
		      struct options_cursor *at, struct error *e)
{
	if (row->value == NULL)
		return row->set(c, NULL, e);
	if (rest == NULL && at->at + 1 < at->argc)
		rest = at->argv[++at->at];
	if (rest == NULL)
		return err_set(e, ERR_INVALID, "%s: %s is missing", at->argv[at->at], row->value);
	return row->set(c, rest, e);
}

enum err options_read_long(struct command *c, struct options_cursor *at, struct error *e)
{
	const char *argument = at->argv[at->at];
	struct str word = str_of(argument + 2);
	const char *equals = strchr(argument, '=');

	if (equals != NULL)
		word.n = (size_t)(equals - word.p);
	const struct option_row *row = find_word(word);
	if (row == NULL)
		return unknown_option(argument, e);
	if (equals != NULL && row->value == NULL)
		return err_set(e, ERR_INVALID, "--%s takes no value", row->word);
	return apply(c, row, equals != NULL ? equals + 1 : NULL, at, e);
}

enum err options_read_short(struct command *c, struct options_cursor *at, struct error *e)
{
	const char *argument = at->argv[at->at];
	enum err err = ERR_OK;

	for (const char *p = argument + 1; *p != '\0' && err == ERR_OK; p++) {
		const struct option_row *row = find_letter(*p);
		if (row == NULL)
			return unknown_option(argument, e);
		err = apply(c, row, p[1] != '\0' ? p + 1 : NULL, at, e);
		if (row->value != NULL)
			break;
	}
	return err;
}

/* Without what a command's own usage need not say: "with status, explain: ". */
static const char *own_help(const char *help)
{
	const char *colon = strstr(help, ": ");

	return str_starts_with(str_of(help), STR("with ")) && colon != NULL ? colon + 2 : help;
}

void options_print(const struct str *only)
{
	for (size_t i = 0; i < countof(options); i++) {
		const struct option_row *row = &options[i];
		char name[40];
		if (only != NULL && !str_eq(*only, str_of(row->word)))
			continue;
		(void)snprintf(name, sizeof(name), "%c%c%c --%s%s%s", row->letter ? '-' : ' ',
			       row->letter ? row->letter : ' ', row->letter ? ',' : ' ', row->word,
			       row->value != NULL ? " " : "", row->value != NULL ? row->value : "");
		(void)printf("  %-22s %s\n", name, only != NULL ? own_help(row->help) : row->help);
	}
}

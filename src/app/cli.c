#include "app/cli.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/hint.h"
#include "app/tools.h"
#include "base/num.h"
#include "shm/board.h"

struct option_row {
	char letter; /* 0: none */
	const char *word;
	const char *value; /* NULL: takes none */
	const char *help;
	enum err (*set)(struct cli *c, const char *value, struct error *e);
};

static enum err set_config(struct cli *c, const char *value, struct error *e)
{
	(void)e;
	c->settings.config = value;
	return ERR_OK;
}

static enum err set_listen(struct cli *c, const char *value, struct error *e)
{
	(void)e;
	c->listen = value;
	return ERR_OK;
}

static enum err set_workers(struct cli *c, const char *value, struct error *e)
{
	uint64_t n;

	if (!num_parse_u64(str_of(value), BOARD_WORKERS_MAX, &n) || n == 0)
		return err_set(e, ERR_INVALID, "-w: '%s' is not a number from 1 to %d", value,
			       BOARD_WORKERS_MAX);
	c->settings.workers = (unsigned)n;
	return ERR_OK;
}

static enum err set_pid_file(struct cli *c, const char *value, struct error *e)
{
	if (value[0] == '\0')
		return err_set(e, ERR_INVALID, "-p: the name of a file is expected");
	c->settings.pid_file = value;
	return ERR_OK;
}

static enum err set_detach(struct cli *c, const char *value, struct error *e)
{
	(void)value, (void)e;
	c->settings.must_detach = true;
	return ERR_OK;
}

static enum err set_watch(struct cli *c, const char *value, struct error *e)
{
	(void)value, (void)e;
	c->settings.must_watch = true;
	return ERR_OK;
}

static enum err set_check(struct cli *c, const char *value, struct error *e)
{
	(void)value, (void)e;
	c->verb = CLI_CHECK;
	return ERR_OK;
}

static enum err set_version(struct cli *c, const char *value, struct error *e)
{
	(void)value, (void)e;
	c->verb = CLI_VERSION;
	return ERR_OK;
}

static enum err set_help(struct cli *c, const char *value, struct error *e)
{
	(void)value, (void)e;
	c->must_help = true;
	return ERR_OK;
}

static enum err set_backend(struct cli *c, const char *value, struct error *e)
{
	(void)e;
	c->backend = value;
	return ERR_OK;
}

static enum err set_pid(struct cli *c, const char *value, struct error *e)
{
	uint64_t n;

	if (!num_parse_u64(str_of(value), INT32_MAX, &n) || n == 0)
		return err_set(e, ERR_INVALID, "--pid: '%s' is no process's number", value);
	c->pid = (long)n;
	return ERR_OK;
}

static enum err set_admin(struct cli *c, const char *value, struct error *e)
{
	(void)e;
	c->admin = value;
	return ERR_OK;
}

static enum err set_json(struct cli *c, const char *value, struct error *e)
{
	(void)value, (void)e;
	c->is_json = true;
	return ERR_OK;
}

static enum err set_last(struct cli *c, const char *value, struct error *e)
{
	(void)e;
	c->explain.last = value;
	return ERR_OK;
}

static enum err set_pool(struct cli *c, const char *value, struct error *e)
{
	(void)e;
	c->explain.pool = value;
	return ERR_OK;
}

static enum err set_failed(struct cli *c, const char *value, struct error *e)
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

static enum err set_seconds(struct cli *c, const char *value, struct error *e)
{
	return set_number(&c->record.seconds, "--seconds", value, RECORD_SECONDS_MAX, e);
}

static enum err set_count(struct cli *c, const char *value, struct error *e)
{
	return set_number(&c->record.count, "--count", value, RECORD_COUNT_MAX, e);
}

static enum err set_token_file(struct cli *c, const char *value, struct error *e)
{
	(void)e;
	c->record.token_file = value;
	return ERR_OK;
}

static enum err set_redact(struct cli *c, const char *value, struct error *e)
{
	return record_redact(&c->record, value, e);
}

static enum err set_keep(struct cli *c, const char *value, struct error *e)
{
	return record_keep(&c->record, value, e);
}

static const struct option_row options[] = {
	{ 'c', "config", "FILE", "the config, ending in .lua or .json", set_config },
	{ 't', "test", NULL, "check the config and its policies, then end (as: neap check)",
	  set_check },
	{ 'l', "listen", "ADDR",
	  "with backends on the command line, or demo: listen here, not on :8080", set_listen },
	{ 'w', "workers", "N", "number of worker processes, over the config's", set_workers },
	{ 'd', "daemon", NULL, "detach; returns when ready (needs a log target other than stderr)",
	  set_detach },
	{ 'p', "pid-file", "FILE", "write the master's pid there, locked while it runs",
	  set_pid_file },
	{ 0, "watch", NULL, "reload when the config, or a file that it names, changes", set_watch },
	{ 'v', "version", NULL, "print the version, and those of the libraries", set_version },
	{ 'h', "help", NULL, "print this", set_help },
	{ 0, "admin", "ADDR",
	  "with status, top, explain, record: where the admin side is, if not where the config says",
	  set_admin },
	{ 0, "json", NULL, "with status, explain: everything, as JSON", set_json },
	{ 0, "last", "N", "with explain: so many requests, 20 unless told", set_last },
	{ 0, "pool", "P", "with explain: only those of that pool", set_pool },
	{ 0, "failed", NULL, "with explain: only those that had a failure", set_failed },
	{ 0, "pid", "N", "with reload: the master's process", set_pid },
	{ 0, "token-file", "FILE", "with record: where the admin side's token is", set_token_file },
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

/* Steps through argv; `at` is the argument that is read. */
struct cursor {
	int at, argc;
	char **argv;
};

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

/* The value: what is left of this argument, else the next one. */
static enum err apply(struct cli *c, const struct option_row *row, const char *rest,
		      struct cursor *at, struct error *e)
{
	if (row->value == NULL)
		return row->set(c, NULL, e);
	if (rest == NULL && at->at + 1 < at->argc)
		rest = at->argv[++at->at];
	if (rest == NULL)
		return err_set(e, ERR_INVALID, "%s: %s is missing", at->argv[at->at], row->value);
	return row->set(c, rest, e);
}

/* --word, --word=value, --word value */
static enum err parse_long(struct cli *c, struct cursor *at, struct error *e)
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

/* -x, -xvalue, -x value, -xyz */
static enum err parse_short(struct cli *c, struct cursor *at, struct error *e)
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

static const char *const verbs[] = { "check",  "demo",	  "init",   "sim", "replay",
				     "record", "explain", "status", "top", "reload" };

static bool is_verb(const char *word)
{
	for (size_t i = 0; i < countof(verbs); i++) {
		if (strcmp(word, verbs[i]) == 0)
			return true;
	}
	return false;
}

static enum err set_verb(struct cli *c, const char *word, struct error *e)
{
	if (strcmp(word, "check") == 0)
		c->verb = CLI_CHECK;
	else if (strcmp(word, "demo") == 0)
		c->verb = CLI_DEMO;
	else if (strcmp(word, "reload") == 0)
		c->verb = CLI_RELOAD;
	else if (strcmp(word, "status") == 0)
		c->verb = CLI_STATUS;
	else if (strcmp(word, "top") == 0)
		c->verb = CLI_TOP;
	else if (strcmp(word, "record") == 0)
		c->verb = CLI_RECORD;
	else if (strcmp(word, "explain") == 0)
		c->verb = CLI_EXPLAIN;
	else /* a tool, and not the first word */
		return err_set(e, ERR_INVALID, "%s takes its own flags only: neap %s --help", word,
			       word);
	return ERR_OK;
}

/* No backend: those have a port, or are a path. */
static enum err unknown_word(const char *word, struct error *e)
{
	const char *near = hint_nearest(word, verbs, countof(verbs));
	if (near != NULL)
		return err_set(e, ERR_INVALID, "unknown command '%s': did you mean %s?", word,
			       near);
	return err_set(e, ERR_INVALID, "unknown command '%s': neap -h lists all", word);
}

static bool is_config(const char *word)
{
	const char *dot = strrchr(word, '.');

	return dot != NULL && strchr(word, ':') == NULL &&
	       (strcmp(dot, ".lua") == 0 || strcmp(dot, ".json") == 0);
}

static enum err add_backend(struct cli *c, const char *word, struct error *e)
{
	if (c->verb == CLI_RECORD) {
		if (c->record.file != NULL)
			return err_set(e, ERR_INVALID,
				       "record: '%s' is too much: one file is "
				       "expected",
				       word);
		c->record.file = word;
		return ERR_OK;
	}
	if (is_config(word))
		return err_set(e, ERR_INVALID, "'%s': a config is named by -c: neap -c %s", word,
			       word);
	if (strpbrk(word, "0123456789:/") == NULL)
		return unknown_word(word, e);
	if (c->backends_n == CLI_BACKENDS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d backends: use a config",
			       CLI_BACKENDS_MAX);
	c->backends[c->backends_n++] = word;
	return ERR_OK;
}

static enum err parse_argument(struct cli *c, struct cursor *at, bool *may_be_verb, struct error *e)
{
	const char *argument = at->argv[at->at];

	if (argument[0] == '-' && argument[1] == '-')
		return parse_long(c, at, e);
	if (argument[0] == '-' && argument[1] != '\0')
		return parse_short(c, at, e);
	bool is_first = *may_be_verb;
	*may_be_verb = false;
	if (c->verb == CLI_EXPLAIN && c->explain.id == NULL) {
		c->explain.id = argument;
		return ERR_OK;
	}
	if (!is_first || !is_verb(argument))
		return add_backend(c, argument, e);
	c->word = argument;
	return set_verb(c, argument, e);
}

static enum err check_reload(const struct cli *c, struct error *e)
{
	if (c->backends_n > 0)
		return err_set(e, ERR_INVALID,
			       "reload takes no '%s': name the process by --pid N, "
			       "-p FILE or -c FILE",
			       c->backends[0]);
	if (c->listen != NULL || c->backend != NULL || c->settings.workers > 0 ||
	    c->settings.must_detach || c->settings.must_watch)
		return err_set(e, ERR_INVALID,
			       "reload takes -c, -p and --pid only: the process "
			       "keeps its own options");
	return ERR_OK;
}

static enum err check_look(const struct cli *c, struct error *e)
{
	bool explains = c->verb == CLI_EXPLAIN;
	bool looks = c->verb == CLI_STATUS || c->verb == CLI_TOP || explains;

	if (c->admin != NULL && !looks && c->verb != CLI_RECORD)
		return err_set(e, ERR_INVALID, "--admin goes with status, top, explain and record");
	if (c->is_json && c->verb != CLI_STATUS && !explains)
		return err_set(e, ERR_INVALID, "--json goes with status and explain");
	if (!explains && (c->explain.last != NULL || c->explain.pool != NULL || c->explain.failed))
		return err_set(e, ERR_INVALID, "--last, --pool and --failed go with explain");
	if (looks && c->backends_n > 0)
		return err_set(e, ERR_INVALID,
			       "it takes no '%s': name the config by -c FILE, or the address by "
			       "--admin ADDR",
			       c->backends[0]);
	return ERR_OK;
}

static enum err check_record(const struct cli *c, struct error *e)
{
	if (c->verb != CLI_RECORD)
		return record_is_asked(&c->record)
			       ? err_set(e, ERR_INVALID,
					 "--token-file, --seconds, --count, --redact and --keep "
					 "go with record")
			       : ERR_OK;
	if (c->listen != NULL || c->settings.workers > 0 || c->settings.must_detach ||
	    c->settings.must_watch || c->settings.pid_file != NULL)
		return err_set(e, ERR_INVALID, "record takes no -l, -w, -d, -p and --watch");
	return record_check(&c->record, e);
}

/* What does not go together is said, not ignored. */
static enum err check_together(const struct cli *c, struct error *e)
{
	bool is_demo = c->verb == CLI_DEMO;

	if (check_look(c, e) != ERR_OK || check_record(c, e) != ERR_OK)
		return e->code;
	if (c->verb == CLI_RELOAD)
		return check_reload(c, e);
	if (c->settings.must_watch && (is_demo || c->backends_n > 0 || c->verb == CLI_CHECK))
		return err_set(e, ERR_INVALID,
			       "--watch goes with a config that is served: "
			       "neap -c FILE --watch");
	if (c->pid != 0)
		return err_set(e, ERR_INVALID, "--pid goes with reload");

	if (c->verb == CLI_VERSION)
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
	if (c->backend != NULL && !is_demo)
		return err_set(e, ERR_INVALID, "--backend goes with demo");
	if (is_demo &&
	    (c->settings.config != NULL || c->settings.must_detach || c->settings.pid_file != NULL))
		return err_set(e, ERR_INVALID, "demo takes no -c, -d, -p: it has its own config");
	return ERR_OK;
}

enum err cli_parse(struct cli *c, int argc, char **argv, struct error *e)
{
	struct cursor at = { .at = 1, .argc = argc, .argv = argv };
	bool may_be_verb = true;

	*c = (struct cli){ .verb = CLI_RUN };
	record_init(&c->record);
	for (; at.at < argc; at.at++) {
		enum err err = parse_argument(c, &at, &may_be_verb, e);
		if (err != ERR_OK)
			return err;
	}
	if (!c->must_help)
		return check_together(c, e);
	c->verb = CLI_HELP;
	return ERR_OK;
}

/* What a command's own usage need not say: "with status, explain: " */
static const char *own_help(const char *help)
{
	const char *colon = strstr(help, ": ");

	return str_starts_with(str_of(help), STR("with ")) && colon != NULL ? colon + 2 : help;
}

void cli_print_options(const struct str *only)
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

static bool ends_in(const char *path, struct str end)
{
	struct str s = str_of(path);

	return s.n > end.n && memcmp(s.p + s.n - end.n, end.p, end.n) == 0;
}

enum err cli_choose_config(struct cli *c, struct error *e)
{
	static const char *const usual[] = { "config.lua", "/etc/neap/config.lua" };

	for (size_t i = 0; i < countof(usual) && c->settings.config == NULL; i++) {
		if (access(usual[i], F_OK) == 0)
			c->settings.config = usual[i];
	}
	if (c->settings.config == NULL)
		return err_set(e, ERR_INVALID,
			       "no config: there is neither ./config.lua nor /etc/neap/config.lua; "
			       "name one (neap -c FILE), give backends (neap 8081 8082), "
			       "or try neap demo");
	if (ends_in(c->settings.config, STR(".lua")) || ends_in(c->settings.config, STR(".json")))
		return ERR_OK;
	return err_set(e, ERR_INVALID, "%s: a config's name ends in .lua or .json",
		       c->settings.config);
}

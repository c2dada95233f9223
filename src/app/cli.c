#include "app/cli.h"

#include <string.h>
#include <unistd.h>

#include "app/hint.h"
#include "app/options.h"
#include "base/cc.h"

static const char *const verbs[] = { "check",	"demo",	   "init",   "sim",    "convert", "replay",
				     "record",	"explain", "status", "top",    "reload",  "drain",
				     "undrain", "up",	   "down",   "weight", "help",	  "logs" };

static bool is_verb(const char *word)
{
	for (size_t i = 0; i < countof(verbs); i++) {
		if (strcmp(word, verbs[i]) == 0)
			return true;
	}
	return false;
}

static enum err set_verb(struct command *c, const char *word, struct error *e)
{
	static const struct {
		const char *word;
		enum command_verb verb;
	} known[] = {
		{ "check", COMMAND_CHECK },	{ "demo", COMMAND_DEMO },
		{ "reload", COMMAND_RELOAD },	{ "status", COMMAND_STATUS },
		{ "top", COMMAND_TOP },		{ "record", COMMAND_RECORD },
		{ "explain", COMMAND_EXPLAIN }, { "help", COMMAND_HELP },
		{ "logs", COMMAND_LOGS },
	};

	c->change.verb = word;
	if (change_is_verb(word)) {
		c->verb = COMMAND_CHANGE;
		return ERR_OK;
	}
	for (size_t i = 0; i < countof(known); i++) {
		if (strcmp(word, known[i].word) == 0) {
			c->verb = known[i].verb;
			return ERR_OK;
		}
	}
	/* A tool, and not the first word. */
	return err_set(e, ERR_INVALID, "%s takes its own flags only: neap %s --help", word, word);
}

/* The word is no backend: a backend has a port, or is a path. */
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

static enum err add_backend(struct command *c, const char *word, struct error *e)
{
	if (c->verb == COMMAND_RECORD) {
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
	if (c->backends_n == COMMAND_BACKENDS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d backends: use a config",
			       COMMAND_BACKENDS_MAX);
	c->backends[c->backends_n++] = word;
	return ERR_OK;
}

static enum err ask_help(struct command *c, const char *word, struct error *e)
{
	if (!is_verb(word))
		return unknown_word(word, e);
	c->word = word;
	return ERR_OK;
}

static enum err parse_argument(struct command *c, struct options_cursor *at, bool *may_be_verb,
			       struct error *e)
{
	const char *argument = at->argv[at->at];

	if (argument[0] == '-' && argument[1] == '-')
		return options_read_long(c, at, e);
	if (argument[0] == '-' && argument[1] != '\0')
		return options_read_short(c, at, e);
	bool is_first = *may_be_verb;
	*may_be_verb = false;
	if (c->verb == COMMAND_EXPLAIN && c->explain.id == NULL) {
		c->explain.id = argument;
		return ERR_OK;
	}
	if (c->verb == COMMAND_CHANGE)
		return change_add(&c->change, argument, e);
	if (c->verb == COMMAND_HELP)
		return ask_help(c, argument, e);
	if (!is_first || !is_verb(argument))
		return add_backend(c, argument, e);
	c->word = strcmp(argument, "help") == 0 ? NULL : argument;
	return set_verb(c, argument, e);
}

enum err cli_parse(struct command *c, int argc, char **argv, struct error *e)
{
	struct options_cursor at = { .at = 1, .argc = argc, .argv = argv };
	bool may_be_verb = true;

	*c = (struct command){ .verb = COMMAND_RUN };
	record_init(&c->record);
	for (; at.at < argc; at.at++) {
		enum err err = parse_argument(c, &at, &may_be_verb, e);
		if (err != ERR_OK)
			return err;
	}
	if (!c->must_help && c->verb != COMMAND_HELP)
		return command_check(c, e);
	c->verb = COMMAND_HELP;
	return ERR_OK;
}

static bool ends_in(const char *path, struct str end)
{
	struct str s = str_of(path);

	return s.n > end.n && memcmp(s.p + s.n - end.n, end.p, end.n) == 0;
}

/* What helps when there is no config: what the command is for tells. */
static const char *what_instead(const struct command *c)
{
	switch (c->verb) {
	case COMMAND_STATUS:
	case COMMAND_TOP:
	case COMMAND_EXPLAIN:
		return "name the config of the neap that runs by -c FILE, or its admin side by "
		       "--admin ADDR";
	case COMMAND_RECORD:
	case COMMAND_CHANGE:
		return "name the config of the neap that runs by -c FILE, or its admin side by "
		       "--admin ADDR --token-file FILE";
	case COMMAND_LOGS:
	case COMMAND_RELOAD:
		return "name the config of the neap that runs by -c FILE";
	case COMMAND_CHECK:
		return "name one: neap check -c FILE";
	default:
		return "name one (neap -c FILE), give backends (neap 8081 8082), or try neap demo";
	}
}

enum err cli_choose_config(struct command *c, struct error *e)
{
	static const char *const usual[] = { "config.lua", "/etc/neap/config.lua" };

	for (size_t i = 0; i < countof(usual) && c->settings.config == NULL; i++) {
		if (access(usual[i], F_OK) == 0)
			c->settings.config = usual[i];
	}
	if (c->settings.config == NULL)
		return err_set(e, ERR_INVALID,
			       "no config: there is neither ./config.lua nor /etc/neap/config.lua; "
			       "%s",
			       what_instead(c));
	if (ends_in(c->settings.config, STR(".lua")) || ends_in(c->settings.config, STR(".json")))
		return ERR_OK;
	return err_set(e, ERR_INVALID, "%s: a config's name ends in .lua or .json",
		       c->settings.config);
}

/*
 * The command line: options, verbs, backends. Only reads argv; what it points at lives as long as
 * argv.
 */
#ifndef NEAP_APP_CLI_H
#define NEAP_APP_CLI_H

#include <stdbool.h>

#include "app/record.h"
#include "app/settings.h"
#include "base/err.h"
#include "base/str.h"

enum cli_verb {
	CLI_RUN,
	CLI_CHECK,
	CLI_DEMO,
	CLI_RELOAD,
	CLI_STATUS,
	CLI_TOP,
	CLI_EXPLAIN,
	CLI_RECORD,
	CLI_VERSION,
	CLI_HELP
};

enum { CLI_BACKENDS_MAX = 256 };

struct cli {
	enum cli_verb verb;
	const char *word;	  /* the verb as it was written; NULL: none was */
	bool must_help;		  /* -h */
	struct settings settings; /* config as given with -c; NULL: not given */
	const char *listen;	  /* -l; NULL: not given */
	const char *backend;	  /* --backend of the demo; NULL: not given */
	const char *admin;	  /* --admin of status, top, explain and record; NULL: not given */
	bool is_json;		  /* --json of status and explain */
	struct {
		const char *id, *pool, *last; /* NULL: not given */
		bool failed;
	} explain;
	long pid;		   /* --pid; 0: not given */
	struct record_wish record; /* of record */
	const char *backends[CLI_BACKENDS_MAX];
	unsigned backends_n;
};

/* ERR_INVALID: the text says what is wrong and what to do. */
enum err cli_parse(struct cli *c, int argc, char **argv, struct error *e);

/* A line an option, on stdout; only: of the one with that long name. NULL: of all. */
void cli_print_options(const struct str *only);

/*
 * Which config to use: -c, or ./config.lua, or /etc/neap/config.lua. It must end in .lua or .json.
 * Sets settings.config.
 */
enum err cli_choose_config(struct cli *c, struct error *e);

#endif

/*
 * What the command line asks for. Pointers are into argv and live as long as it does.
 */
#ifndef NEAP_APP_COMMAND_H
#define NEAP_APP_COMMAND_H

#include <stdbool.h>

#include "app/change.h"
#include "app/logs.h"
#include "app/record.h"
#include "base/err.h"
#include "fleet/settings.h"

enum command_verb {
	COMMAND_RUN,
	COMMAND_CHECK,
	COMMAND_DEMO,
	COMMAND_RELOAD,
	COMMAND_STATUS,
	COMMAND_TOP,
	COMMAND_EXPLAIN,
	COMMAND_RECORD,
	COMMAND_LOGS,
	COMMAND_CHANGE, /* drain, undrain, up, down, weight */
	COMMAND_VERSION,
	COMMAND_HELP
};

enum { COMMAND_BACKENDS_MAX = 256 };

struct command {
	/* What is to be done. */
	enum command_verb verb;
	const char *word; /* the verb as it was written; NULL: none was */
	bool must_help;	  /* -h: whatever the verb */

	/* For run, check and demo. The config in it is the one given with -c; NULL: not given. */
	struct settings settings;
	const char *listen;  /* -l; NULL: not given */
	bool is_tls;	     /* --tls: with a certificate of our own */
	const char *backend; /* --backend of the demo; NULL: not given */
	const char *backends[COMMAND_BACKENDS_MAX];
	unsigned backends_n;

	/* For reload, and what asks the admin side. */
	long pid;	   /* --pid; 0: not given */
	const char *admin; /* --admin; NULL: not given */
	bool is_json;	   /* --json of status and explain */
	struct {
		const char *id, *pool, *last; /* NULL: not given */
		bool failed;
	} explain;
	struct record_wish record;
	struct change_wish change;
	struct logs_wish logs;
	const char *token_file; /* of record and the changes; NULL: not given */
};

/*
 * Do verb and options go together? An option that does not is an error, not ignored: ERR_INVALID.
 */
enum err command_check(const struct command *c, struct error *e);

#endif

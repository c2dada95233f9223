/*
 * neap record: has a running neap record its traffic, and keeps what it gives in a file of JSON
 * lines (docs/replay.md).
 */
#ifndef NEAP_APP_RECORD_H
#define NEAP_APP_RECORD_H

#include "app/look.h"
#include "base/err.h"

enum { RECORD_SECONDS_MAX = 3600, RECORD_COUNT_MAX = 1000000, RECORD_REDACT_MAX = 32 };

/* As the command line has it. */
struct record_wish {
	const char *file;	 /* NULL: not given */
	unsigned seconds, count; /* 0: not given */
	const char *redact[RECORD_REDACT_MAX];
	unsigned redact_n;
	bool is_listed; /* the list was changed */
};

/* Nothing is asked for yet; the headers that are hidden unless told otherwise are in the list. */
void record_init(struct record_wish *w);

/* Adds a header to those whose values are hidden, or takes it out. ERR_INVALID: no such name. */
enum err record_redact(struct record_wish *w, const char *name, struct error *e);
enum err record_keep(struct record_wish *w, const char *name, struct error *e);

/* Was any of its options given? */
bool record_is_asked(const struct record_wish *w);

/* Is it complete? ERR_INVALID: the text says what is missing. */
enum err record_check(const struct record_wish *w, struct error *e);

/*
 * Runs until it is over, or a signal ends it early. Says on stdout what the file has. token_file:
 * NULL: the config has the token.
 */
enum err record_run(const struct record_wish *w, const char *token_file, const struct look *l,
		    struct error *e);

#endif

/*
 * Lends root's right to read while a config is loaded. Root reads the config, so root reads what it
 * requires beside it, too, although the config's code has given up root already. A small process
 * that is still root opens those files and passes them on. While the config's code runs these are
 * Lua files below the config's folder, nothing else. Once it has run, and for ever after, these are
 * the files and folders that the config names as certificates and keys: only C asks for them
 * (conf/secrets.h), and no Lua gets to see what is in them. It ends before any policy is loaded.
 */
#ifndef NEAP_APP_LENDER_H
#define NEAP_APP_LENDER_H

#include "conf/bundle.h"
#include "fleet/child.h"

struct lender {
	struct child child;
	char folder[1024]; /* with its slash; "": the current one */
};

/* As root. From here on the bundle asks it for Lua files that it may not open itself. */
enum err lender_start(struct lender *l, struct bundle *b, const char *config, struct error *e);

/*
 * The config is evaluated: from here on this bundle asks it for what the config names, and the other
 * bundle no more. Harmless without a lender.
 */
void lender_turn(struct lender *l, struct bundle *secrets);

/* Ends it. Harmless when it has ended, or never began. */
void lender_end(struct lender *l);

#endif

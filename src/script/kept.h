/*
 * Connections of scripts that are kept for the next request to the same server, on the same terms (the
 * key says both). Not many, and not for long. What happens on one of them ends it.
 */
#ifndef NEAP_SCRIPT_KEPT_H
#define NEAP_SCRIPT_KEPT_H

#include "script/conn.h"

enum { KEPT_MAX = 256, KEPT_SECONDS = 15, KEPT_SURE_SECONDS = 1 };

/*
 * Keeps a connection, which is taken out of its list, if nothing of it is left unread, and an answer
 * over HTTP on it is whole and lets it stand. (Of other protocols the caller knows that it is in
 * step.) False: it is not kept, and remains the caller's.
 */
bool kept_put(struct conn *c, struct str key);

/*
 * The newest of that key that is still fine, put into the list to; NULL: none. is_sure: for a request
 * that cannot be sent again; one that was idle for longer than KEPT_SURE_SECONDS, after which servers
 * may end it at any moment, is closed then.
 */
struct conn *kept_take(struct io *io, struct str key, bool is_sure, struct list *to);

void kept_close_all(struct io *io);

#endif

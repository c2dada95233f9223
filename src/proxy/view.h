/*
 * What hooks see of a request (ex->view), filled from its head and its connection: once, before any
 * hook is asked.
 */
#ifndef NEAP_PROXY_VIEW_H
#define NEAP_PROXY_VIEW_H

#include "proxy/state.h"

/* Who the client is (as the service's trust rule sees it), when, of which service: of any mode. */
void view_fill(struct exchange *ex);

/* That, and the parsed head ex->req, which stays where it is while the exchange lives. */
void view_fill_request(struct exchange *ex);

/*
 * The same for the log hook, of a head that was refused: only a good request line may be shown,
 * never its fields.
 */
void view_fill_refused(struct exchange *ex);

/* The backend that it names; NULL: none, or one that is gone. */
const struct backend *view_backend(const struct exchange *ex);

#endif

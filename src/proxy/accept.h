/*
 * New client connections: each gets the front that its service speaks, or is turned away.
 */
#ifndef NEAP_PROXY_ACCEPT_H
#define NEAP_PROXY_ACCEPT_H

#include "proxy/front.h"

struct accept_maxima {
	uint32_t connections, header_bytes, fields; /* fields: of a request and its answer */
	uint32_t streams;			    /* of HTTP/2, of all connections together */
};

/* Memory for all of them. all->plane is there. ERR_MEMORY; accept_fini may be called in any case. */
enum err accept_init(struct fronts *all, const struct accept_maxima *m);
void accept_fini(struct fronts *all); /* nothing may be open */

/*
 * Takes over an accepted socket; of http, data is expected on it already (TCP_DEFER_ACCEPT). When
 * there are too many it is closed, http with a 503.
 */
void accept_connection(struct fronts *all, struct service *s, const struct conf_listen *listen,
		       int fd, const struct peer *peer);

#endif

/* Inside this room: how a head is refused. */
#ifndef NEAP_HTTP_REFUSE_H
#define NEAP_HTTP_REFUSE_H

#include "http/msg.h"

/* The status is the one for a request; a refused response is always a 502. */
static inline enum h1_result refuse(struct http_head *h, uint16_t status, const char *reason)
{
	h->refusal = (struct http_refusal){
		.status = h->is_response ? 502 : status,
		.is_limit = status == 414 || status == 431,
		.reason = reason,
	};
	h->phase = PHASE_BAD;
	return H1_BAD;
}

/*
 * What is wrong with this byte at its place, as a reason; OTHERWISE when the byte alone does not
 * say it.
 */
const char *refuse_byte(char c, const char *otherwise);

#endif

/*
 * What a request is called in logs, here and elsewhere: its id (X-Request-Id) and its trace
 * context (W3C Trace Context, traceparent). Both are passed on to the backend where the service
 * says so.
 */
#ifndef NEAP_EXCHANGE_IDS_H
#define NEAP_EXCHANGE_IDS_H

#include "exchange/request.h"
#include "http/h1_write.h"

enum { IDS_TEXT_MAX = 128, IDS_TRACE_MAX = 56 };

/* Once a request's head is read: what came is believed, or something new is made. */
void ids_begin(struct request *rq);

static inline void ids_on_begin(struct request *rq)
{
	if (unlikely(rq->service->conf->is_named))
		ids_begin(rq);
}

/* Its id, which `request.id` of hooks is too; in TO, or where it stands in the head. */
struct str ids_text(const struct request *rq, char to[IDS_TEXT_MAX]);

/* The traceparent that the backend gets: the client's, or the one made here. */
bool ids_has_trace(const struct request *rq);
struct str ids_trace(const struct request *rq, char to[IDS_TRACE_MAX]);

/* Must a field of that name that came with the request give way to ours? */
bool ids_replace(const struct request *rq, struct str name);

/* The fields for the backend, but for those that a script set or took out itself. */
void ids_write(struct out *o, const struct request *rq);

/* The field with the id in answers (explain.header); "": none. */
static inline const char *ids_answer_name(const struct request *rq)
{
	return rq->plane->conf->explain.header;
}

/* That field, for the client. */
void ids_write_answer(struct out *o, const struct request *rq);

#endif

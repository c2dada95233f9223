/*
 * What a request is called in logs, here and elsewhere: its id (X-Request-Id) and its trace
 * context (W3C Trace Context, traceparent). Both are passed on to the backend where the service
 * says so.
 */
#ifndef NEAP_PROXY_IDS_H
#define NEAP_PROXY_IDS_H

#include "http/h1_out.h"
#include "proxy/state.h"

enum { IDS_TEXT_MAX = 128, IDS_TRACE_MAX = 56 };

/* Once a request's head is read: what came is believed, or something new is made. */
void ids_begin(struct exchange *ex);

static inline void ids_on_begin(struct exchange *ex)
{
	if (unlikely(ex->service->conf->is_named))
		ids_begin(ex);
}

/* Its id, which `request.id` of hooks is too; in TO, or where it stands in the head. */
struct str ids_text(const struct exchange *ex, char to[IDS_TEXT_MAX]);

/* The traceparent that the backend gets: the client's, or the one made here. */
bool ids_has_trace(const struct exchange *ex);
struct str ids_trace(const struct exchange *ex, char to[IDS_TRACE_MAX]);

/* Must a field of that name that came with the request give way to ours? */
bool ids_replace(const struct exchange *ex, struct str name);

/* The fields for the backend, but for those that a script set or took out itself. */
void ids_write(struct h1_out *o, const struct exchange *ex);

/* For the client, where the config wants it (explain.header). */
void ids_write_answer(struct h1_out *o, const struct exchange *ex);

#endif

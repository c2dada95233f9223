/*
 * One line of the access log, as text.
 */
#ifndef NEAP_EXCHANGE_ACCESS_LINE_H
#define NEAP_EXCHANGE_ACCESS_LINE_H

#include "base/lines.h"
#include "exchange/request.h"
#include "http/h1_write.h"

/*
 * Adds the line of an exchange that has ended to the log, in the format of the config: combined (as
 * Apache and nginx write it) or JSON (one object, RFC 8259). Controls, quotes and bytes beyond
 * ASCII are escaped, so a request cannot forge a line.
 */
void access_line_add(struct lines *log, enum conf_access_format format, const struct request *rq,
		     const struct neap_outcome *o);

/* The status of a gRPC call, as a member that is there with calls only. */
void access_line_tell_grpc(struct out *o, const struct neap_outcome *outcome);

/* How long it took and why it ended, as members that are the same wherever JSON tells of it. */
void access_line_tell_times(struct out *o, const struct neap_outcome *outcome);

/* A line that a function of the config made; controls in it are escaped. */
void access_line_add_text(struct lines *log, struct str text);

#endif

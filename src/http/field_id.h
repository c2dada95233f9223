/* Field names: which the proxy knows, and which it guards. All names given here are tokens. */
#ifndef NEAP_HTTP_FIELD_ID_H
#define NEAP_HTTP_FIELD_ID_H

#include "http/msg.h"

/* Without regard to case. */
enum field_id field_id_of(struct str name);

/*
 * May a Connection field strip this one? Never what routing, framing, identity or caching rests
 * on: fields with an id of their own (but for those that end at each hop), X-Forwarded-*,
 * X-Real-*, Content-*, If-*, Sec-*, Access-Control-*, X-Api-Key, X-Auth-*, Cache-Control, Origin,
 * Range, Referer, WWW-Authenticate.
 */
bool field_is_guarded(enum field_id id, struct str name);

/*
 * Names with '_' go through as they are, but for those that become a known or X-Forwarded-* name
 * when '_' is read as '-', as CGI does (Content_Length, X_Forwarded_For): true for them, and the
 * request is refused.
 */
bool field_is_alias(struct str name);

/*
 * May it stand in a trailer section (RFC 9110 §6.5.1)? Not what says where a message ends or goes,
 * who sent it, how to read its content, whether to keep it; not under an alias either. The first
 * 32 bytes of a longer name are enough. (Digests, checksums, timings, signatures, grpc-* are what
 * trailers are for.)
 */
bool field_may_trail(struct str name);

#endif

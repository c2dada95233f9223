/* Media types (RFC 9110 §8.3.1) and lists of patterns of them. */
#ifndef NEAP_HTTP_MEDIA_H
#define NEAP_HTTP_MEDIA_H

#include <stdbool.h>

#include "base/str.h"

/* The value of a Content-Type without its parameters. */
struct str media_type(struct str value);

/*
 * Does the type match the pattern: the same type ("text/html"), all of a kind ("text" and "/" and "*"),
 * or all that end so ("+json")? Case does not count.
 */
bool media_matches(struct str type, struct str pattern);

#endif

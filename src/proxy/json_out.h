/*
 * JSON (RFC 8259) into a bounded sink: members of an object, one after the other.
 */
#ifndef NEAP_PROXY_JSON_OUT_H
#define NEAP_PROXY_JSON_OUT_H

#include <time.h>

#include "http/h1_out.h"

/* PREFIX and two hexadecimal digits. */
void json_hex(struct h1_out *o, const char *prefix, unsigned char c);

/* Printable ASCII that needs no escape between quotes. */
bool json_is_plain(unsigned char c);

/* Between quotes. Bytes beyond ASCII are the characters of that number. */
void json_string(struct h1_out *o, struct str s);

/* A comma, unless what comes is the first of its object or list, or stands behind a key. */
void json_next(struct h1_out *o);

/* '{' or '[' as the next one; json_end takes its other half. key NULL: of a list, or the whole. */
void json_begin(struct h1_out *o, const char *key, char bracket);
void json_end(struct h1_out *o, char bracket);

/* "key": as the next one of its object. */
void json_key(struct h1_out *o, const char *key);

void json_text(struct h1_out *o, const char *key, struct str value);
void json_some(struct h1_out *o, const char *key, struct str value); /* nothing when empty */
void json_number(struct h1_out *o, const char *key, uint64_t value);
void json_seconds(struct h1_out *o, const char *key, double seconds); /* nothing when negative */
void json_time(struct h1_out *o, double time); /* the member "time": seconds since 1970 */

/* A second in two forms, printed once for all that ask for it. */
struct json_stamp {
	time_t second;
	char local[40], utc[32];
};
const struct json_stamp *json_stamp(double now);

#endif

/*
 * JSON (RFC 8259) into a bounded sink: members of an object, one after the other.
 */
#ifndef NEAP_BASE_JSON_H
#define NEAP_BASE_JSON_H

#include <time.h>

#include "base/out.h"

/* PREFIX and two hexadecimal digits. */
void json_hex(struct out *o, const char *prefix, unsigned char c);

/* The text, in which all but printable ASCII, quotes and backslashes too, becomes json_hex. */
void json_escaped(struct out *o, struct str s, const char *prefix);

/*
 * Between quotes. A text in UTF-8 stays itself; of any other, and of one with controls (utf8.h), each
 * byte beyond ASCII becomes the character of that number.
 */
void json_string(struct out *o, struct str s);

/* A comma, unless the next element is the first of its object or list, or the value of a key. */
void json_next(struct out *o);

/*
 * Opens an object or a list by '{' or '['; json_end gets the closing bracket. key NULL: it is an
 * element of a list, or the outermost.
 */
void json_begin(struct out *o, const char *key, char bracket);
void json_end(struct out *o, char bracket);

/* The key of the next member. json_key: a word of ours; json_name escapes names of others. */
void json_key(struct out *o, const char *key);
void json_name(struct out *o, struct str name);
void json_named(struct out *o, struct str name, struct str value);

/* Whole members, by the kind of their value. */
void json_text(struct out *o, const char *key, struct str value);
void json_some(struct out *o, const char *key, struct str value); /* nothing when empty */
void json_number(struct out *o, const char *key, uint64_t value);
void json_flag(struct out *o, const char *key, bool value);
void json_seconds(struct out *o, const char *key, double seconds); /* nothing when negative */
void json_time(struct out *o, double time); /* the member "time": seconds since 1970 */

/* A second in two forms. It is kept, so that each second is printed once. */
struct json_stamp {
	time_t second;
	char local[40], utc[32];
};
const struct json_stamp *json_stamp(double now);

#endif

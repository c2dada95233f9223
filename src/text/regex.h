/*
 * Regular expressions (PCRE2), bounded in everything: patterns, texts, time. A pattern is compiled to
 * machine code. Texts up to REGEX_SHORT are matched by it alone: it counts its own steps but for
 * loops over single characters, which are quadratic at worst. Longer texts, and replacements, take a
 * second form of the pattern that calls back at each item, so that all work is counted.
 *
 * One engine a process; it outlives its patterns. Nothing here is thread-safe.
 */
#ifndef NEAP_TEXT_REGEX_H
#define NEAP_TEXT_REGEX_H

#include <stddef.h>
#include <stdint.h>

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
enum {
	REGEX_PATTERN_MAX = 16384,
	REGEX_TEXT_MAX = 262144,
	REGEX_SHORT = 2048,
	REGEX_GROUPS_MAX = 99,
	REGEX_LIVE_MAX = 1000, /* patterns at a time */
	REGEX_WHY_MAX = 160
};
enum regex_flag {
	REGEX_CASELESS = 1,
	REGEX_MULTILINE = 2,
	REGEX_DOTALL = 4,
	REGEX_EXTENDED = 8,
	REGEX_UTF = 16
};
/* How a match begins. */
enum regex_how {
	REGEX_PLAIN = 0,
	REGEX_GOES_ON = 1,  /* what was counted before counts, too */
	REGEX_NOT_EMPTY = 2 /* right there, and not of no character */
};
enum regex_failure { REGEX_NONE = 0, REGEX_TOO_LONG = -1, REGEX_FAILED = -2 };
/* cdef end */

struct regex;

/* NULL: why says what is wrong with the pattern, and where. `flags` are of enum regex_flag. */
struct regex *regex_create(const char *pattern, size_t n, uint32_t flags, char *why);
void regex_destroy(struct regex *r); /* NULL is harmless */

/* The number of groups; and of a group's name, from 0: its number, 0: there is no such name. */
uint32_t regex_groups(const struct regex *r);
uint32_t regex_name(const struct regex *r, uint32_t at, const char **name);

/*
 * Looks for the first match from byte `start` on. The number of pairs of places in *places (the match,
 * then its groups; SIZE_MAX: a group that took no part), valid until the next match; else an enum
 * regex_failure: REGEX_TOO_LONG when it took too much work.
 */
int32_t regex_match(struct regex *r, const char *text, size_t n, size_t start, uint32_t how,
		    const size_t **places);

#endif

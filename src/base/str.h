/*
 * A length-carrying view of bytes. Owns nothing: it lives as long as what it points into.
 * Bytes may be anything, zeros included.
 */
#ifndef NEAP_BASE_STR_H
#define NEAP_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/cc.h"

struct str {
	const char *p;
	size_t n;
};

static inline struct str str_of(const char *zero_terminated)
{
	return (struct str){ zero_terminated, strlen(zero_terminated) };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII only, independent of locale. */
static inline char str_lower_char(char c)
{
	return (c >= 'A' && c <= 'Z') ? (char)(c | 0x20) : c;
}

static inline bool str_eq_nocase(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (str_lower_char(a.p[i]) != str_lower_char(b.p[i]))
			return false;
	}
	return true;
}

static inline bool str_starts_with(struct str s, struct str prefix)
{
	return prefix.n == 0 || (s.n >= prefix.n && memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* Without leading and trailing SP and HTAB (OWS of RFC 9110 §5.6.3). */
static inline struct str str_trim(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/*
 * Takes the part of *rest before the next SEP into *item; false when *rest is used up (p = NULL).
 * An empty *rest that points somewhere is one empty item.
 */
static inline bool str_split(struct str *rest, char sep, struct str *item)
{
	if (rest->p == NULL)
		return false;
	const char *at = rest->n > 0 ? memchr(rest->p, sep, rest->n) : NULL;
	if (at == NULL) {
		*item = *rest;
		*rest = (struct str){ NULL, 0 };
		return true;
	}
	item->p = rest->p;
	item->n = (size_t)(at - rest->p);
	rest->n -= item->n + 1;
	rest->p = at + 1;
	return true;
}

/* Copies S with a terminating zero into TO of SIZE bytes (not 0); false (TO = "") when it does not
 * fit. */
static inline bool str_copy(char *to, size_t size, struct str s)
{
	if (s.n >= size) {
		to[0] = '\0';
		return false;
	}
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	to[s.n] = '\0';
	return true;
}

#endif

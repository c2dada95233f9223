/*
 * Character classes of RFC 9110 §5.6 and RFC 3986, and the loops that look for the first byte
 * outside a class. The inline ones are for the parser; SSE2 is used where a field value may be
 * long, the plain loop beside it gives the same answer for the same bytes.
 */
#ifndef NEAP_HTTP_SCAN_H
#define NEAP_HTTP_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/str.h"

enum scan_class {
	SCAN_TOKEN = 1, /* tchar */
	SCAN_NAME = 2,	/* tchar but '_', which a parser wants to look at */
	SCAN_VALUE = 4, /* SP, HTAB, VCHAR, obs-text */
	SCAN_PATH = 8,	/* what may stand in a target up to its '?'; without '%' */
	SCAN_QUERY = 16,
	SCAN_HOST = 32, /* reg-name without '%' and ',' */
	SCAN_DIGIT = 64,
	SCAN_HEX = 128,
};

extern const uint8_t scan_table[256];

static inline bool scan_is(char c, uint8_t classes)
{
	return (scan_table[(unsigned char)c] & classes) != 0;
}

/* The first byte from p on that is in none of the classes; end if there is none. */
static inline const char *scan_while(const char *p, const char *end, uint8_t classes)
{
	while (p < end && scan_is(*p, classes))
		p++;
	return p;
}

/* The end of a field value: the first byte from p on that is no SCAN_VALUE. */
static inline const char *scan_value(const char *p, const char *end)
{
#ifdef __SSE2__
	const __m128i last_control = _mm_set1_epi8(0x1f), tab = _mm_set1_epi8('\t'),
		      del = _mm_set1_epi8(0x7f);
	for (; end - p >= 16; p += 16) {
		__m128i in = _mm_loadu_si128((const __m128i *)(const void *)p);
		__m128i low = _mm_cmpeq_epi8(_mm_min_epu8(in, last_control), in);
		__m128i bad = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(in, tab), low),
					   _mm_cmpeq_epi8(in, del));
		int mask = _mm_movemask_epi8(bad);
		if (mask != 0)
			return p + __builtin_ctz((unsigned)mask);
	}
#endif
	return scan_while(p, end, SCAN_VALUE);
}

/* The same two as functions of offsets, so that a spec can compare them. */
size_t scan_value_bytes(const char *p, size_t n);
size_t scan_value_bytes_plain(const char *p, size_t n);

struct scan_marks {
	const char *question; /* the first '?', or NULL */
	bool bad_percent;     /* stopped by a byte that should be a hex digit after a '%' */
};

/*
 * Walks over the next bytes of a target and stops at the first that cannot belong to it. A '%'
 * before the '?' takes two hex digits with it.
 */
const char *scan_target(const char *p, const char *end, struct scan_marks *marks);

/* Takes the next element of a comma-separated list, blanks trimmed; false at the end. */
static inline bool scan_list(struct str *rest, struct str *item)
{
	if (!str_split(rest, ',', item))
		return false;
	*item = str_trim(*item);
	return true;
}

/* Does the list hold this element (case ignored)? */
bool scan_list_has(struct str list, struct str wanted);

#endif

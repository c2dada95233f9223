/*
 * What a peer of HTTP/2 may do a limited number of times per second on a connection: frames that cost
 * their sender next to nothing. Counted in whole seconds; past a limit the connection ends with
 * ENHANCE_YOUR_CALM (RFC 9113 §10.5).
 */
#ifndef NEAP_HTTP_H2_ABUSE_H
#define NEAP_HTTP_H2_ABUSE_H

#include <stdbool.h>
#include <stdint.h>

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
enum h2_abuse_kind {
	H2_ABUSE_NONE,
	H2_ABUSE_RESETS,      /* streams that the peer began and reset (CVE-2023-44487) */
	H2_ABUSE_MADE_RESETS, /* streams that it made us reset (CVE-2025-8671) */
	H2_ABUSE_FIELDS, /* CONTINUATION without end, or a block that decodes to far too much */
	H2_ABUSE_PINGS,
	H2_ABUSE_SETTINGS,
	H2_ABUSE_EMPTY,	   /* frames without bytes that end nothing */
	H2_ABUSE_PRIORITY, /* PRIORITY, PRIORITY_UPDATE */
	H2_ABUSE_WINDOWS,  /* WINDOW_UPDATE */
	H2_ABUSE_KINDS
};
/* cdef end */

struct h2_abuse {
	int64_t second;
	uint16_t counts[H2_ABUSE_KINDS];
	uint16_t streams; /* how many it may have at a time: so many may be reset at once */
	uint8_t found;	  /* enum h2_abuse_kind: the first one that was too much */
};

void h2_abuse_init(struct h2_abuse *a, uint32_t streams);

/* The time that it is now; before what came at this time is counted. */
void h2_abuse_at(struct h2_abuse *a, int64_t now_ms);

/* One more of them. true: it is too much, now or before. */
bool h2_abuse_count(struct h2_abuse *a, enum h2_abuse_kind kind);

/*
 * DATA was sent: a peer that measures the way there asks with a PING for each (gRPC's do), and opens the
 * windows again, the stream's and the connection's.
 */
void h2_abuse_earn(struct h2_abuse *a);

/* In words, for logs and as a label of metrics; a constant. */
const char *h2_abuse_words(enum h2_abuse_kind kind);

#endif

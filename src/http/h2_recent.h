/*
 * The last streams that a client began, and which of them we reset: what still comes on those was on
 * its way, and is nobody's fault; what comes on others that are over is the client's (RFC 9113 §5.1).
 * Of older ones nothing is known, and nothing is held against the client.
 */
#ifndef NEAP_HTTP_H2_RECENT_H
#define NEAP_HTTP_H2_RECENT_H

#include <stdbool.h>
#include <stdint.h>

/* Bit i of both: the stream last - 2 i. All zero: none began. */
struct h2_recent {
	int32_t last;
	uint64_t began, reset;
};

/* A stream with a number above `last` begins. */
void h2_recent_begin(struct h2_recent *r, int32_t id);

/* We reset it. */
void h2_recent_reset(struct h2_recent *r, int32_t id);

enum h2_recent_fate {
	H2_RECENT_UNKNOWN, /* or reset by us */
	H2_RECENT_SKIPPED, /* it never began, and its number was passed over (§5.1.1) */
	H2_RECENT_ENDED,   /* by both sides, or by the client's reset */
};

/* What became of a stream that is no more, id ≤ last. */
enum h2_recent_fate h2_recent_look(const struct h2_recent *r, int32_t id);

#endif

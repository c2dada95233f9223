/* What clients of HTTP/2 say of the order in which they want answers (RFC 9218). */
#ifndef NEAP_HTTP_H2_PRIORITY_H
#define NEAP_HTTP_H2_PRIORITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* What the priority field says (RFC 9218). */
struct h2_priority {
	uint8_t urgency; /* 0 (first) to 7 */
	bool is_incremental;
	bool is_given;
};

/* A value of the field, "u=1, i" (§4). Parameters and other members are passed over. */
void h2_priority_read(struct h2_priority *p, struct str list);

#endif

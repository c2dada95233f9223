/*
 * What a client says of codings (RFC 9110 §12.5.3): how much it wants one of them, by the values of its
 * Accept-Encoding fields.
 */
#ifndef NEAP_HTTP_ACCEPT_ENCODING_H
#define NEAP_HTTP_ACCEPT_ENCODING_H

#include "base/str.h"

/* Weights in thousandths; less than 0: nothing was said of it. */
struct accept_weights {
	int own;   /* of the coding by its name */
	int other; /* of "*" */
};

enum { ACCEPT_UNSAID = -1 };

/*
 * Adds what one field says of that coding. An item that is malformed says nothing; what is said twice
 * counts as it was said last. "x-gzip" is gzip (RFC 9110 §8.4.1.3).
 */
void accept_encoding_read(struct accept_weights *w, struct str value, struct str coding);

/* The coding's weight when all fields were read; ACCEPT_UNSAID. */
int accept_encoding_weight(const struct accept_weights *w);

#endif

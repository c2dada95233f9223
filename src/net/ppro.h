/*
 * The PROXY protocol's header, versions 1 and 2 (haproxy's proxy-protocol.txt): who the client
 * behind another balancer is, read and written. Strict and bounded: a connection that must begin
 * with it and does not is refused.
 */
#ifndef NEAP_NET_PPRO_H
#define NEAP_NET_PPRO_H

#include "net/addr.h"

enum {
	PPRO_V1_MAX = 107,	 /* its longest line, CRLF included */
	PPRO_V2_MAX = 16 + 2048, /* we take that much of addresses and TLVs */
};

enum ppro_result { PPRO_MORE, PPRO_DONE, PPRO_BAD };

struct ppro {
	bool has_source;    /* false: LOCAL or UNKNOWN, the connection's own address holds */
	struct peer source; /* the client */
	size_t bytes;	    /* length of the header */
	const char *reason; /* of PPRO_BAD; a constant */
};

/*
 * Writes the header of a connection from source to destination, in version 1 or 2; its length.
 * Where source is no IP address the header says so (UNKNOWN, UNSPEC); a destination that is none is
 * written as zeros.
 */
size_t ppro_write(char to[PPRO_V1_MAX + 1], unsigned version, const struct peer *source,
		  const struct peer *destination);

/*
 * Looks at the n bytes that a connection began with. MORE: so far it is a header, but not all of
 * it.
 */
enum ppro_result ppro_parse(struct ppro *h, const char *p, size_t n);

#endif

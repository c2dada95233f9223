/*
 * Reads and writes the PROXY protocol's header, versions 1 and 2 (haproxy's proxy-protocol.txt): it
 * says who the client of another balancer is. Strict and bounded: a connection that must begin with
 * it and does not is refused.
 */
#ifndef NEAP_NET_PROXY_HEADER_H
#define NEAP_NET_PROXY_HEADER_H

#include "net/addr.h"
#include "net/proxy_tlv.h"

enum {
	PROXY_HEADER_V1_MAX = 107,	 /* its longest line, CRLF included */
	PROXY_HEADER_V2_MAX = 16 + 2048, /* so much of addresses and TLVs is accepted */
	PROXY_HEADER_WRITE_MAX = 16 + 36 + PROXY_TLV_MAX, /* the longest that is written */
};

enum proxy_header_result { PROXY_HEADER_MORE, PROXY_HEADER_DONE, PROXY_HEADER_BAD };

struct proxy_header {
	bool is_datagram;     /* it began one */
	bool has_source;      /* false: LOCAL or UNKNOWN; the connection's own address counts */
	struct peer source;   /* the client */
	size_t bytes;	      /* length of the header */
	const char *reason;   /* of PROXY_HEADER_BAD; a constant */
	struct proxy_tlv tlv; /* of version 2: what it says of the client's TLS */
};

/*
 * Writes the header of a connection from source to destination, in version 1 or 2; its length.
 * When source is no IP address the header says so (UNKNOWN, UNSPEC). A destination that is none is
 * written as zeros. Version 2 tells of the client's TLS, too; NULL: nothing.
 */
size_t proxy_header_write(char to[PROXY_HEADER_WRITE_MAX], unsigned version,
			  const struct peer *source, const struct peer *destination,
			  const struct client_tls *tls);

/*
 * The header of a datagram between them; always of version 2.
 */
size_t proxy_header_write_datagram(char to[PROXY_HEADER_WRITE_MAX], const struct peer *source,
				   const struct peer *destination);

/*
 * Reads what a datagram of n bytes begins with: DONE or BAD. Version 2 only; the client may have come to
 * the other balancer over either protocol.
 */
enum proxy_header_result proxy_header_parse_datagram(struct proxy_header *h, const char *p,
						     size_t n);

/* Reads the n bytes that a connection began with; *h stays where it is. MORE: they are the beginning of a header. */
enum proxy_header_result proxy_header_parse(struct proxy_header *h, const char *p, size_t n);

#endif

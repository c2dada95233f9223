/*
 * What a PROXY header of version 2 says of the client's TLS, in type-length-value items (haproxy's
 * proxy-protocol.txt, §2.2): SSL, ALPN and AUTHORITY; and its checksum. Others are passed over.
 */
#ifndef NEAP_NET_PROXY_TLV_H
#define NEAP_NET_PROXY_TLV_H

#include "net/client_tls.h"

enum {
	PROXY_TLV_NAME_MAX = 255, /* of a protocol */
	PROXY_TLV_TEXT_MAX = 255, /* of each text that is written */
	/* the most that is written: three items, and three inside the first */
	PROXY_TLV_MAX = 6 * (3 + PROXY_TLV_TEXT_MAX) + 5,
};

struct proxy_tlv {
	struct client_tls tls; /* its texts lie in the header and in here */
	char sni[CLIENT_HELLO_SNI_MAX + 1];
	char alpn[1 + PROXY_TLV_NAME_MAX];
	struct str checksum; /* the four bytes of CRC32C; none: p is NULL */
};

/* Reads the n bytes after the addresses; *t stays where it is. NULL, or what is wrong with them. */
const char *proxy_tlv_parse(struct proxy_tlv *t, const char *p, size_t n);

/* Writes a protocol as the entry of a list, after its length; "" when it is too long. */
struct str proxy_tlv_entry(char to[1 + PROXY_TLV_NAME_MAX], struct str protocol);

/* Does it say anything? */
bool proxy_tlv_is_known(const struct client_tls *tls);

/* Writes the items; their length. A text that is too long is left out. */
size_t proxy_tlv_write(char to[PROXY_TLV_MAX], const struct client_tls *tls);

#endif

/*
 * What tells the flows of some protocols apart, read from single datagrams: the connection id of QUIC
 * (RFC 8999 §5), the name that DNS is asked for (RFC 1035 §4.1), the Call-ID of SIP (RFC 3261
 * §20.8). Bytes in, bytes out; no I/O. Nothing in a datagram is trusted.
 */
#ifndef NEAP_NET_DATAGRAM_KEY_H
#define NEAP_NET_DATAGRAM_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
enum datagram_key {
	DATAGRAM_KEY_NONE,
	DATAGRAM_KEY_QUIC,
	DATAGRAM_KEY_DNS,
	DATAGRAM_KEY_SIP,
};

enum {
	DATAGRAM_KEY_MAX = 255,	    /* bytes */
	DATAGRAM_KEY_QUIC_MAX = 20, /* those of a connection id */
};
/* cdef end */

/*
 * Writes the key of that kind to `to` (DATAGRAM_KEY_MAX bytes) and returns its length; 0: there is
 * none. length: that of connection ids in short headers of QUIC, which do not say it; 0: not known.
 */
uint32_t datagram_key_read(uint32_t kind, uint32_t length, const char *bytes, size_t n, char *to);

/* Is it a packet of QUIC with a long header? Only those say who sent them. */
static inline bool datagram_is_long_quic(struct str bytes)
{
	return bytes.n > 0 && ((uint8_t)bytes.p[0] & 0x80) != 0;
}

/* The connection id that the sender of such a packet chose for itself. n 0: none. */
struct str datagram_quic_source(struct str bytes);

#endif

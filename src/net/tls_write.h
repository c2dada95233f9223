/*
 * Writing on an open TLS connection: pieces become records, and all records of one call go out
 * together.
 */
#ifndef NEAP_NET_TLS_WRITE_H
#define NEAP_NET_TLS_WRITE_H

#include "net/tls_conn.h"

/* As stream_writev, see also net/tls_stream.h. The caller arms the connection after that. */
ssize_t tls_write(struct tls_conn *c, const struct iovec *iov, int count, int flags);

#endif

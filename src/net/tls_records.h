/*
 * TLS 1.3 after its handshake, without OpenSSL's object: records are opened and sealed with the keys
 * that the handshake made (RFC 8446 §5), and what else may come is handled: alerts (§6), KeyUpdate
 * (§4.6.3); a client passes over tickets (§4.6.1). A connection costs a fifth of the memory that way,
 * and a record half of the time.
 */
#ifndef NEAP_NET_TLS_RECORDS_H
#define NEAP_NET_TLS_RECORDS_H

#include "base/str.h"
#include "crypto/record_keys.h"
#include "crypto/tls_reason.h"
#include "net/tls_io.h"

enum tls_records_state {
	TLS_RECORDS_OPEN,
	TLS_RECORDS_ENDED, /* close_notify was read */
	TLS_RECORDS_BROKEN /* trouble says why */
};

enum { TLS_MESSAGE_BYTES = 5 }; /* a KeyUpdate, or the length of a ticket and a byte more */

struct tls_records {
	struct record_keys in, out;
	char *plain; /* content that the owner had no room for; NULL: none */
	uint32_t plain_at, plain_n;
	uint32_t skip; /* bytes of a ticket that are still to come */
	struct tls_trouble trouble;
	uint8_t message
		[TLS_MESSAGE_BYTES]; /* one that is cut over records, as far as it has come */
	uint8_t message_n;
	uint8_t state; /* enum tls_records_state */
	uint8_t empty; /* records of no use, one after the other */
	bool is_server, has_said_close;
};

/* NULL: no memory. Its secrets and the numbers of its next records are then set in `in` and `out`. */
struct tls_records *tls_records_create(bool is_server);

/* Makes its keys. False: no memory, or a secret is missing. */
bool tls_records_begin(struct tls_records *r, const struct record_suite *suite);

void tls_records_free(struct tls_records *r); /* NULL is harmless */

/*
 * Up to n bytes of content; the socket is read as tls_io_begin_read allowed. 0: none, and the states of r and io say
 * why. What it answers is written, and not flushed.
 */
size_t tls_records_read(struct tls_records *r, struct tls_io *io, char *to, size_t n);

/* Is there content, an end or a failure? Reads the socket, if need be and as above. */
bool tls_records_have_input(struct tls_records *r, struct tls_io *io);

/* The same of what is in memory: something that no poll announces. */
bool tls_records_hold_input(const struct tls_records *r, const struct tls_io *io);

/* Puts a record of n bytes in the pieces into the shared buffer. False: it has no room, or trouble. */
bool tls_records_write(struct tls_records *r, struct tls_io *io, const struct iovec *pieces,
		       size_t n);

/* Writes close_notify, unless it was written. */
void tls_records_close(struct tls_records *r, struct tls_io *io);

#endif

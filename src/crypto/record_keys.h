/*
 * One direction of a TLS 1.3 connection: its keys, and records sealed and opened with them
 * (RFC 8446 §5.2, §5.3, §7.2, §7.3). OpenSSL does the arithmetic.
 */
#ifndef NEAP_CRYPTO_RECORD_KEYS_H
#define NEAP_CRYPTO_RECORD_KEYS_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum {
	RECORD_HEADER_BYTES = 5,
	RECORD_TAG_BYTES = 16,
	RECORD_IV_BYTES = 12,
	RECORD_PLAIN_MAX = 16 * 1024,	     /* bytes of content in a record */
	RECORD_CIPHER_MAX = 16 * 1024 + 256, /* bytes after the header */
	RECORD_MORE_BYTES = RECORD_HEADER_BYTES + 1 + RECORD_TAG_BYTES, /* than its content */
	RECORD_SECRET_MAX = 48,
};

/* What a record holds. */
enum record_type { RECORD_ALERT = 21, RECORD_HANDSHAKE = 22, RECORD_DATA = 23 };

struct record_suite;

/* That of a cipher suite by its number (0x1301); NULL: none of those that are known here. */
const struct record_suite *record_suite_of(uint16_t number);

struct record_keys {
	EVP_CIPHER_CTX *cipher; /* NULL: no keys yet */
	const struct record_suite *suite;
	uint64_t sequence; /* of the next record */
	bool seals;	   /* else it opens */
	uint8_t secret_n;  /* bytes of the secret; 0: there is none */
	uint8_t iv[RECORD_IV_BYTES];
	uint8_t secret[RECORD_SECRET_MAX];
};

/*
 * Makes the keys of the traffic secret in k->secret for the record k->sequence. False: no memory,
 * OpenSSL fails, or the secret is not one of that suite; then there are none.
 */
bool record_keys_begin(struct record_keys *k, const struct record_suite *suite, bool seals);

/*
 * The next generation of keys, from record 0 on (KeyUpdate). False: as above; the old ones are gone, too,
 * for a number must not come twice under them.
 */
bool record_keys_update(struct record_keys *k);

/* Leaves nothing of the secret in memory. Harmless on one that is all zero. */
void record_keys_end(struct record_keys *k);

/* Have so many records been sealed that new keys are due (RFC 8446 §5.5)? */
bool record_keys_are_worn(const struct record_keys *k);

/*
 * Writes a record of that content, n bytes in the pieces, to `to`, which has room for n +
 * RECORD_MORE_BYTES. False: OpenSSL fails, or there are no keys.
 */
bool record_seal(struct record_keys *k, enum record_type type, const struct iovec *pieces, size_t n,
		 char *to);

/*
 * Opens the record at `from`: its header, then n bytes. `to` has room for n - RECORD_TAG_BYTES. The
 * content's length, type and padding not yet removed, is n - RECORD_TAG_BYTES. False: it is not
 * authentic, and what is at `to` is worth nothing.
 */
bool record_open(struct record_keys *k, const char *from, size_t n, char *to);

#endif

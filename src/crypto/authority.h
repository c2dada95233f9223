/*
 * A text with the authorities that somebody trusts, PEM: is it what OpenSSL can verify a chain with?
 * A chain must end at a certificate that signed itself (RFC 5280 §6.1 calls it the trust anchor).
 */
#ifndef NEAP_CRYPTO_AUTHORITY_H
#define NEAP_CRYPTO_AUTHORITY_H

#include "base/str.h"

enum authority_fault {
	AUTHORITY_PINNED,  /* it signed itself and issues nothing: only who shows it is trusted */
	AUTHORITY_NONE,	   /* it neither issues anything nor signed itself: it is of no use */
	AUTHORITY_NO_ROOT, /* who issued it is not in the text: no chain ends there */
};

enum { AUTHORITY_NAME_BYTES = 128 };

/*
 * Calls fn with each that is at fault, and its common name. What cannot be read is left to whoever
 * verifies with it.
 */
void authority_each_fault(struct str pem,
			  void (*fn)(void *ctx, enum authority_fault fault, const char *name),
			  void *ctx);

#endif

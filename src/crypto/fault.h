/*
 * What OpenSSL says about a certificate, a key or a setting, in words (crypto/tls_reason.h tells why
 * handshakes fail). OpenSSL keeps its errors in a queue of the thread.
 * Whoever calls it takes them out here, for what is left there would be told by the next failure.
 */
#ifndef NEAP_CRYPTO_FAULT_H
#define NEAP_CRYPTO_FAULT_H

#include "base/err.h"

/*
 * The cause of the last failure, as a part of a sentence ("the key does not belong to the
 * certificate"), and an empty queue. Lives as long as the program, or till the next call.
 */
const char *fault_take(void);

/* Empties the queue. */
void fault_drop(void);

/* Like err_set, with ": " and fault_take() at its end. */
enum err fault_set(struct error *e, enum err code, const char *format, ...) printf_like(3, 4);

#endif

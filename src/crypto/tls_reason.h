/*
 * Why TLS failed, in a few words: by these reasons failures are counted, logged and told apart. They
 * come from OpenSSL's queue of errors, which is empty afterwards.
 */
#ifndef NEAP_CRYPTO_TLS_REASON_H
#define NEAP_CRYPTO_TLS_REASON_H

#include <stdint.h>

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
/* Names for metrics: lua/neap/admin/counts.lua. */
enum tls_reason {
	TLS_REASON_NONE,	/* it did not fail */
	TLS_REASON_TIMEOUT,	/* not done in time */
	TLS_REASON_LEFT,	/* the peer ended the connection */
	TLS_REASON_SHED,	/* too many handshakes were under way */
	TLS_REASON_PLAIN,	/* HTTP in the clear */
	TLS_REASON_NO_TLS,	/* something else that is not TLS, or against its rules */
	TLS_REASON_VERSION,	/* no version in common */
	TLS_REASON_CIPHER,	/* no cipher, group or signature in common */
	TLS_REASON_ALPN,	/* no protocol in common */
	TLS_REASON_NAME,	/* no certificate for the name that the client asked for */
	TLS_REASON_CERTIFICATE, /* the peer's certificate is missing or does not verify */
	TLS_REASON_REJECTED,	/* the peer does not accept our certificate */
	TLS_REASON_ALERT,	/* the peer gave up for another reason */
	TLS_REASON_CUT,		/* the peer cut off without close_notify */
	TLS_REASON_RECORD,	/* a record was forged or damaged on its way */
	TLS_REASON_MEMORY,
	TLS_REASON_OTHER,
	TLS_REASONS
};
/* cdef end */

struct tls_trouble {
	enum tls_reason reason;
	const char *words; /* for logs: "the peer offers no cipher that we have" */
};

/* That of a reason without more to say; constant. */
struct tls_trouble tls_trouble_of(enum tls_reason reason);

/* What OpenSSL calls by that number (SSL_R_…, alerts from SSL_AD_REASON_OFFSET on); as below. */
struct tls_trouble tls_trouble_of_ssl(int reason, int is_server);

/*
 * What the queue of errors of this thread says; the queue is empty afterwards. verify: of
 * SSL_get_verify_result, 0 for none; is_server: on which side we are. The words are constant or
 * OpenSSL's own constants.
 */
struct tls_trouble tls_trouble_take(long verify, int is_server);

#endif

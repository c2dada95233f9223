#include "crypto/tls_reason.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stddef.h>

static const char *const reasons[TLS_REASONS] = {
	[TLS_REASON_NONE] = "nothing failed",
	[TLS_REASON_TIMEOUT] = "it was not done in time",
	[TLS_REASON_LEFT] = "the peer ended the connection",
	[TLS_REASON_SHED] = "too many handshakes were under way",
	[TLS_REASON_PLAIN] = "plain HTTP request on a TLS address",
	[TLS_REASON_NO_TLS] = "what the peer sent is not TLS",
	[TLS_REASON_VERSION] = "the peer offers no version of TLS that we have",
	[TLS_REASON_CIPHER] = "the peer offers no cipher that we have",
	[TLS_REASON_ALPN] = "the client offers no protocol (ALPN) that we have",
	[TLS_REASON_NAME] = "there is no certificate for the name that it asks for",
	[TLS_REASON_CERTIFICATE] = "the peer's certificate does not verify",
	[TLS_REASON_REJECTED] = "the peer does not accept our certificate",
	[TLS_REASON_ALERT] = "the peer gave up",
	[TLS_REASON_CUT] = "the peer cut off without close_notify",
	[TLS_REASON_RECORD] = "a record of the peer was forged, or damaged on its way",
	[TLS_REASON_MEMORY] = "memory is short",
	[TLS_REASON_OTHER] = "an error of TLS",
};

/* What OpenSSL says, in our words; NULL: those of the reason. */
static const struct known {
	int code;
	enum tls_reason reason;
	const char *words;
} known[] = {
	{ SSL_R_HTTP_REQUEST, TLS_REASON_PLAIN, NULL },
	{ SSL_R_HTTPS_PROXY_REQUEST, TLS_REASON_PLAIN, NULL },
	{ SSL_R_WRONG_VERSION_NUMBER, TLS_REASON_NO_TLS, NULL },
	{ SSL_R_UNKNOWN_PROTOCOL, TLS_REASON_NO_TLS, NULL },
	{ SSL_R_NO_SHARED_CIPHER, TLS_REASON_CIPHER, NULL },
	{ SSL_R_NO_SUITABLE_KEY_SHARE, TLS_REASON_CIPHER, "the peer offers no group that we have" },
	{ SSL_R_NO_SHARED_GROUPS, TLS_REASON_CIPHER, "the peer offers no group that we have" },
	{ SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, TLS_REASON_CIPHER,
	  "the peer offers no signature algorithm that we have" },
	{ SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, TLS_REASON_CIPHER,
	  "the peer offers no signature algorithm that we have" },
	{ SSL_R_UNSUPPORTED_PROTOCOL, TLS_REASON_VERSION, NULL },
	{ SSL_R_VERSION_TOO_LOW, TLS_REASON_VERSION, NULL },
	{ SSL_R_VERSION_TOO_HIGH, TLS_REASON_VERSION, NULL },
	{ SSL_R_NO_PROTOCOLS_AVAILABLE, TLS_REASON_VERSION, NULL },
	{ SSL_R_NO_APPLICATION_PROTOCOL, TLS_REASON_ALPN, NULL },
	{ SSL_R_CALLBACK_FAILED, TLS_REASON_NAME, NULL },
	{ SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, TLS_REASON_CERTIFICATE,
	  "the client shows no certificate" },
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, TLS_REASON_CERTIFICATE, NULL },
	{ SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, TLS_REASON_VERSION,
	  "the peer takes no version of TLS that we have" },
	{ SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, TLS_REASON_CIPHER,
	  "the peer takes no cipher, group or signature that we have" },
	{ SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY, TLS_REASON_CIPHER,
	  "the peer takes no cipher that we have" },
	{ SSL_R_TLSV1_UNRECOGNIZED_NAME, TLS_REASON_NAME, "the peer does not know the name" },
	{ SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, TLS_REASON_ALPN,
	  "the peer has no protocol (ALPN) in common with us" },
	{ SSL_R_TLSV1_ALERT_UNKNOWN_CA, TLS_REASON_REJECTED,
	  "the peer does not know who issued our certificate" },
	{ SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, TLS_REASON_REJECTED, NULL },
	{ SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, TLS_REASON_REJECTED, NULL },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, TLS_REASON_REJECTED,
	  "the peer says that our certificate is revoked" },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, TLS_REASON_REJECTED,
	  "the peer says that our certificate has expired" },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, TLS_REASON_REJECTED, NULL },
	{ SSL_R_TLSV1_ALERT_ACCESS_DENIED, TLS_REASON_REJECTED, NULL },
	{ SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, TLS_REASON_REJECTED,
	  "the peer requires a certificate of ours" },
	{ SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, TLS_REASON_RECORD, NULL },
	{ SSL_R_UNEXPECTED_EOF_WHILE_READING, TLS_REASON_LEFT, NULL },
};

struct tls_trouble tls_trouble_of(enum tls_reason reason)
{
	return (struct tls_trouble){ reason, reasons[reason] };
}

static struct tls_trouble of_verify(long verify)
{
	return (struct tls_trouble){ TLS_REASON_CERTIFICATE,
				     X509_verify_cert_error_string(verify) };
}

static struct tls_trouble of_known(const struct known *k, long verify, int is_server)
{
	if (k->code == SSL_R_CERTIFICATE_VERIFY_FAILED && verify != X509_V_OK)
		return of_verify(verify);
	if (k->reason == TLS_REASON_ALPN && k->words == NULL && !is_server)
		return (struct tls_trouble){ k->reason, "the peer chose no protocol of ours" };
	return (struct tls_trouble){ k->reason, k->words != NULL ? k->words : reasons[k->reason] };
}

/* OpenSSL numbers the errors that are alerts of the peer from here on. */
static enum tls_reason of_code(int code)
{
	return code >= SSL_AD_REASON_OFFSET ? TLS_REASON_ALERT : TLS_REASON_NO_TLS;
}

static struct tls_trouble of_error(unsigned long error, long verify, int is_server)
{
	int code = ERR_GET_REASON(error);
	const char *text = ERR_reason_error_string(error);
	size_t n = sizeof(known) / sizeof(known[0]);

	if (ERR_GET_LIB(error) != ERR_LIB_SSL)
		return (struct tls_trouble){ TLS_REASON_OTHER,
					     text != NULL ? text : reasons[TLS_REASON_OTHER] };
	for (size_t i = 0; i < n; i++)
		if (known[i].code == code)
			return of_known(&known[i], verify, is_server);
	return (struct tls_trouble){ of_code(code), text != NULL ? text : reasons[of_code(code)] };
}

struct tls_trouble tls_trouble_of_ssl(int reason, int is_server)
{
	return of_error(ERR_PACK(ERR_LIB_SSL, 0, reason), 0, is_server);
}

/* The first error is the cause, unless it came of another library and TLS says more. */
struct tls_trouble tls_trouble_take(long verify, int is_server)
{
	unsigned long cause = 0, error;

	while ((error = ERR_get_error()) != 0)
		if (cause == 0 ||
		    (ERR_GET_LIB(cause) != ERR_LIB_SSL && ERR_GET_LIB(error) == ERR_LIB_SSL))
			cause = error;
	if (cause == 0)
		return tls_trouble_of(TLS_REASON_OTHER);
	return of_error(cause, verify, is_server);
}

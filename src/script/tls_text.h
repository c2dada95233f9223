/* What neap_tls_text is asked for, in C and in Lua. */
#ifndef NEAP_SCRIPT_TLS_TEXT_H
#define NEAP_SCRIPT_TLS_TEXT_H

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
enum tls_text {
	TLS_TEXT_VERSION,
	TLS_TEXT_CIPHER,
	TLS_TEXT_SNI,
	TLS_TEXT_ALPN,
	TLS_TEXT_JA4,
	TLS_TEXT_SUBJECT,
	TLS_TEXT_ISSUER,
	TLS_TEXT_SERIAL,
	TLS_TEXT_NAMES, /* each comes after its length, two bytes */
	TLS_TEXT_FINGERPRINT,
	TLS_TEXT_ERROR, /* why the client's certificate does not verify */
};
/* cdef end */

#endif

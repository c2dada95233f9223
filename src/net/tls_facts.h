/* What is known of a TLS connection after its handshake. */
#ifndef NEAP_NET_TLS_FACTS_H
#define NEAP_NET_TLS_FACTS_H

#include <openssl/types.h>
#include <stdbool.h>

#include "base/str.h"
#include "net/ja4.h"

/* The texts live as long as the connection is open. */
struct tls_facts {
	const char *version; /* "TLSv1.3" */
	const char *cipher;  /* "TLS_AES_128_GCM_SHA256" */
	struct str sni;	     /* the host that the client asked for, net/host_name.h; empty: none */
	struct str alpn;     /* the protocol that was agreed on; empty: none */
	X509 *peer;	     /* the peer's certificate; NULL: it showed none. Borrowed */
	long verify;	     /* X509_V_OK, or why peer does not verify */
	bool is_resumed;
	char ja4[JA4_CHARS + 1]; /* of tls_facts_keep alone */
};

/* All but sni. The texts live as long as ssl does. */
void tls_facts_read(SSL *ssl, struct tls_facts *facts);

/* The host that the client asked for, to be freed; "": none. NULL: no memory, or none. */
char *tls_facts_sni(SSL *ssl);

/* Those of ssl in memory of their own, to be freed; without peer and sni. NULL: no memory. */
struct tls_facts *tls_facts_keep(SSL *ssl);

#endif

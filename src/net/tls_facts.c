#include "net/tls_facts.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "net/host_name.h"
#include "net/tls_notes.h"

void tls_facts_read(SSL *ssl, struct tls_facts *facts)
{
	const unsigned char *alpn = NULL;
	unsigned alpn_n = 0;

	SSL_get0_alpn_selected(ssl, &alpn, &alpn_n);
	*facts = (struct tls_facts){
		.version = SSL_get_version(ssl),
		.cipher = SSL_get_cipher_name(ssl),
		.alpn = { (const char *)alpn, alpn_n },
		.peer = SSL_get0_peer_certificate(ssl),
		.verify = SSL_get_verify_result(ssl),
		.is_resumed = SSL_session_reused(ssl) == 1,
	};
}

/* What a client sends there may be anything; so far only OpenSSL has looked at it. */
char *tls_facts_sni(SSL *ssl)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	size_t size = name != NULL ? strlen(name) + 1 : 0;
	char *sni = size > 0 ? malloc(size) : NULL;

	if (sni != NULL)
		(void)host_name_tidy(sni, size, str_of(name)); /* "": it is none */
	return sni;
}

struct tls_facts *tls_facts_keep(SSL *ssl)
{
	struct tls_facts now;

	tls_facts_read(ssl, &now);
	struct tls_facts *kept = malloc(sizeof(*kept) + now.alpn.n);
	if (kept == NULL)
		return NULL;
	*kept = now;
	kept->peer = NULL;
	(void)tls_notes_ja4(ssl, kept->ja4); /* "": none */
	if (now.alpn.n > 0)
		memcpy(kept + 1, now.alpn.p, now.alpn.n);
	kept->alpn.p = (const char *)(kept + 1);
	return kept;
}

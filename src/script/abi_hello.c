/* What the hook `certificate` asks of a client's ClientHello, and the certificates that it gives. */
#include <openssl/ssl.h>

#include "base/out.h"
#include "net/host_name.h"
#include "net/tls_choice.h"
#include "net/tls_notes.h"
#include "net/tls_stream.h"
#include "script/abi.h"
#include "script/policies.h"

enum { VERSIONS_BYTES = 128 };

static uint32_t give(struct str text)
{
	neap_current *current = &policies_current()->cos.current;
	current->out = text.p;
	current->out_n = (uint32_t)text.n;
	return text.n > 0;
}

/* ---- the hello ---- */

static struct str name_text(SSL *ssl)
{
	static char name[TLS_NAME_BYTES];
	char sent[TLS_NAME_BYTES];
	(void)host_name_tidy(name, sizeof(name), tls_choice_hello_name(ssl, sent)); /* "": none */
	return str_of(name);
}

/* Entries: a length of one byte, and a name. OpenSSL has not judged them yet. */
static struct str alpn_text(SSL *ssl)
{
	const unsigned char *p = NULL;
	size_t n = 0;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &p,
				      &n) != 1 ||
	    n < 2)
		return (struct str){ "", 0 };
	return (struct str){ (const char *)p + 2, n - 2 };
}

static const char *version_word(unsigned version)
{
	switch (version) {
	case TLS1_3_VERSION:
		return "TLSv1.3";
	case TLS1_2_VERSION:
		return "TLSv1.2";
	case TLS1_1_VERSION:
		return "TLSv1.1";
	case TLS1_VERSION:
		return "TLSv1.0";
	default:
		return NULL; /* GREASE, drafts */
	}
}

/* With blanks between. */
static void add_version(struct out *o, unsigned version)
{
	const char *word = version_word(version);
	if (word == NULL)
		return;
	if (o->n > 0)
		out_str(o, STR(" "));
	out_str(o, str_of(word));
}

/* RFC 8446 §4.2.1: the extension, where there is one. */
static struct str versions_text(SSL *ssl)
{
	static char text[VERSIONS_BYTES];
	const unsigned char *p = NULL;
	size_t n = 0;
	struct out o;
	out_init(&o, text, sizeof(text));
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &p, &n) != 1)
		add_version(&o, SSL_client_hello_get0_legacy_version(ssl));
	for (size_t i = 1; i + 1 < n; i += 2)
		add_version(&o, (unsigned)(p[i] << 8 | p[i + 1]));
	return (struct str){ o.p, o.n };
}

static struct str ja4_text(const SSL *ssl)
{
	static char ja4[JA4_CHARS + 1];
	(void)tls_notes_ja4(ssl, ja4); /* "": none */
	return str_of(ja4);
}

/* Of a check, without a client. */
static struct str made_up(uint32_t what)
{
	switch (what) {
	case NEAP_HELLO_SNI:
		return STR("localhost");
	case NEAP_HELLO_ALPN:
		return STR("\x08http/1.1");
	case NEAP_HELLO_VERSIONS:
		return STR("TLSv1.3 TLSv1.2");
	default:
		return STR("t13d1516h1_8daaf6152771_e5627efa2ab1");
	}
}

NEAP_API uint32_t neap_hello_text(const neap_request *r, uint32_t what)
{
	if (r->connection == NULL)
		return give(made_up(what));
	SSL *ssl = tls_stream_ssl(r->connection);
	switch (what) {
	case NEAP_HELLO_SNI:
		return give(name_text(ssl));
	case NEAP_HELLO_ALPN:
		return give(alpn_text(ssl));
	case NEAP_HELLO_VERSIONS:
		return give(versions_text(ssl));
	default:
		return give(ja4_text(ssl));
	}
}

/* ---- certificates ---- */

static struct certificate *certificate_of(struct str chain, struct str key)
{
	static struct error e;
	const struct certificate_text text = { chain, key, NULL, NULL };
	struct certificate *c;
	if (certificate_cache_get(&policies_current()->certificates, &text, &c, &e) == ERR_OK)
		return c;
	(void)give(str_of(e.text));
	return NULL;
}

NEAP_API uint32_t neap_certificate_try(const char *chain, size_t chain_n, const char *key,
				       size_t key_n)
{
	return certificate_of((struct str){ chain, chain_n }, (struct str){ key, key_n }) != NULL;
}

NEAP_API uint32_t neap_certificate_give(neap_request *r, const char *chain, size_t chain_n,
					const char *key, size_t key_n)
{
	struct certificate *c =
		certificate_of((struct str){ chain, chain_n }, (struct str){ key, key_n });
	if (c == NULL)
		return 0;
	certificate_drop(r->certificate);
	r->certificate = certificate_keep(c);
	return 1;
}

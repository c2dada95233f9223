/* What Lua asks of a client's TLS that is ended here. */
#include <openssl/x509.h>

#include "net/tls_notes.h"
#include "net/tls_stream.h"
#include "script/abi.h"
#include "script/policies.h"
#include "script/tls_text.h"

static const struct stream *connection_of(const neap_request *r)
{
	return r->connection;
}

NEAP_API uint32_t neap_tls_look(const neap_request *r, neap_tls_seen *to)
{
	const struct stream *s = connection_of(r);
	struct tls_facts facts;
	if (s == NULL || !tls_stream_facts(s, &facts))
		return 0;
	*to = (neap_tls_seen){
		.resumed = facts.is_resumed,
		.has_client = facts.peer != NULL,
		.verified = facts.peer != NULL && facts.verify == X509_V_OK,
	};
	return 1;
}

/* Of the peer's certificate. */
static struct str identity_text(const struct identity *i, uint32_t what)
{
	switch (what) {
	case TLS_TEXT_SUBJECT:
		return i->subject;
	case TLS_TEXT_ISSUER:
		return i->issuer;
	case TLS_TEXT_SERIAL:
		return i->serial;
	case TLS_TEXT_NAMES:
		return i->names;
	case TLS_TEXT_FINGERPRINT:
		return (struct str){ i->fingerprint, IDENTITY_FINGERPRINT_CHARS };
	default:
		return (struct str){ "", 0 };
	}
}

static struct str ja4_text(const struct stream *s)
{
	static char ja4[JA4_CHARS + 1];
	(void)tls_notes_ja4(tls_stream_ssl(s), ja4); /* "": none */
	return str_of(ja4);
}

static struct str text_of(const struct stream *s, const struct tls_facts *facts, uint32_t what)
{
	const struct identity *peer;
	switch (what) {
	case TLS_TEXT_VERSION:
		return str_of(facts->version);
	case TLS_TEXT_CIPHER:
		return str_of(facts->cipher);
	case TLS_TEXT_SNI:
		return facts->sni;
	case TLS_TEXT_ALPN:
		return facts->alpn;
	case TLS_TEXT_JA4:
		return ja4_text(s);
	case TLS_TEXT_ERROR:
		return facts->verify == X509_V_OK
			       ? (struct str){ "", 0 }
			       : str_of(X509_verify_cert_error_string(facts->verify));
	default:
		peer = tls_notes_peer(tls_stream_ssl(s));
		return peer != NULL ? identity_text(peer, what) : (struct str){ "", 0 };
	}
}

NEAP_API uint32_t neap_tls_text(const neap_request *r, uint32_t what)
{
	neap_current *current = &policies_current()->cos.current;
	const struct stream *s = connection_of(r);
	struct tls_facts facts;
	if (s == NULL || !tls_stream_facts(s, &facts))
		return 0;
	struct str text = text_of(s, &facts, what);
	current->out = text.p;
	current->out_n = (uint32_t)text.n;
	return text.n > 0;
}

NEAP_API double neap_tls_not_after(const neap_request *r)
{
	SSL *ssl = r->connection != NULL ? tls_stream_ssl(connection_of(r)) : NULL;
	const struct identity *peer = ssl != NULL ? tls_notes_peer(ssl) : NULL;
	return peer != NULL ? (double)peer->not_after : 0;
}

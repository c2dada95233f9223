/* What Lua asks of a client's TLS. */
#include "crypto/identity.h"
#include "net/tls_seen.h"
#include "script/abi.h"
#include "script/policies.h"
#include "script/tls_text.h"

static bool look(const neap_request *r, struct tls_seen *seen)
{
	return tls_seen_look(seen, r->connection, r->outer_tls);
}

NEAP_API uint32_t neap_tls_look(const neap_request *r, neap_tls_seen *to)
{
	struct tls_seen seen;
	if (!look(r, &seen))
		return 0;
	*to = (neap_tls_seen){
		.resumed = seen.is_resumed,
		.has_client = seen.has_client,
		.verified = seen.is_verified,
	};
	return 1;
}

/* Of the certificate that the client showed us. */
static struct str identity_text(const struct identity *i, uint32_t what)
{
	switch (what) {
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

static struct str client_text(const struct tls_seen *seen, uint32_t what)
{
	static char subject[TLS_SEEN_SUBJECT_MAX];
	const struct identity *peer;
	switch (what) {
	case TLS_TEXT_SUBJECT:
		return tls_seen_subject(seen, subject);
	case TLS_TEXT_ERROR:
		return tls_seen_error(seen);
	default:
		peer = tls_seen_identity(seen);
		return peer != NULL ? identity_text(peer, what) : (struct str){ "", 0 };
	}
}

static struct str text_of(const struct tls_seen *seen, uint32_t what)
{
	static char ja4[JA4_CHARS + 1];
	switch (what) {
	case TLS_TEXT_VERSION:
		return seen->version;
	case TLS_TEXT_CIPHER:
		return seen->cipher;
	case TLS_TEXT_SNI:
		return seen->sni;
	case TLS_TEXT_ALPN:
		return seen->alpn;
	case TLS_TEXT_JA4:
		return tls_seen_ja4(seen, ja4);
	default:
		return client_text(seen, what);
	}
}

NEAP_API uint32_t neap_tls_text(const neap_request *r, uint32_t what)
{
	neap_current *current = &policies_current()->cos.current;
	struct tls_seen seen;
	if (!look(r, &seen))
		return 0;
	struct str text = text_of(&seen, what);
	current->out = text.p;
	current->out_n = (uint32_t)text.n;
	return text.n > 0;
}

NEAP_API double neap_tls_not_after(const neap_request *r)
{
	struct tls_seen seen;
	const struct identity *peer = look(r, &seen) ? tls_seen_identity(&seen) : NULL;
	return peer != NULL ? (double)peer->not_after : 0;
}

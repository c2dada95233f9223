#include "net/tls_seen.h"

#include <openssl/x509_vfy.h>
#include <string.h>

#include "net/tls_notes.h"
#include "net/tls_stream.h"

static const struct str nothing = { "", 0 };

static void take_facts(struct tls_seen *to, const struct stream *s, const struct tls_facts *facts)
{
	*to = (struct tls_seen){
		.version = str_of(facts->version),
		.cipher = str_of(facts->cipher),
		.sni = facts->sni,
		.alpn = facts->alpn,
		.is_resumed = facts->is_resumed,
		.has_client = facts->peer != NULL,
		.is_verified = facts->peer != NULL && facts->verify == X509_V_OK,
		.stream = s,
	};
}

/* A header tells the one protocol that was agreed on, as the entry of a list. */
static struct str first_protocol(struct str alpn)
{
	return alpn.n > 1 ? (struct str){ alpn.p + 1, (uint8_t)alpn.p[0] } : nothing;
}

static void take_outer(struct tls_seen *to, const struct client_tls *outer)
{
	*to = (struct tls_seen){
		.version = outer->version,
		.cipher = outer->cipher,
		.sni = outer->sni,
		.alpn = first_protocol(outer->alpn),
		.is_resumed = outer->is_resumed,
		.has_client = outer->has_certificate,
		.is_verified = outer->is_verified,
		.outer = outer,
	};
}

bool tls_seen_look(struct tls_seen *to, const struct stream *s, const struct client_tls *outer)
{
	struct tls_facts facts;

	if (s != NULL && tls_stream_facts(s, &facts))
		take_facts(to, s, &facts);
	else if (outer != NULL && outer->is_ended)
		take_outer(to, outer);
	else
		return false;
	return true;
}

struct str tls_seen_ja4(const struct tls_seen *seen, char to[JA4_CHARS + 1])
{
	if (seen->stream == NULL || !tls_stream_ja4(seen->stream, to))
		return nothing;
	return str_of(to);
}

const struct identity *tls_seen_identity(const struct tls_seen *seen)
{
	return seen->stream != NULL ? tls_notes_peer(tls_stream_ssl(seen->stream)) : NULL;
}

/* ---- a common name as the only part of a distinguished name ---- */

/* RFC 2253 §2.4. */
static bool is_special(struct str name, size_t at)
{
	char c = name.p[at];
	bool is_edge = (at == 0 && (c == '#' || c == ' ')) || (at == name.n - 1 && c == ' ');
	return is_edge || strchr(",+\"\\<>;", c) != NULL;
}

static char *write_escaped(char *to, struct str name, size_t at)
{
	static const char digits[] = "0123456789ABCDEF";
	uint8_t c = (uint8_t)name.p[at];

	if (c < 0x20 || c == 0x7F) {
		*to++ = '\\';
		*to++ = digits[c >> 4];
		*to++ = digits[c & 15];
		return to;
	}
	if (is_special(name, at))
		*to++ = '\\';
	*to++ = name.p[at];
	return to;
}

static struct str write_subject(struct str name, char to[TLS_SEEN_SUBJECT_MAX])
{
	if (name.n == 0 || name.n > TLS_SEEN_NAME_MAX)
		return nothing;
	memcpy(to, "CN=", 3);
	char *end = to + 3;
	for (size_t i = 0; i < name.n; i++)
		end = write_escaped(end, name, i);
	return (struct str){ to, (size_t)(end - to) };
}

struct str tls_seen_subject(const struct tls_seen *seen, char to[TLS_SEEN_SUBJECT_MAX])
{
	if (seen->outer != NULL)
		return write_subject(seen->outer->common_name, to);
	const struct identity *peer = tls_seen_identity(seen);
	return peer != NULL ? peer->subject : nothing;
}

struct str tls_seen_error(const struct tls_seen *seen)
{
	struct tls_facts facts;

	if (!seen->has_client || seen->is_verified)
		return nothing;
	if (seen->stream == NULL)
		return STR("the balancer in front did not verify it");
	return tls_stream_facts(seen->stream, &facts)
		       ? str_of(X509_verify_cert_error_string(facts.verify))
		       : nothing;
}

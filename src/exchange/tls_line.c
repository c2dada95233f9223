#include "exchange/tls_line.h"

#include "base/json.h"
#include "crypto/identity.h"

bool tls_line_look(struct tls_line *l, const struct request *rq)
{
	if (!tls_seen_look(&l->seen, rq->view.connection, rq->view.outer_tls))
		return false;
	l->ja4 = tls_seen_ja4(&l->seen, l->ja4_text);
	l->subject = tls_seen_subject(&l->seen, l->subject_text);
	return true;
}

void tls_line_shorten(struct tls_line *l, size_t max)
{
	struct str *const texts[] = { &l->seen.version, &l->seen.cipher, &l->seen.sni,
				      &l->seen.alpn, &l->subject };

	for (size_t i = 0; i < countof(texts); i++)
		texts[i]->n = texts[i]->n < max ? texts[i]->n : max;
}

size_t tls_line_bytes(const struct tls_line *l)
{
	return l->seen.version.n + l->seen.cipher.n + l->seen.sni.n + l->seen.alpn.n +
	       l->subject.n + l->ja4.n + IDENTITY_FINGERPRINT_CHARS;
}

static void begin(struct out *o, const struct tls_line *l)
{
	json_begin(o, "tls", '{');
	json_some(o, "version", l->seen.version);
	json_some(o, "cipher", l->seen.cipher);
	json_some(o, "sni", l->seen.sni);
	json_some(o, "alpn", l->seen.alpn);
	json_flag(o, "resumed", l->seen.is_resumed);
	json_some(o, "ja4", l->ja4);
}

static void begin_client(struct out *o, const struct tls_line *l, const struct identity *peer)
{
	json_begin(o, "client", '{');
	json_some(o, "subject", l->subject);
	if (peer != NULL)
		json_text(o, "fingerprint",
			  (struct str){ peer->fingerprint, IDENTITY_FINGERPRINT_CHARS });
	json_flag(o, "verified", l->seen.is_verified);
}

void tls_line_tell(struct out *o, const struct tls_line *l)
{
	begin(o, l);
	if (l->seen.has_client) {
		begin_client(o, l, tls_seen_identity(&l->seen));
		json_end(o, '}');
	}
	json_end(o, '}');
}

/* Each comes after its length, two bytes. */
static void tell_names(struct out *o, struct str packed)
{
	const uint8_t *p = (const uint8_t *)packed.p;
	size_t at = 0;

	json_begin(o, "names", '[');
	while (at + 2 <= packed.n) {
		size_t n = (size_t)(p[at] << 8 | p[at + 1]);
		json_next(o);
		json_string(o, (struct str){ packed.p + at + 2, n });
		at += 2 + n;
	}
	json_end(o, ']');
}

static void tell_identity(struct out *o, const struct identity *peer)
{
	json_some(o, "issuer", peer->issuer);
	json_some(o, "serial", peer->serial);
	tell_names(o, peer->names);
	json_number(o, "not_after", peer->not_after > 0 ? (uint64_t)peer->not_after : 0);
}

void tls_line_tell_all(struct out *o, const struct tls_line *l)
{
	const struct identity *peer = tls_seen_identity(&l->seen);

	begin(o, l);
	if (l->seen.has_client) {
		begin_client(o, l, peer);
		if (peer != NULL)
			tell_identity(o, peer);
		json_some(o, "error", tls_seen_error(&l->seen));
		json_end(o, '}');
	}
	json_end(o, '}');
}

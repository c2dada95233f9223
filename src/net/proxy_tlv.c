#include "net/proxy_tlv.h"

#include "net/host_name.h"

/* Types, and those inside SSL. */
enum { ALPN = 0x01, AUTHORITY = 0x02, CHECKSUM = 0x03, SSL_ITEM = 0x20 };
enum { SSL_VERSION = 0x21, SSL_COMMON_NAME = 0x22, SSL_CIPHER = 0x23 };

/* Bits of SSL's first byte. */
enum { CLIENT_SSL = 1, CLIENT_CERT_CONN = 2, CLIENT_CERT_SESSION = 4 };

enum { HEAD = 3, SSL_FIXED = 5, CHECKSUM_BYTES = 4 };

static const char malformed[] = "malformed item (TLV) in the PROXY header";
static const char twice[] = "an item (TLV) comes twice in the PROXY header";

struct str proxy_tlv_entry(char to[1 + PROXY_TLV_NAME_MAX], struct str protocol)
{
	if (protocol.n == 0 || protocol.n > PROXY_TLV_NAME_MAX)
		return (struct str){ to, 0 };
	to[0] = (char)(uint8_t)protocol.n;
	memcpy(to + 1, protocol.p, protocol.n);
	return (struct str){ to, 1 + protocol.n };
}

/* ---- reading ---- */

/* Takes the first item of *rest; false: it does not fit. */
static bool take_item(struct str *rest, uint8_t *type, struct str *value)
{
	if (rest->n < HEAD)
		return false;
	const uint8_t *head = (const uint8_t *)rest->p;
	size_t n = (size_t)(head[1] << 8 | head[2]);
	if (n > rest->n - HEAD)
		return false;
	*type = head[0];
	*value = (struct str){ rest->p + HEAD, n };
	*rest = (struct str){ value->p + n, rest->n - HEAD - n };
	return true;
}

static const char *set_once(struct str *text, struct str value)
{
	if (text->p != NULL)
		return twice;
	*text = value;
	return NULL;
}

static const char *read_ssl_item(struct client_tls *tls, uint8_t type, struct str value)
{
	switch (type) {
	case SSL_VERSION:
		return set_once(&tls->version, value);
	case SSL_COMMON_NAME:
		return set_once(&tls->common_name, value);
	case SSL_CIPHER:
		return set_once(&tls->cipher, value);
	default:
		return NULL;
	}
}

static const char *read_ssl(struct client_tls *tls, struct str value)
{
	uint8_t type = 0;
	struct str inner;
	if (value.n < SSL_FIXED)
		return malformed;
	uint8_t client = (uint8_t)value.p[0];
	tls->is_ended = (client & CLIENT_SSL) != 0;
	tls->has_certificate = (client & (CLIENT_CERT_CONN | CLIENT_CERT_SESSION)) != 0;
	tls->is_resumed = tls->has_certificate && (client & CLIENT_CERT_CONN) == 0;
	tls->is_verified = tls->has_certificate && memcmp(value.p + 1, "\0\0\0\0", 4) == 0;
	struct str rest = { value.p + SSL_FIXED, value.n - SSL_FIXED };
	while (rest.n > 0) {
		if (!take_item(&rest, &type, &inner))
			return malformed;
		const char *reason = read_ssl_item(tls, type, inner);
		if (reason != NULL)
			return reason;
	}
	return NULL;
}

/* It is kept as an entry of a list: after its length. */
static const char *read_alpn(struct proxy_tlv *t, struct str value)
{
	if (value.n == 0 || value.n > PROXY_TLV_NAME_MAX)
		return malformed;
	if (t->tls.alpn.p != NULL)
		return twice;
	t->tls.alpn = proxy_tlv_entry(t->alpn, value);
	return NULL;
}

/* One that is no name of a host is as good as none. */
static const char *read_authority(struct proxy_tlv *t, struct str value)
{
	if (t->tls.sni.p != NULL)
		return twice;
	(void)host_name_tidy(t->sni, sizeof(t->sni), value);
	t->tls.sni = str_of(t->sni);
	return NULL;
}

static const char *read_checksum(struct proxy_tlv *t, struct str value)
{
	return value.n == CHECKSUM_BYTES ? set_once(&t->checksum, value) : malformed;
}

const char *proxy_tlv_parse(struct proxy_tlv *t, const char *p, size_t n)
{
	struct str rest = { p, n }, value;
	uint8_t type = 0;
	bool has_ssl = false;
	const char *reason = NULL;
	while (rest.n > 0 && reason == NULL) {
		if (!take_item(&rest, &type, &value))
			return malformed;
		if (type == ALPN)
			reason = read_alpn(t, value);
		else if (type == AUTHORITY)
			reason = read_authority(t, value);
		else if (type == CHECKSUM)
			reason = read_checksum(t, value);
		else if (type == SSL_ITEM)
			reason = has_ssl ? twice : read_ssl(&t->tls, value);
		has_ssl |= type == SSL_ITEM;
	}
	return reason;
}

bool proxy_tlv_is_known(const struct client_tls *tls)
{
	return tls->is_ended || tls->sni.n > 0 || tls->alpn.n > 0;
}

/* ---- writing ---- */

static char *write_head(char *to, uint8_t type, size_t n)
{
	*to++ = (char)type;
	*to++ = (char)(uint8_t)(n >> 8);
	*to++ = (char)(uint8_t)n;
	return to;
}

static char *write_item(char *to, uint8_t type, struct str value)
{
	if (value.n == 0 || value.n > PROXY_TLV_TEXT_MAX)
		return to;
	to = write_head(to, type, value.n);
	memcpy(to, value.p, value.n);
	return to + value.n;
}

static char *write_ssl(char *to, const struct client_tls *tls)
{
	char *value = to + HEAD, *at = value + SSL_FIXED;
	bool is_good = tls->has_certificate && tls->is_verified;
	value[0] = CLIENT_SSL;
	if (tls->has_certificate)
		value[0] |= tls->is_resumed ? CLIENT_CERT_SESSION
					    : CLIENT_CERT_CONN | CLIENT_CERT_SESSION;
	memcpy(value + 1, is_good ? "\0\0\0\0" : "\0\0\0\1", 4);
	at = write_item(at, SSL_VERSION, tls->version);
	at = write_item(at, SSL_CIPHER, tls->cipher);
	if (is_good)
		at = write_item(at, SSL_COMMON_NAME, tls->common_name);
	(void)write_head(to, SSL_ITEM, (size_t)(at - value));
	return at;
}

/* The protocol that is spoken: the only one of the list. Of several nobody knows it. */
static struct str only_protocol(struct str alpn)
{
	if (alpn.n == 0 || alpn.n != 1 + (size_t)(uint8_t)alpn.p[0])
		return (struct str){ NULL, 0 };
	return (struct str){ alpn.p + 1, alpn.n - 1 };
}

size_t proxy_tlv_write(char to[PROXY_TLV_MAX], const struct client_tls *tls)
{
	char *at = to;
	at = write_item(at, ALPN, only_protocol(tls->alpn));
	at = write_item(at, AUTHORITY, tls->sni);
	if (tls->is_ended)
		at = write_ssl(at, tls);
	return (size_t)(at - to);
}

#include "net/client_hello.h"

#include <string.h>

#include "net/host_name.h"

enum { RECORD_HEADER = 5, RECORD_MAX = 16 * 1024, MESSAGE_HEADER = 4 };
enum { HANDSHAKE = 22, CLIENT_HELLO = 1 };
enum { SNI = 0, SIGNATURES = 13, ALPN = 16, VERSIONS = 43 };

/* ---- bytes of the message: the records' headers between them are passed over ---- */

struct reader {
	const char *p;
	struct client_hello_part part;
	bool is_short; /* more was asked for than there is; then all numbers are 0 */
};

static uint32_t read_length(const char *header)
{
	return (uint32_t)((uint8_t)header[3] << 8 | (uint8_t)header[4]);
}

/* The next byte is one of a record. */
static void enter_record(struct reader *r)
{
	if (r->part.record > 0)
		return;
	r->part.record = read_length(r->p + r->part.at);
	r->part.at += RECORD_HEADER;
}

static uint8_t take_u8(struct reader *r)
{
	if (r->part.n == 0) {
		r->is_short = true;
		return 0;
	}
	enter_record(r);
	r->part.record--;
	r->part.n--;
	return (uint8_t)r->p[r->part.at++];
}

static uint16_t take_u16(struct reader *r)
{
	uint16_t high = take_u8(r);
	return (uint16_t)(high << 8 | take_u8(r));
}

/* Passes over n bytes, which go to TO unless it is NULL. */
static void take_bytes(struct reader *r, size_t n, char *to)
{
	if (n > r->part.n) {
		r->is_short = true;
		n = r->part.n;
	}
	while (n > 0) {
		enter_record(r);
		uint32_t some = n < r->part.record ? (uint32_t)n : r->part.record;
		if (to != NULL) {
			memcpy(to, r->p + r->part.at, some);
			to += some;
		}
		r->part.at += some;
		r->part.record -= some;
		r->part.n -= some;
		n -= some;
	}
}

/* Passes over n bytes, which are to be read by the result. */
static struct reader take_part(struct reader *r, size_t n)
{
	struct reader inner = *r;
	take_bytes(r, n, NULL);
	inner.part.n = r->is_short ? 0 : (uint32_t)n;
	inner.is_short = r->is_short;
	return inner;
}

static struct reader take_vector8(struct reader *r)
{
	return take_part(r, take_u8(r));
}

static struct reader take_vector16(struct reader *r)
{
	return take_part(r, take_u16(r));
}

void client_hello_copy(const struct client_hello_part *part, const char *p, char *to)
{
	struct reader r = { .p = p, .part = *part };
	take_bytes(&r, part->n, to);
}

/* ---- what it says ---- */

static bool is_grease(uint16_t value)
{
	return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

struct list {
	uint16_t *values;
	uint32_t *n, max;
};

static void note(struct client_hello *h, struct list list, uint16_t value)
{
	if (is_grease(value))
		return;
	if (*list.n == list.max)
		h->is_excessive = true;
	else
		list.values[(*list.n)++] = value;
}

/* All numbers of a vector; false: it is empty or has half a number. */
static bool note_all(struct client_hello *h, struct reader r, struct list list)
{
	if (r.part.n == 0 || r.part.n % 2 != 0)
		return false;
	while (r.part.n > 0)
		note(h, list, take_u16(&r));
	return true;
}

/* An extension that is one vector: nothing may follow it. */
static bool is_whole(const struct reader *extension, const struct reader *inner)
{
	return extension->part.n == 0 && !inner->is_short;
}

static void set_host_name(struct client_hello *h, struct reader name)
{
	char text[CLIENT_HELLO_SNI_MAX + 2];
	size_t n = name.part.n;
	if (n >= sizeof(text))
		return;
	take_bytes(&name, n, text);
	(void)host_name_tidy(h->sni, sizeof(h->sni), (struct str){ text, n }); /* "": it is none */
}

/* RFC 6066 §3: at most one name of a type. */
static const char *read_sni(struct client_hello *h, struct reader extension)
{
	static const char bad[] = "malformed server_name in the ClientHello";
	struct reader names = take_vector16(&extension);
	bool has_name = false;
	if (!is_whole(&extension, &names) || names.part.n == 0)
		return bad;
	while (names.part.n > 0) {
		uint8_t type = take_u8(&names);
		struct reader name = take_vector16(&names);
		if (names.is_short || (type == 0 && has_name))
			return bad;
		if (type == 0)
			set_host_name(h, name);
		has_name |= type == 0;
	}
	return NULL;
}

/* RFC 7301 §3.1 */
static const char *read_alpn(struct client_hello *h, struct reader extension)
{
	static const char bad[] = "malformed list of protocols (ALPN) in the ClientHello";
	struct reader names = take_vector16(&extension);
	if (!is_whole(&extension, &names) || names.part.n == 0)
		return bad;
	h->alpn = names.part;
	while (names.part.n > 0) {
		struct reader name = take_vector8(&names);
		if (names.is_short || name.part.n == 0)
			return bad;
	}
	return NULL;
}

static const char *read_versions(struct client_hello *h, struct reader extension)
{
	struct reader versions = take_vector8(&extension);
	uint16_t highest = 0;
	if (!is_whole(&extension, &versions) || versions.part.n == 0 || versions.part.n % 2 != 0)
		return "malformed supported_versions in the ClientHello";
	while (versions.part.n > 0) {
		uint16_t version = take_u16(&versions);
		if (!is_grease(version) && version > highest)
			highest = version;
	}
	if (highest != 0)
		h->version = highest;
	return NULL;
}

static const char *read_signatures(struct client_hello *h, struct reader extension)
{
	struct list list = { h->signatures, &h->signatures_n, CLIENT_HELLO_SIGNATURES };
	struct reader algorithms = take_vector16(&extension);
	if (!is_whole(&extension, &algorithms) || !note_all(h, algorithms, list))
		return "malformed signature_algorithms in the ClientHello";
	return NULL;
}

/* Those that are read may come once; each is a bit of *seen. */
static const char *read_extension(struct client_hello *h, uint16_t type, struct reader extension,
				  uint64_t *seen)
{
	if (type < 64 && (*seen & UINT64_C(1) << type) != 0)
		return "an extension comes twice in the ClientHello";
	if (type < 64)
		*seen |= UINT64_C(1) << type;
	switch (type) {
	case SNI:
		h->has_sni = true;
		return read_sni(h, extension);
	case SIGNATURES:
		return read_signatures(h, extension);
	case ALPN:
		return read_alpn(h, extension);
	case VERSIONS:
		return read_versions(h, extension);
	default:
		return NULL;
	}
}

static const char *read_extensions(struct client_hello *h, struct reader *r)
{
	static const char bad[] = "malformed extensions in the ClientHello";
	struct list list = { h->extensions, &h->extensions_n, CLIENT_HELLO_EXTENSIONS };
	uint64_t seen = 0;
	if (r->part.n == 0)
		return NULL; /* a client of old */
	struct reader all = take_vector16(r);
	if (!is_whole(r, &all))
		return bad;
	while (all.part.n > 0) {
		uint16_t type = take_u16(&all);
		struct reader extension = take_vector16(&all);
		const char *reason = all.is_short ? bad : NULL;
		if (reason == NULL)
			reason = read_extension(h, type, extension, &seen);
		if (reason != NULL)
			return reason;
		note(h, list, type);
	}
	return NULL;
}

/* The message is whole: NULL, or what is wrong with it. */
static const char *read_message(struct client_hello *h, struct reader r)
{
	take_bytes(&r, MESSAGE_HEADER, NULL);
	h->version = h->legacy_version = take_u16(&r);
	take_bytes(&r, 32, NULL); /* random */
	struct reader session = take_vector8(&r);
	struct reader ciphers = take_vector16(&r);
	struct reader compressions = take_vector8(&r);
	if (r.is_short || session.part.n > 32 || compressions.part.n == 0)
		return "malformed ClientHello";
	if (!note_all(h, ciphers, (struct list){ h->ciphers, &h->ciphers_n, CLIENT_HELLO_CIPHERS }))
		return "malformed list of ciphers in the ClientHello";
	return read_extensions(h, &r);
}

/* ---- records ---- */

/* The header of a record is there: counts the record; NULL, or what is wrong with it. */
static const char *take_record(struct client_hello_progress *progress, const char *header)
{
	uint32_t n = read_length(header);
	if (header[0] != HANDSHAKE || header[1] != 3)
		return "a record that is no handshake interrupts the ClientHello";
	if (n == 0 || n > RECORD_MAX)
		return "invalid length of a record of the ClientHello";
	progress->at += RECORD_HEADER + n;
	progress->come += n;
	return NULL;
}

/* Bytes of the message that are here, when n of all bytes are. */
static uint32_t come(const struct client_hello_progress *progress, size_t n)
{
	uint32_t missing = progress->at > n ? (uint32_t)(progress->at - n) : 0;
	return progress->come > missing ? progress->come - missing : 0;
}

/* The message's own header is there: its length; NULL, or what is wrong with it. */
static const char *take_message_header(struct client_hello_progress *progress, const char *p)
{
	struct reader r = { .p = p, .part = { .n = MESSAGE_HEADER } };
	if (take_u8(&r) != CLIENT_HELLO)
		return "the first message of the handshake is no ClientHello";
	uint32_t high = take_u8(&r);
	progress->needed = MESSAGE_HEADER + (high << 16 | take_u16(&r));
	return progress->needed > CLIENT_HELLO_MAX ? "the ClientHello is longer than 64 KiB" : NULL;
}

/* Counts the records that have begun, up to the message's last: NULL, or what is wrong. */
static const char *take_records(struct client_hello_progress *progress, const char *p, size_t n)
{
	const char *reason = NULL;
	while (reason == NULL) {
		if (progress->needed == 0 && come(progress, n) >= MESSAGE_HEADER)
			reason = take_message_header(progress, p);
		else if (progress->needed != 0 && progress->come >= progress->needed)
			break;
		else if (progress->at + RECORD_HEADER > n)
			break;
		else
			reason = take_record(progress, p + progress->at);
	}
	return reason;
}

static bool is_tls(const char *p, size_t n)
{
	return (n < 1 || p[0] == HANDSHAKE) && (n < 2 || p[1] == 3);
}

enum client_hello_result client_hello_read(struct client_hello_progress *progress, const char *p,
					   size_t n, struct client_hello *to)
{
	bool is_full = n >= CLIENT_HELLO_MAX;
	if (is_full)
		n = CLIENT_HELLO_MAX;
	if (!is_tls(p, n))
		return CLIENT_HELLO_NOT_TLS;
	const char *reason = take_records(progress, p, n);
	bool is_come = progress->needed != 0 && come(progress, n) >= progress->needed;
	if (reason == NULL && is_come) {
		*to = (struct client_hello){ 0 };
		reason = read_message(to,
				      (struct reader){ .p = p, .part = { .n = progress->needed } });
	} else if (reason == NULL && is_full) {
		reason = "the ClientHello is longer than 64 KiB";
	}
	if (reason != NULL) {
		to->reason = reason;
		return CLIENT_HELLO_BAD;
	}
	return is_come ? CLIENT_HELLO_DONE : CLIENT_HELLO_MORE;
}

bool client_hello_read_message(const char *p, size_t n, struct client_hello *to)
{
	struct reader r = { .p = p, .part = { .record = UINT32_MAX, .n = (uint32_t)n } };
	*to = (struct client_hello){ 0 };
	return n <= CLIENT_HELLO_MAX && read_message(to, r) == NULL;
}

#include "net/ja4.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/sha256.h"

enum { HASH_CHARS = 12, SNI = 0, ALPN = 16 };

static const char digits[] = "0123456789abcdef";

static const char *version_text(uint16_t version)
{
	static const struct {
		uint16_t version;
		char text[3];
	} rows[] = { { 0x0304, "13" }, { 0x0303, "12" }, { 0x0302, "11" },
		     { 0x0301, "10" }, { 0x0300, "s3" }, { 0x0002, "s2" } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].version == version)
			return rows[i].text;
	}
	return "00";
}

static char *write_count(char *to, uint32_t n)
{
	if (n > 99)
		n = 99;
	*to++ = digits[n / 10];
	*to++ = digits[n % 10];
	return to;
}

static bool is_alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The first protocol's first and last character; of one that is no text, of its bytes in hex. */
static char *write_alpn(char *to, const struct client_hello *h, const char *p)
{
	struct client_hello_part part = h->alpn;
	char text[1 + 255];
	part.n = part.n < sizeof(text) ? part.n : sizeof(text);
	client_hello_copy(&part, p, text);
	uint8_t n = part.n > 0 ? (uint8_t)text[0] : 0;
	char first = n > 0 ? text[1] : '0', last = n > 0 ? text[n] : '0';
	if (!is_alphanumeric(first) || !is_alphanumeric(last)) {
		first = digits[(uint8_t)first >> 4];
		last = digits[(uint8_t)last & 15];
	}
	*to++ = first;
	*to++ = last;
	return to;
}

/* ---- a hash of numbers, written as "002f,0035" ---- */

static void add_numbers(struct sha256 *hash, const uint16_t *values, uint32_t n, char before)
{
	for (uint32_t i = 0; i < n; i++) {
		uint16_t v = values[i];
		char text[5] = { ',', digits[v >> 12], digits[v >> 8 & 15], digits[v >> 4 & 15],
				 digits[v & 15] };
		if (i == 0)
			text[0] = before;
		size_t skip = text[0] == '\0' ? 1 : 0;
		sha256_add(hash, text + skip, sizeof(text) - skip);
	}
}

static char *write_hash(char *to, struct sha256 *hash)
{
	uint8_t digest[SHA256_BYTES];
	sha256_end(hash, digest);
	for (size_t i = 0; i < HASH_CHARS / 2; i++) {
		*to++ = digits[digest[i] >> 4];
		*to++ = digits[digest[i] & 15];
	}
	return to;
}

static char *write_none(char *to)
{
	memset(to, '0', HASH_CHARS);
	return to + HASH_CHARS;
}

static int compare(const void *a, const void *b)
{
	uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;
	return (x > y) - (x < y);
}

static char *write_ciphers(char *to, const uint16_t *ciphers, uint32_t n)
{
	uint16_t sorted[CLIENT_HELLO_CIPHERS];
	struct sha256 hash;
	if (n == 0)
		return write_none(to);
	memcpy(sorted, ciphers, n * sizeof(sorted[0]));
	qsort(sorted, n, sizeof(sorted[0]), compare);
	sha256_init(&hash);
	add_numbers(&hash, sorted, n, '\0');
	return write_hash(to, &hash);
}

struct list {
	const uint16_t *values;
	uint32_t n;
};

/* Without those that the first part tells of. */
static char *write_extensions(char *to, struct list extensions, struct list signatures)
{
	uint16_t sorted[CLIENT_HELLO_EXTENSIONS];
	struct sha256 hash;
	uint32_t n = 0;
	for (uint32_t i = 0; i < extensions.n; i++) {
		if (extensions.values[i] != SNI && extensions.values[i] != ALPN)
			sorted[n++] = extensions.values[i];
	}
	if (n == 0 && signatures.n == 0)
		return write_none(to);
	qsort(sorted, n, sizeof(sorted[0]), compare);
	sha256_init(&hash);
	add_numbers(&hash, sorted, n, '\0');
	add_numbers(&hash, signatures.values, signatures.n, '_');
	return write_hash(to, &hash);
}

static char *write_first(char *to, const struct client_hello *h, const char *p)
{
	*to++ = 't';
	memcpy(to, version_text(h->version), 2);
	to += 2;
	*to++ = h->has_sni ? 'd' : 'i';
	to = write_count(to, h->ciphers_n);
	to = write_count(to, h->extensions_n);
	return write_alpn(to, h, p);
}

static void write_hashes(char *to, struct list ciphers, struct list extensions,
			 struct list signatures)
{
	*to++ = '_';
	to = write_ciphers(to, ciphers.values, ciphers.n);
	*to++ = '_';
	to = write_extensions(to, extensions, signatures);
	*to = '\0';
}

bool ja4_write(char to[JA4_CHARS + 1], const struct client_hello *h, const char *p)
{
	to[0] = '\0';
	if (h->is_excessive)
		return false;
	write_hashes(write_first(to, h, p), (struct list){ h->ciphers, h->ciphers_n },
		     (struct list){ h->extensions, h->extensions_n },
		     (struct list){ h->signatures, h->signatures_n });
	return true;
}

/* ---- what is kept of a ClientHello ---- */

static uint16_t *keep_numbers(uint16_t *to, const uint16_t *from, uint32_t n)
{
	if (n > 0)
		memcpy(to, from, n * sizeof(*to));
	return to + n;
}

struct ja4_note *ja4_note_create(const struct client_hello *h, const char *p)
{
	size_t numbers = h->ciphers_n + h->extensions_n + h->signatures_n;
	struct ja4_note *note =
		h->is_excessive ? NULL : malloc(sizeof(*note) + numbers * sizeof(uint16_t));
	if (note == NULL)
		return NULL;
	(void)write_first(note->first, h, p); /* where it ends is known */
	note->ciphers_n = (uint16_t)h->ciphers_n;
	note->extensions_n = (uint16_t)h->extensions_n;
	note->signatures_n = (uint16_t)h->signatures_n;
	uint16_t *at = keep_numbers(note->numbers, h->ciphers, h->ciphers_n);
	at = keep_numbers(at, h->extensions, h->extensions_n);
	(void)keep_numbers(at, h->signatures, h->signatures_n);
	return note;
}

void ja4_note_write(char to[JA4_CHARS + 1], const struct ja4_note *note)
{
	const uint16_t *extensions = note->numbers + note->ciphers_n;
	memcpy(to, note->first, sizeof(note->first));
	write_hashes(to + sizeof(note->first), (struct list){ note->numbers, note->ciphers_n },
		     (struct list){ extensions, note->extensions_n },
		     (struct list){ extensions + note->extensions_n, note->signatures_n });
}

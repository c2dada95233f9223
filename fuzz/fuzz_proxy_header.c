/*
 * The PROXY protocol header: a prefix never decides otherwise than the whole, and what is
 * accepted lies within its bounds. What it says of TLS is said again in the same words. A datagram's
 * is decided at once, and is that of a connection but for the protocol.
 */
#include <stdint.h>
#include <stdlib.h>

#include "net/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same(struct str a, struct str b)
{
	return a.n > PROXY_TLV_TEXT_MAX || str_eq(a, b);
}

/* Writes what was read, and reads that. */
static void say_again(const struct client_tls *tls)
{
	static struct proxy_tlv again;
	char text[PROXY_TLV_MAX];
	size_t n = proxy_tlv_write(text, tls);
	again = (struct proxy_tlv){ 0 };
	if (n > sizeof(text) || proxy_tlv_parse(&again, text, n) != NULL)
		abort();
	if (!is_same(tls->sni, again.tls.sni) || !is_same(tls->alpn, again.tls.alpn) ||
	    tls->is_ended != again.tls.is_ended)
		abort();
	if (tls->is_ended && (!is_same(tls->version, again.tls.version) ||
			      tls->is_verified != again.tls.is_verified))
		abort();
}

static void look_at_datagram(const char *p, size_t n, const struct proxy_header *as_stream,
			     enum proxy_header_result result)
{
	struct proxy_header h;
	enum proxy_header_result own = proxy_header_parse_datagram(&h, p, n);

	if (own == PROXY_HEADER_MORE || (own == PROXY_HEADER_BAD && h.reason == NULL))
		abort();
	if (own == PROXY_HEADER_DONE && (h.bytes == 0 || h.bytes > n))
		abort();
	bool is_v2 = n > 0 && p[0] == '\r';
	if (result == PROXY_HEADER_DONE && is_v2 &&
	    (own != PROXY_HEADER_DONE || h.bytes != as_stream->bytes))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header whole, part;
	enum proxy_header_result result = proxy_header_parse(&whole, (const char *)data, size);

	if (result == PROXY_HEADER_DONE &&
	    (whole.bytes == 0 || whole.bytes > size || whole.bytes > PROXY_HEADER_V2_MAX))
		abort();
	if (result == PROXY_HEADER_BAD && whole.reason == NULL)
		abort();
	look_at_datagram((const char *)data, size, &whole, result);
	if (result == PROXY_HEADER_DONE)
		say_again(&whole.tlv.tls);
	for (size_t n = 0; n < size && n < 300; n++) {
		enum proxy_header_result early = proxy_header_parse(&part, (const char *)data, n);
		if (early == PROXY_HEADER_BAD && result != PROXY_HEADER_BAD)
			abort();
		if (early == PROXY_HEADER_DONE &&
		    (result != PROXY_HEADER_DONE || part.bytes != whole.bytes))
			abort();
	}
	return 0;
}

/*
 * The PROXY protocol header: a prefix never decides otherwise than the whole, and what is
 * accepted lies within its bounds. What it says of TLS is said again in the same words.
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header whole, part;
	enum proxy_header_result result = proxy_header_parse(&whole, (const char *)data, size);

	if (result == PROXY_HEADER_DONE &&
	    (whole.bytes == 0 || whole.bytes > size || whole.bytes > PROXY_HEADER_V2_MAX))
		abort();
	if (result == PROXY_HEADER_BAD && whole.reason == NULL)
		abort();
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

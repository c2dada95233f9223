/*
 * Request heads: cut anywhere, within bounds, and what is accepted is accepted again when copied.
 */
#include "fuzz.h"

/* The line as its parts are, and the fields but for those of the hop. */
static void must_parse_again(const struct http_head *h, const char *base)
{
	char memory[2200];
	struct out o;
	out_init(&o, memory, sizeof(memory));
	out_str(&o, http_str(base, h->method));
	out_str(&o, STR(" "));
	out_str(&o, http_str(base, h->target));
	out_str(&o, h->minor == 1 ? STR(" HTTP/1.1\r\n") : STR(" HTTP/1.0\r\n"));
	field_mask te = (field_mask)1 << FIELD_TRANSFER_ENCODING;
	h1_write_fields(&o, h, base, h1_hop_fields() & ~te, NULL, NULL);
	out_str(&o, STR("\r\n"));
	must(!o.full);

	struct parsed again;
	parse_cut(&again, false, (struct str){ o.p, o.n }, o.n);
	must(again.result == H1_DONE && again.h.bytes == o.n);
	must(again.h.framing == h->framing && again.h.length == h->length &&
	     again.h.form == h->form);
	must(again.h.flags == 0 || (again.h.flags & (HTTP_CONN_CLOSE | HTTP_CONN_NAMES)) == 0);
	must(str_eq(h1_path(&again.h, o.p), h1_path(h, base)));
	must(str_eq(http_str(o.p, again.h.host), http_str(base, h->host)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parsed whole, cut;
	struct str in = { (const char *)data, size };
	parse_cut(&whole, false, in, size);
	for (size_t at = 0; at < size; at += 1 + size / 16) {
		parse_cut(&cut, false, in, at);
		must_agree(&whole, &cut);
	}
	if (whole.result == H1_DONE) {
		must_be_in_bounds(&whole.h, size);
		must_copy(&whole.h, in.p);
		must_parse_again(&whole.h, in.p);
	}
	return 0;
}

/* Response heads: cut anywhere, within bounds, with one framing for each method of the request. */
#include "fuzz.h"

#include "http/h1_framing.h"

static void check_framing(struct http_head h, uint8_t method_id)
{
	if (!h1_response_framing(&h, method_id)) {
		must(h.refusal.status == 502 && h.refusal.reason != NULL);
		return;
	}
	bool bodiless = h.status < 200 || h.status == 204 || h.status == 304 ||
			method_id == METHOD_HEAD;
	must(!bodiless || h.framing == FRAMING_NONE);
	must(h.framing != FRAMING_LENGTH || ((h.flags & HTTP_HAS_LENGTH) != 0 && h.length > 0));
	must(h.framing != FRAMING_CHUNKED || (h.minor == 1 && !http_has(&h, FIELD_CONTENT_LENGTH)));
	must(h.framing != FRAMING_UNTIL_CLOSE || !h1_keeps_alive(&h));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parsed whole, cut;
	struct str in = { (const char *)data, size };
	parse_cut(&whole, true, in, size);
	for (size_t at = 0; at < size; at += 1 + size / 16) {
		parse_cut(&cut, true, in, at);
		must_agree(&whole, &cut);
	}
	must(whole.result != H1_BAD || whole.h.refusal.status == 502);
	if (whole.result == H1_DONE) {
		must_be_in_bounds(&whole.h, size);
		must_copy(&whole.h, in.p);
		check_framing(whole.h, METHOD_GET);
		check_framing(whole.h, METHOD_HEAD);
	}
	return 0;
}

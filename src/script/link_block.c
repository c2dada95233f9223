#include "script/link_block.h"

#include <stdio.h>

#include "http/h1_framing.h"
#include "http/h1_head.h"

static const struct http_limits limits = {
	.header_bytes = LINK_BLOCK_BYTES,
	.uri_bytes = 1,
	.headers = READING_HEADERS_MAX,
};

void link_block_init(struct link_block *b, struct slab *slab)
{
	buf_init(&b->text, slab);
}

void link_block_fini(struct link_block *b)
{
	buf_drop(&b->text);
}

void link_block_begin(struct link_block *b, struct link_call *c)
{
	buf_drop(&b->text); /* of a block that did not end */
	if (!buf_hold(&b->text)) {
		link_call_fail(c, "out of memory");
		return;
	}
	h1_head_init(&b->head, true, b->lines, &limits);
	h2_fields_begin(&b->fields, c->has_head ? H2_TRAILERS : H2_ANSWER, &b->head, &b->text);
}

void link_block_field(struct link_block *b, struct link_call *c, struct str name, struct str value)
{
	if (c->failure != NULL || b->text.data == NULL)
		return;
	if (h2_fields_room(&b->fields, name, value) > buf_room(&b->text))
		h2_fields_refuse(&b->fields, 502, "the answer's header is too large");
	else
		h2_fields_add(&b->fields, name, value);
}

/* The status line, then the lines that there are, a blank one last. */
static void give_head(const struct link_block *b, struct link_call *c)
{
	char line[sizeof("HTTP/1.1 200 \r\n")];
	const char *lines = buf_head(&b->text) + b->head.fields_at;
	(void)snprintf(line, sizeof(line), "HTTP/1.1 %03u \r\n", b->head.status % 1000U);
	link_call_head(c, str_of(line));
	link_call_head(c, (struct str){ lines, buf_len(&b->text) - b->head.fields_at });
}

static const char *fault_of(struct link_block *b, struct link_call *c, bool is_last)
{
	enum h2_fields_result result = h2_fields_end(&b->fields, is_last);
	bool is_interim = b->head.status < 200;
	if (result == H2_FIELDS_MALFORMED)
		return b->fields.fault;
	if (result == H2_FIELDS_REFUSED)
		return b->head.refusal.reason;
	if (c->has_head)
		return is_last ? NULL : "trailers that do not end their stream";
	if (b->head.status == 101)
		return "101 over HTTP/2";
	if (is_interim && is_last)
		return "a 1xx that ends its stream";
	return h1_response_framing(&b->head, c->method_id) ? NULL : b->head.refusal.reason;
}

void link_block_end(struct link_block *b, struct link_call *c, bool is_last)
{
	if (c->failure != NULL || b->text.data == NULL)
		return;
	const char *fault = fault_of(b, c, is_last);
	if (fault != NULL) {
		link_call_fail(c, fault);
	} else if (!c->has_head) {
		give_head(b, c);
		if (b->head.status >= 200)
			link_call_begin_body(c, &b->head);
	}
	buf_drop(&b->text);
}

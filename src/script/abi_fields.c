/* The fields of a head, one after the other: first those that came, then those that scripts set. */
#include "script/abi_fields.h"

#include "http/edits.h"

static void give_field(neap_field *to, struct str name, struct str value)
{
	to->name = name.p;
	to->name_n = (uint32_t)name.n;
	to->value = value.p;
	to->value_n = (uint32_t)value.n;
}

/* RFC 9440 §4: what a client says of certificates is believed by nobody. */
static bool is_shown(const struct http_head *h, const char *base, const struct http_field *f,
		     const void *edits)
{
	if (!h->is_response && (f->id == FIELD_CLIENT_CERT || f->id == FIELD_CLIENT_CERT_CHAIN))
		return false;
	return !edits_replaces(edits, http_field_name(base, f));
}

static uint32_t next_field(const struct http_head *h, const char *base, const void *edits,
			   uint32_t at, neap_field *to)
{
	uint32_t n = h == NULL ? 0 : h->n;
	struct str name, value;

	for (; at < n; at++) {
		const struct http_field *f = &h->fields[at];
		if (!is_shown(h, base, f, edits))
			continue;
		give_field(to, http_field_name(base, f), http_field_value(base, f));
		return at + 1;
	}
	uint32_t change = at - n;
	if (!edits_next(edits, &change, &name, &value))
		return 0;
	give_field(to, name, value);
	return n + change;
}

NEAP_API uint32_t neap_request_field(const neap_request *r, uint32_t at, neap_field *to)
{
	return next_field(r->head, r->base, r->edits, at, to);
}

NEAP_API uint32_t neap_response_field(const neap_response *r, uint32_t at, neap_field *to)
{
	return next_field(r->head, r->base, r->edits, at, to);
}

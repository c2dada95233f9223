#include "http/h1_framing.h"

#include "base/num.h"
#include "http/field_id.h"
#include "http/h1_write.h"
#include "http/refuse.h"
#include "http/scan.h"

static const char malformed_coding[] = "malformed Transfer-Encoding";
static const char unknown_coding[] = "unknown transfer coding";

bool h1_framing_parse_length(struct str value, uint64_t *length)
{
	return num_parse_u64(value, INT64_MAX, length);
}

/* Sets named_hop on the fields of this name, unless nobody may strip a field of that name. */
static void name_hop(struct http_head *h, const char *base, struct str name)
{
	enum field_id id = field_id_of(name);
	if (id == FIELD_CONNECTION || field_is_guarded(id, name))
		return;
	h->flags |= HTTP_CONN_NAMES;
	for (uint16_t i = 0; i < h->n; i++) {
		struct http_field *f = &h->fields[i];
		if (f->id == id && str_eq_nocase(http_field_name(base, f), name))
			f->named_hop = 1;
	}
}

/* Each name is looked for among all fields, so a head may not bring thousands. */
enum { NAMES_MAX = 32 };

static enum h1_result read_connection(struct http_head *h, const char *base, struct str list,
				      unsigned *names)
{
	struct str item;
	while (scan_list(&list, &item)) {
		if (str_eq_nocase(item, STR("close")))
			h->flags |= HTTP_CONN_CLOSE;
		else if (str_eq_nocase(item, STR("keep-alive")))
			h->flags |= HTTP_CONN_KEEP_ALIVE;
		else if (str_eq_nocase(item, STR("upgrade")))
			h->flags |= HTTP_CONN_UPGRADE;
		else if (item.n > 0 && !h1_is_token(item))
			return refuse(h, 400, "malformed Connection");
		else if (item.n > 0 && ++*names > NAMES_MAX)
			return refuse(h, 400, "too many names in Connection");
		else if (item.n > 0)
			name_hop(h, base, item);
	}
	return H1_DONE;
}

/* RFC 9110 §10.1.1: a list; an empty one expects nothing. */
static enum h1_result read_expect(struct http_head *h, struct str list)
{
	struct str item;
	if (h->is_response || h->minor == 0)
		return H1_DONE;
	while (scan_list(&list, &item)) {
		if (item.n == 0)
			continue;
		if (!str_eq_nocase(item, STR("100-continue")))
			return refuse(h, 417, "unknown expectation");
		if (h->framing != FRAMING_NONE) /* else there is nothing to wait for */
			h->flags |= HTTP_EXPECT_CONTINUE;
	}
	return H1_DONE;
}

/* The name in an element of Upgrade: the part before the slash of its version. */
static struct str protocol_name(struct str item)
{
	struct str name;
	(void)str_split(&item, '/', &name); /* an item always has a first part */
	return str_trim(name);
}

static bool lists_protocol(struct str list, struct str wanted)
{
	struct str item;
	while (scan_list(&list, &item)) {
		if (str_eq_nocase(protocol_name(item), wanted))
			return true;
	}
	return false;
}

static bool asks_for(const struct http_head *request, const char *base, struct str protocol)
{
	for (uint16_t i = 0; i < request->n; i++) {
		const struct http_field *f = &request->fields[i];
		if (f->id == FIELD_UPGRADE && lists_protocol(http_field_value(base, f), protocol))
			return true;
	}
	return false;
}

bool h1_upgrade_matches(const struct http_head *response, const char *base,
			const struct http_head *request, const char *request_base)
{
	unsigned named = 0;
	for (uint16_t i = 0; i < response->n; i++) {
		if (response->fields[i].id != FIELD_UPGRADE)
			continue;
		struct str item, list = http_field_value(base, &response->fields[i]);
		while (scan_list(&list, &item)) {
			struct str name = protocol_name(item);
			if (name.n > 0 && !asks_for(request, request_base, name))
				return false;
			named += name.n > 0;
		}
	}
	return named > 0;
}

static enum h1_result read_field(struct http_head *h, const char *base, const struct http_field *f,
				 unsigned *names)
{
	struct str value = http_field_value(base, f);
	switch (f->id) {
	case FIELD_CONNECTION:
		return read_connection(h, base, value, names);
	case FIELD_EXPECT:
		return read_expect(h, value);
	case FIELD_UPGRADE:
		if (lists_protocol(value, STR("h2c")))
			h->flags |= HTTP_UPGRADE_H2C;
		return H1_DONE;
	case FIELD_TE:
		if (scan_list_has(value, STR("trailers")))
			h->flags |= HTTP_TE_TRAILERS;
		return H1_DONE;
	default:
		return H1_DONE;
	}
}

enum h1_result h1_framing_read_connection(struct http_head *h, const char *base)
{
	const field_mask read = (field_mask)1 << FIELD_CONNECTION | (field_mask)1 << FIELD_EXPECT |
				(field_mask)1 << FIELD_UPGRADE | (field_mask)1 << FIELD_TE;
	if ((h->present & read) == 0)
		return H1_DONE;
	unsigned names = 0; /* listed by all Connection fields */
	for (uint16_t i = 0; i < h->n; i++) {
		if ((read >> h->fields[i].id & 1) == 0)
			continue;
		enum h1_result r = read_field(h, base, &h->fields[i], &names);
		if (r != H1_DONE)
			return r;
	}
	/* RFC 9110 §7.8: an Upgrade in HTTP/1.0 is ignored. */
	if (!http_has(h, FIELD_UPGRADE) || h->minor == 0)
		h->flags &= (uint16_t)~HTTP_CONN_UPGRADE;
	return H1_DONE;
}

/* What the Transfer-Encoding fields list, all lines as one list. */
struct codings {
	unsigned n;	   /* codings seen */
	bool chunked;	   /* the last one is chunked */
	const char *wrong; /* malformed: why */
};

static void read_coding(struct codings *c, struct str item)
{
	struct str name;
	bool is_bare = memchr(item.p, ';', item.n) == NULL;
	(void)str_split(&item, ';', &name); /* an item always has a first part */
	name = str_trim(name);
	bool is_chunked = str_eq_nocase(name, STR("chunked"));
	if (!h1_is_token(name) || (is_chunked && !is_bare))
		c->wrong = malformed_coding;
	else if (str_eq_nocase(name, STR("identity")))
		c->wrong = "transfer coding identity";
	else if (c->chunked)
		c->wrong = is_chunked ? "chunked applied twice" : "chunked is not the last coding";
	c->chunked = is_chunked;
	c->n++;
}

static struct codings read_codings(const struct http_head *h, const char *base)
{
	struct codings c = { 0, false, NULL };
	for (uint16_t i = 0; i < h->n; i++) {
		if (h->fields[i].id != FIELD_TRANSFER_ENCODING)
			continue;
		struct str item, list = http_field_value(base, &h->fields[i]);
		while (c.wrong == NULL && scan_list(&list, &item))
			read_coding(&c, item);
	}
	return c;
}

/* FRAMING_CHUNKED if Transfer-Encoding is there and all right; without one the framing stays. */
static enum h1_result read_transfer_encoding(struct http_head *h, const char *base)
{
	if (!http_has(h, FIELD_TRANSFER_ENCODING))
		return H1_DONE;
	if (http_has(h, FIELD_CONTENT_LENGTH))
		return refuse(h, 400, "Content-Length with Transfer-Encoding");
	if (h->minor == 0)
		return refuse(h, 400, "Transfer-Encoding in HTTP/1.0");
	struct codings c = read_codings(h, base);
	if (c.wrong != NULL)
		return refuse(h, 400, c.wrong);
	if (c.n != 1 || !c.chunked)
		return refuse(h, 501, unknown_coding);
	h->framing = FRAMING_CHUNKED;
	return H1_DONE;
}

enum h1_result h1_framing_read_body(struct http_head *h, const char *base)
{
	h->framing = h->is_response ? FRAMING_UNTIL_CLOSE : FRAMING_NONE;
	if ((h->flags & HTTP_HAS_LENGTH) != 0)
		h->framing = h->length > 0 ? FRAMING_LENGTH : FRAMING_NONE;
	return read_transfer_encoding(h, base);
}

bool h1_response_framing(struct http_head *h, uint8_t request_method_id)
{
	bool is_bodiless = h->status < 200 || h->status == 204 || h->status == 304;
	bool announces = http_has(h, FIELD_TRANSFER_ENCODING) ||
			 ((h->flags & HTTP_HAS_LENGTH) != 0 && h->length > 0);
	if (is_bodiless && announces && h->status < 200)
		return refuse(h, 502, "a 1xx answer that announces a body") == H1_DONE;
	if (is_bodiless && announces && request_method_id != METHOD_HEAD)
		h->flags |= HTTP_STRAY_BODY;
	if (is_bodiless || request_method_id == METHOD_HEAD)
		h->framing = FRAMING_NONE;
	return true;
}

uint32_t h1_keep_alive_ms(const struct http_head *h, const char *base)
{
	const struct http_field *f = http_find(h, FIELD_KEEP_ALIVE);
	struct str list = f != NULL ? http_field_value(base, f) : STR(""), item, name;
	uint64_t seconds;
	while (scan_list(&list, &item)) {
		if (str_split(&item, '=', &name) && str_eq_nocase(str_trim(name), STR("timeout")) &&
		    num_parse_u64(str_trim(item), UINT32_MAX / 1000, &seconds))
			return (uint32_t)seconds * 1000;
	}
	return UINT32_MAX;
}

bool h1_keeps_alive(const struct http_head *h)
{
	if ((h->flags & (HTTP_CONN_CLOSE | HTTP_STRAY_BODY)) != 0 ||
	    h->framing == FRAMING_UNTIL_CLOSE)
		return false;
	return h->minor == 1 || (h->flags & HTTP_CONN_KEEP_ALIVE) != 0;
}

#include "http/h2_fields.h"

#include "base/dice.h"
#include "http/field_id.h"
#include "http/h1_framing.h"
#include "http/h1_line.h"
#include "http/refuse.h"
#include "http/scan.h"
#include "http/target.h"

enum pseudo {
	PSEUDO_METHOD = 1,
	PSEUDO_SCHEME = 2,
	PSEUDO_AUTHORITY = 4,
	PSEUDO_PATH = 8,
	PSEUDO_PROTOCOL = 16,
	PSEUDO_STATUS = 32,
	PSEUDO_UNKNOWN = 0,
};

enum {
	FIELD_OVERHEAD = 32, /* RFC 9113 §6.5.2: of each field, beside name and value */
	LINE_ROOM = 4,	     /* ": " and CRLF */
	END_ROOM = 16,	     /* "host: " and the ends of two lines */
	SWITCH_ROOM = 80,    /* what an extended CONNECT has beside its protocol */
	KEY_CHARS = 24,	     /* of 16 bytes in base64 */
	METHOD_MAX = 32,
};

void h2_fields_begin(struct h2_fields *f, enum h2_block block, struct http_head *head,
		     struct buf *to)
{
	*f = (struct h2_fields){
		.head = head,
		.to = to,
		.block = (uint8_t)block,
		.is_past = block == H2_TRAILERS,
		.priority = { .urgency = 3 },
	};
	head->minor = HTTP_2;
}

size_t h2_fields_room(const struct h2_fields *f, struct str name, struct str value)
{
	size_t again = f->authority.n; /* it is written once more, as a line */
	if (f->authority.n == 0 && str_eq(name, STR(":authority")))
		again = value.n;
	if (f->protocol.n > 0 || str_eq(name, STR(":protocol")))
		again += f->protocol.n + value.n + SWITCH_ROOM;
	return name.n + value.n + again + LINE_ROOM + END_ROOM;
}

static bool is_refused(const struct h2_fields *f)
{
	return f->block != H2_TRAILERS && f->head->refusal.status != 0;
}

static bool is_over(const struct h2_fields *f)
{
	return f->fault != NULL || is_refused(f);
}

static void malformed(struct h2_fields *f, const char *why)
{
	if (f->fault == NULL)
		f->fault = why;
}

void h2_fields_refuse(struct h2_fields *f, uint16_t status, const char *reason)
{
	if (f->block == H2_TRAILERS)
		malformed(f, reason);
	else if (!is_over(f))
		(void)refuse(f->head, status, reason);
}

/* ---- writing ---- */

static uint32_t at(const struct h2_fields *f)
{
	return (uint32_t)buf_len(f->to);
}

static void put(struct h2_fields *f, struct str s)
{
	if (s.p != NULL && s.n > 0)
		memcpy(buf_tail(f->to), s.p, s.n);
	buf_added(f->to, s.n);
}

static struct http_span put_span(struct h2_fields *f, struct str s)
{
	struct http_span span = { at(f), (uint32_t)s.n };
	put(f, s);
	return span;
}

/* Notes a line that is written already, from `line` on. */
static void note_line(struct h2_fields *f, uint32_t line, struct str name, size_t value_n,
		      enum field_id id)
{
	struct http_head *h = f->head;
	h->fields[h->n++] = (struct http_field){
		.line = line,
		.value = line + (uint32_t)name.n + 2,
		.value_n = (uint32_t)value_n,
		.name_n = (uint16_t)name.n,
		.id = (uint8_t)id,
	};
	h->present |= (field_mask)1 << id;
}

static void put_line(struct h2_fields *f, struct str name, struct str value)
{
	put(f, name);
	put(f, STR(": "));
	put(f, value);
	put(f, STR("\r\n"));
}

/* ---- pseudo-fields ---- */

static enum pseudo pseudo_of(struct str name)
{
	static const struct {
		struct str name;
		enum pseudo pseudo;
	} rows[] = {
		{ STR_INIT(":method"), PSEUDO_METHOD },
		{ STR_INIT(":path"), PSEUDO_PATH },
		{ STR_INIT(":scheme"), PSEUDO_SCHEME },
		{ STR_INIT(":authority"), PSEUDO_AUTHORITY },
		{ STR_INIT(":protocol"), PSEUDO_PROTOCOL },
		{ STR_INIT(":status"), PSEUDO_STATUS },
	};
	for (size_t i = 0; i < countof(rows); i++) {
		if (str_eq(name, rows[i].name))
			return rows[i].pseudo;
	}
	return PSEUDO_UNKNOWN;
}

static bool is_value(struct str value)
{
	if (value.n == 0)
		return true;
	char first = value.p[0], last = value.p[value.n - 1];
	return scan_value(value.p, value.p + value.n) == value.p + value.n && first != ' ' &&
	       first != '\t' && last != ' ' && last != '\t';
}

static void take_method(struct h2_fields *f, struct str value)
{
	struct http_head *h = f->head;
	if (value.n == 0 || scan_while(value.p, value.p + value.n, SCAN_TOKEN) != value.p + value.n)
		malformed(f, "malformed :method");
	else if (value.n > METHOD_MAX)
		h2_fields_refuse(f, 400, "method too long");
	h->method = put_span(f, value);
	h->method_id = h1_line_method_id(value);
}

static bool is_scheme(struct str s)
{
	return str_eq_nocase(s, STR("http")) || str_eq_nocase(s, STR("https"));
}

/* No blank gets into the line that an HTTP/1 backend reads. */
static void take_path(struct h2_fields *f, struct str value)
{
	struct http_head *h = f->head;
	struct scan_marks marks;
	if (value.n == 0) {
		malformed(f, "empty :path");
		return;
	}
	const char *end = value.p + value.n, *p = scan_target(value.p, end, &marks);
	if (value.n > h->limits->uri_bytes)
		h2_fields_refuse(f, 414, "URI too long");
	else if (p < end && (*p == ' ' || !scan_is(*p, SCAN_VALUE)))
		malformed(f, "invalid character in :path");
	else if (p < end)
		h2_fields_refuse(f, 400,
				 marks.bad_percent ? "malformed percent-encoding in target"
				 : *p == '#'	   ? "fragment in target"
						   : "invalid character in target");
	h->target = put_span(f, value);
	h->has_query = marks.question != NULL;
	if (h->has_query) {
		uint32_t query = h->target.at + (uint32_t)(marks.question - value.p) + 1;
		h->query = (struct http_span){ query, h->target.at + h->target.n - query };
	}
}

static bool parse_status(struct str value, uint16_t *status)
{
	if (value.n != 3)
		return false;
	*status = 0;
	for (size_t i = 0; i < 3; i++) {
		if (!scan_is(value.p[i], SCAN_DIGIT))
			return false;
		*status = (uint16_t)(*status * 10 + (value.p[i] - '0'));
	}
	return *status >= 100;
}

static void take_status(struct h2_fields *f, struct str value)
{
	if (!parse_status(value, &f->head->status))
		malformed(f, "malformed :status");
	put(f, STR("HTTP/2 "));
	(void)put_span(f, value);
}

static void take_pseudo(struct h2_fields *f, enum pseudo pseudo, struct str value)
{
	const uint8_t of_block = f->block == H2_ANSWER ? PSEUDO_STATUS : 0x1f;
	if (pseudo == PSEUDO_UNKNOWN || (of_block & pseudo) == 0)
		malformed(f, "unknown pseudo-field");
	else if (f->is_past)
		malformed(f, "pseudo-field after other fields");
	else if ((f->pseudo & pseudo) != 0)
		malformed(f, "repeated pseudo-field");
	else if (!is_value(value))
		malformed(f, "invalid character in a pseudo-field");
	if (f->fault != NULL)
		return;
	f->pseudo |= (uint8_t)pseudo;
	if (pseudo == PSEUDO_METHOD)
		take_method(f, value);
	else if (pseudo == PSEUDO_PATH)
		take_path(f, value);
	else if (pseudo == PSEUDO_STATUS)
		take_status(f, value);
	else if (pseudo == PSEUDO_SCHEME)
		f->scheme = put_span(f, value);
	else if (pseudo == PSEUDO_AUTHORITY)
		f->authority = put_span(f, value);
	else
		f->protocol = put_span(f, value);
	if (f->block == H2_REQUEST)
		put(f, STR(" "));
}

/* ---- the end of the pseudo-fields ---- */

/* RFC 9113 §8.3.1 and §8.5, RFC 8441 §4: which of them a request must have. */
static const char *missing_pseudo(const struct h2_fields *f)
{
	const uint8_t target = PSEUDO_SCHEME | PSEUDO_PATH;
	if ((f->pseudo & PSEUDO_METHOD) == 0)
		return "no :method";
	if ((f->pseudo & PSEUDO_PROTOCOL) != 0)
		return f->head->method_id != METHOD_CONNECT  ? ":protocol without CONNECT"
		       : (f->pseudo & target) != target	     ? ":protocol without a target"
		       : (f->pseudo & PSEUDO_AUTHORITY) == 0 ? ":protocol without :authority"
		       : f->protocol.n == 0		     ? "empty :protocol"
							     : NULL;
	if (f->head->method_id == METHOD_CONNECT)
		return (f->pseudo & target) != 0	     ? "CONNECT with a target"
		       : (f->pseudo & PSEUDO_AUTHORITY) == 0 ? "CONNECT without :authority"
							     : NULL;
	if ((f->pseudo & PSEUDO_SCHEME) == 0)
		return "no :scheme";
	return (f->pseudo & PSEUDO_PATH) == 0 ? "no :path" : NULL;
}

/* Path and form of the target. */
static void end_target(struct h2_fields *f)
{
	struct http_head *h = f->head;
	const char *base = buf_head(f->to);
	if (h->method_id == METHOD_CONNECT && f->protocol.n == 0) {
		h->form = TARGET_AUTHORITY;
		h->target = f->authority;
		return;
	}
	bool is_asterisk = h->target.n == 1 && base[h->target.at] == '*';
	if (!is_scheme(http_str(base, f->scheme)))
		h2_fields_refuse(f, 400, "unknown scheme");
	else if (is_asterisk && h->method_id != METHOD_OPTIONS)
		malformed(f, ":path * without OPTIONS");
	else if (!is_asterisk && base[h->target.at] != '/')
		malformed(f, ":path without a slash");
	uint32_t end = h->has_query ? h->query.at - 1 : h->target.at + h->target.n;
	h->path = (struct http_span){ h->target.at, end - h->target.at };
	h->form = is_asterisk ? TARGET_ASTERISK : TARGET_ORIGIN;
}

static void put_field(struct h2_fields *f, struct str name, struct str value, enum field_id id)
{
	uint32_t line = at(f);
	if (f->head->n == f->head->limits->headers) {
		h2_fields_refuse(f, 431, "too many fields");
		return;
	}
	put_line(f, name, value);
	note_line(f, line, name, value.n, id);
}

/* :authority takes the place of Host (RFC 9113 §8.3.1). */
static void put_authority(struct h2_fields *f)
{
	struct http_head *h = f->head;
	struct str authority = http_str(buf_head(f->to), f->authority);
	if ((f->pseudo & PSEUDO_AUTHORITY) == 0)
		return;
	if (!authority_is_valid(authority)) {
		h2_fields_refuse(f, 400, "invalid :authority");
		return;
	}
	put_field(f, STR("host"), authority, FIELD_HOST);
	if (is_over(f))
		return;
	h->host = (struct http_span){ h->fields[0].value, h->fields[0].value_n };
}

/* RFC 6455 §4.1: a nonce; what the server makes of it is nobody's business here. */
static void put_key(struct h2_fields *f)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char key[KEY_CHARS];
	for (size_t i = 0; i < KEY_CHARS - 3; i++)
		key[i] = alphabet[(dice_bits() >> 20) % 64];
	memcpy(key + KEY_CHARS - 3, "A==", 3);
	put_field(f, STR("sec-websocket-key"), (struct str){ key, sizeof(key) }, FIELD_OTHER);
}

/* RFC 8441 §5: what is asked for is what HTTP/1.1 asks for with GET and Upgrade. */
static void put_switch(struct h2_fields *f)
{
	struct http_head *h = f->head;
	struct str protocol = http_str(buf_head(f->to), f->protocol);
	const char *end = protocol.p + protocol.n;
	if (scan_while(protocol.p, end, SCAN_TOKEN) != end || str_eq_nocase(protocol, STR("h2c"))) {
		malformed(f, "invalid :protocol");
		return;
	}
	put_field(f, STR("upgrade"), protocol, FIELD_UPGRADE);
	if (str_eq_nocase(protocol, STR("websocket")) && !is_over(f))
		put_key(f);
	h->flags |= HTTP_CONN_UPGRADE;
}

static void end_pseudo(struct h2_fields *f)
{
	f->is_past = true;
	if (f->block == H2_ANSWER) {
		if ((f->pseudo & PSEUDO_STATUS) == 0)
			malformed(f, "no :status");
		put(f, STR(" \r\n"));
		f->head->fields_at = at(f);
		return;
	}
	const char *missing = missing_pseudo(f);
	if (missing != NULL) {
		malformed(f, missing);
		return;
	}
	end_target(f);
	if (f->protocol.n > 0) {
		f->head->method = put_span(f, STR("GET"));
		f->head->method_id = METHOD_GET;
	}
	put(f, STR("\r\n"));
	f->head->fields_at = at(f);
	if (!is_over(f))
		put_authority(f);
	if (!is_over(f) && f->protocol.n > 0)
		put_switch(f);
}

/* ---- other fields ---- */

/* RFC 9113 §8.2.1; '_' is looked at where it matters. */
static bool is_name(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		if (!scan_is(name.p[i], SCAN_TOKEN) || (name.p[i] >= 'A' && name.p[i] <= 'Z'))
			return false;
	}
	return name.n > 0 && name.n <= UINT16_MAX;
}

static const char *connection_fault(enum field_id id, struct str value)
{
	switch (id) {
	case FIELD_CONNECTION:
	case FIELD_KEEP_ALIVE:
	case FIELD_PROXY_CONNECTION:
	case FIELD_TRANSFER_ENCODING:
	case FIELD_UPGRADE:
		return "a field of an HTTP/1 connection";
	case FIELD_TE:
		return str_eq_nocase(value, STR("trailers")) ? NULL : "te without trailers";
	default:
		return NULL;
	}
}

static void take_length(struct h2_fields *f, struct str value)
{
	struct http_head *h = f->head;
	if (http_has(h, FIELD_CONTENT_LENGTH))
		malformed(f, "repeated content-length");
	else if (!h1_framing_parse_length(value, &h->length))
		malformed(f, "invalid content-length");
	h->flags |= HTTP_HAS_LENGTH;
}

/* false: the line is not written, it says what :authority said. */
static bool take_host(struct h2_fields *f, struct str value)
{
	struct http_head *h = f->head;
	if (h->is_response)
		return true;
	if (!authority_is_valid(value)) {
		h2_fields_refuse(f, 400, "invalid Host");
		return false;
	}
	if (!http_has(h, FIELD_HOST))
		return true;
	if (!str_eq_nocase(value, http_field_value(buf_head(f->to), http_find(h, FIELD_HOST))))
		malformed(f, "host disagrees with :authority");
	return false;
}

/* RFC 9113 §8.2.3: crumbs of a Cookie field are one field again, wherever they stand. */
static void add_crumb(struct h2_fields *f, struct str crumb)
{
	struct http_head *h = f->head;
	struct http_field *line = &h->fields[f->cookie - 1];
	char *base = buf_head(f->to);
	size_t n = crumb.n + 2, end = line->value + line->value_n;
	memmove(base + end + n, base + end, at(f) - end);
	memcpy(base + end, "; ", 2);
	if (crumb.n > 0)
		memcpy(base + end + 2, crumb.p, crumb.n);
	buf_added(f->to, n);
	line->value_n += (uint32_t)n;
	for (uint16_t i = f->cookie; i < h->n; i++) {
		h->fields[i].line += (uint32_t)n;
		h->fields[i].value += (uint32_t)n;
	}
	if (h->host.at > end)
		h->host.at += (uint32_t)n;
}

static void add_line(struct h2_fields *f, struct str name, struct str value, enum field_id id)
{
	struct http_head *h = f->head;
	if (h->n == h->limits->headers) {
		h2_fields_refuse(f, 431, "too many fields");
		return;
	}
	uint32_t line = at(f);
	put_line(f, name, value);
	note_line(f, line, name, value.n, id);
	if (id == FIELD_HOST && !h->is_response)
		h->host = (struct http_span){ h->fields[h->n - 1].value, (uint32_t)value.n };
	if (id == FIELD_COOKIE)
		f->cookie = h->n;
}

static void add_known(struct h2_fields *f, enum field_id id, struct str name, struct str value)
{
	const char *fault = connection_fault(id, value);
	if (fault != NULL)
		malformed(f, fault);
	if (id == FIELD_CONTENT_LENGTH)
		take_length(f, value);
	if (is_over(f) || (id == FIELD_HOST && !take_host(f, value)))
		return;
	if (id == FIELD_COOKIE && f->cookie != 0 && !f->head->is_response)
		add_crumb(f, value);
	else
		add_line(f, name, value, id);
}

static void add_trailer(struct h2_fields *f, struct str name, struct str value)
{
	const char *fault = connection_fault(field_id_of(name), value);
	if (fault != NULL)
		malformed(f, fault);
	else if (field_may_trail(name))
		put_line(f, name, value);
}

static void add_regular(struct h2_fields *f, struct str name, struct str value)
{
	if (!is_name(name))
		malformed(f, "invalid field name");
	else if (!is_value(value))
		malformed(f, "invalid field value");
	if (f->fault != NULL)
		return;
	if (f->block == H2_TRAILERS) {
		add_trailer(f, name, value);
		return;
	}
	enum field_id id = field_id_of(name);
	if (id != FIELD_OTHER) {
		add_known(f, id, name, value);
		return;
	}
	if (!f->head->is_response && memchr(name.p, '_', name.n) != NULL && field_is_alias(name)) {
		h2_fields_refuse(f, 400, "underscore alias of a guarded field");
		return;
	}
	if (f->protocol.n > 0 && str_eq(name, STR("sec-websocket-key")))
		return; /* it has one already */
	if (f->block == H2_REQUEST && str_eq(name, STR("priority")))
		h2_priority_read(&f->priority, value);
	add_line(f, name, value, id);
}

/* The same limit as for the bytes of an HTTP/1 head; what HPACK's count adds to them is left out. */
static bool is_too_large(const struct h2_fields *f)
{
	return f->came - (uint64_t)FIELD_OVERHEAD * f->came_n + (uint64_t)LINE_ROOM * f->came_n >
	       f->head->limits->header_bytes;
}

void h2_fields_add(struct h2_fields *f, struct str name, struct str value)
{
	f->came_n++;
	f->came += name.n + value.n + FIELD_OVERHEAD;
	if (is_over(f))
		return;
	if (is_too_large(f)) {
		h2_fields_refuse(f, 431, "header too large");
		return;
	}
	if (name.n > 0 && name.p[0] == ':') {
		take_pseudo(f, pseudo_of(name), value);
		return;
	}
	if (unlikely(!f->is_past))
		end_pseudo(f);
	if (!is_over(f))
		add_regular(f, name, value);
}

/* ---- the end ---- */

static void end_framing(struct h2_fields *f, bool is_last)
{
	struct http_head *h = f->head;
	bool has_length = (h->flags & HTTP_HAS_LENGTH) != 0;
	if (h->is_response) {
		h->framing = has_length ? FRAMING_LENGTH : FRAMING_UNTIL_CLOSE;
		return;
	}
	if (is_last && has_length && h->length > 0)
		malformed(f, "content-length without a body");
	if (f->protocol.n > 0) { /* what follows is no body */
		h->framing = FRAMING_NONE;
		return;
	}
	h->framing = is_last ? FRAMING_NONE : has_length ? FRAMING_LENGTH : FRAMING_UNTIL_CLOSE;
}

static void end_head(struct h2_fields *f, bool is_last)
{
	struct http_head *h = f->head;
	end_framing(f, is_last);
	if (is_over(f))
		return;
	if (!h->is_response && h->form != TARGET_AUTHORITY && !http_has(h, FIELD_HOST)) {
		h2_fields_refuse(f, 400, "missing Host");
		return;
	}
	put(f, STR("\r\n"));
	h->bytes = h->at = at(f);
	if (h1_framing_read_connection(h, buf_head(f->to)) == H1_DONE)
		h->phase = PHASE_DONE;
}

enum h2_fields_result h2_fields_end(struct h2_fields *f, bool is_last)
{
	if (!is_over(f) && !f->is_past)
		end_pseudo(f);
	if (!is_over(f) && f->block == H2_TRAILERS && !is_last)
		malformed(f, "trailers that do not end the stream");
	if (!is_over(f) && f->block != H2_TRAILERS)
		end_head(f, is_last);
	if (f->fault != NULL)
		return H2_FIELDS_MALFORMED;
	return is_refused(f) ? H2_FIELDS_REFUSED : H2_FIELDS_WHOLE;
}

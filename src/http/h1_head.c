#include "http/h1_head.h"

#include "http/field_id.h"
#include "http/h1_framing.h"
#include "http/h1_line.h"
#include "http/refuse.h"
#include "http/scan.h"
#include "http/target.h"

void h1_head_init(struct http_head *h, bool is_response, struct http_field *fields,
		  const struct http_limits *limits)
{
	*h = (struct http_head){ .limits = limits, .fields = fields, .is_response = is_response };
}

size_t h1_skip_empty_line(const char *base, size_t n)
{
	return n >= 2 && base[0] == '\r' && base[1] == '\n' ? 2 : 0;
}

/* Goes over a field name to its colon; *p is left there. */
static enum h1_result parse_field_name(struct http_head *h, const char **p, const char *end)
{
	const char *name = *p;
	bool underscore = false;
	const char *at = scan_while(name, end, SCAN_NAME);
	while (at < end && *at == '_') {
		underscore = true;
		at = scan_while(at, end, SCAN_TOKEN);
	}
	*p = at;
	if (at - name > UINT16_MAX)
		return refuse(h, 431, "field name too long");
	if (at == end)
		return H1_MORE;
	if (at == name && (*at == ' ' || *at == '\t'))
		return refuse(h, 400,
			      h->n > 0 ? "folded field line" : "blank before the first field");
	if (*at == ' ' || *at == '\t')
		return refuse(h, 400, "blank before the colon");
	if (*at != ':' || at == name)
		return refuse(h, 400, refuse_byte(*at, "invalid field name"));
	if (underscore && !h->is_response &&
	    field_is_alias((struct str){ name, (size_t)(at - name) }))
		return refuse(h, 400, "underscore alias of a guarded field");
	return H1_DONE;
}

/* Goes over a field value and its CRLF; *value is trimmed. */
static enum h1_result parse_field_value(struct http_head *h, const char **p, const char *end,
					struct str *value)
{
	const char *start = *p;
	while (start < end && (*start == ' ' || *start == '\t'))
		start++;
	const char *at = scan_value(start, end);
	if (at == end)
		return H1_MORE;
	if (*at != '\r')
		return refuse(h, 400, refuse_byte(*at, "control character in field value"));
	if (end - at < 2)
		return H1_MORE;
	if (at[1] != '\n')
		return refuse(h, 400, "bare CR in header");
	*p = at + 2;
	while (at > start && (at[-1] == ' ' || at[-1] == '\t'))
		at--;
	*value = (struct str){ start, (size_t)(at - start) };
	return H1_DONE;
}

/* Notes a known field. Some must not be there twice, and the value of one is needed as a number. */
static enum h1_result note_known(struct http_head *h, enum field_id id, struct str value)
{
	bool again = http_has(h, id);
	h->present |= (field_mask)1 << id;
	if (id == FIELD_HOST && again && !h->is_response)
		return refuse(h, 400, "repeated Host");
	if (id != FIELD_CONTENT_LENGTH)
		return H1_DONE;
	if (again)
		return refuse(h, 400, "repeated Content-Length");
	if (!h1_framing_parse_length(value, &h->length))
		return refuse(h, 400, "invalid Content-Length");
	h->flags |= HTTP_HAS_LENGTH;
	return H1_DONE;
}

/* One field line, from h->at on. */
static enum h1_result parse_field(struct http_head *h, const char *base, const char *end)
{
	const char *line = base + h->at, *p = line;
	if (unlikely(h->n == h->limits->headers))
		return refuse(h, 431, "too many fields");
	enum h1_result r = parse_field_name(h, &p, end);
	if (r != H1_DONE)
		return r;
	struct str value, name = { line, (size_t)(p - line) };
	p++;
	r = parse_field_value(h, &p, end, &value);
	if (r != H1_DONE)
		return r;
	enum field_id id = field_id_of(name);
	h->fields[h->n++] = (struct http_field){
		.line = h->at,
		.value = (uint32_t)(value.p - base),
		.value_n = (uint32_t)value.n,
		.name_n = (uint16_t)name.n,
		.id = (uint8_t)id,
	};
	h->at = (uint32_t)(p - base);
	return id == FIELD_OTHER ? H1_DONE : note_known(h, id, value);
}

/* All fields are there: the checks that need the whole head. */
static enum h1_result finish_head(struct http_head *h, const char *base)
{
	enum h1_result r = H1_DONE;
	if (!h->is_response)
		r = target_check_host(h, base);
	if (r == H1_DONE)
		r = h1_framing_read_body(h, base);
	if (r == H1_DONE)
		r = h1_framing_read_connection(h, base);
	if (r == H1_DONE)
		h->phase = PHASE_DONE;
	return r;
}

/* At a CR where a field name might have begun. */
static enum h1_result parse_blank_line(struct http_head *h, const char *base, const char *end)
{
	if (end - (base + h->at) < 2)
		return H1_MORE;
	if (base[h->at + 1] != '\n')
		return refuse(h, 400, "bare CR in header");
	h->at += 2;
	h->bytes = h->at;
	return finish_head(h, base);
}

static enum h1_result parse_fields(struct http_head *h, const char *base, const char *end)
{
	for (;;) {
		if (base + h->at == end)
			return H1_MORE;
		if (base[h->at] == '\r')
			return parse_blank_line(h, base, end);
		enum h1_result r = parse_field(h, base, end);
		if (r != H1_DONE)
			return r;
	}
}

static enum h1_result parse_start_line(struct http_head *h, const char *base, const char *end)
{
	if (h->is_response)
		return h1_line_parse_status(h, base, end);
	enum h1_result r = h1_line_parse_request(h, base, end);
	return r == H1_DONE ? target_parse(h, base) : r;
}

static enum h1_result refuse_size(struct http_head *h)
{
	if (h->phase == PHASE_START_LINE)
		return refuse(h, 414,
			      h->is_response ? "status line too long" : "request line too long");
	return refuse(h, 431, "header too large");
}

enum h1_result h1_head_parse(struct http_head *h, const char *base, size_t n)
{
	if (h->phase >= PHASE_DONE)
		return h->phase == PHASE_DONE ? H1_DONE : H1_BAD;
	/* Bytes after the limit are not looked at, so that one piece and many are judged alike. */
	bool is_full = n >= h->limits->header_bytes;
	const char *end = base + (is_full ? h->limits->header_bytes : n);
	enum h1_result r = H1_DONE;
	if (h->phase == PHASE_START_LINE) {
		r = parse_start_line(h, base, end);
		if (r == H1_DONE) {
			h->phase = PHASE_FIELDS;
			h->fields_at = h->at;
		}
	}
	if (r == H1_DONE)
		r = parse_fields(h, base, end);
	return r == H1_MORE && is_full ? refuse_size(h) : r;
}

struct str h1_path(const struct http_head *h, const char *base)
{
	if (h->path.n > 0)
		return http_str(base, h->path);
	return h->form == TARGET_ASTERISK ? STR("*") : STR("/");
}

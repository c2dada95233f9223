#include "http/h1_line.h"

#include "http/refuse.h"
#include "http/scan.h"

/* Longer than any registered method, short enough to know garbage early. */
enum { METHOD_MAX = 32 };

uint8_t h1_line_method_id(struct str m)
{
	switch (m.n) {
	case 3:
		if (memcmp(m.p, "GET", 3) == 0)
			return METHOD_GET;
		return memcmp(m.p, "PUT", 3) == 0 ? METHOD_PUT : METHOD_OTHER;
	case 4:
		if (memcmp(m.p, "POST", 4) == 0)
			return METHOD_POST;
		return memcmp(m.p, "HEAD", 4) == 0 ? METHOD_HEAD : METHOD_OTHER;
	case 5:
		if (memcmp(m.p, "PATCH", 5) == 0)
			return METHOD_PATCH;
		return memcmp(m.p, "TRACE", 5) == 0 ? METHOD_TRACE : METHOD_OTHER;
	case 6:
		return memcmp(m.p, "DELETE", 6) == 0 ? METHOD_DELETE : METHOD_OTHER;
	case 7:
		if (memcmp(m.p, "OPTIONS", 7) == 0)
			return METHOD_OPTIONS;
		return memcmp(m.p, "CONNECT", 7) == 0 ? METHOD_CONNECT : METHOD_OTHER;
	default:
		return METHOD_OTHER;
	}
}

/* One byte of a line that must be there: CR, LF, or a blank. */
static enum h1_result expect_byte(struct http_head *h, const char **p, const char *end, char c,
				  const char *reason)
{
	if (*p == end)
		return H1_MORE;
	if (**p != c)
		return refuse(h, 400, refuse_byte(**p, reason));
	++*p;
	return H1_DONE;
}

static enum h1_result expect_line_end(struct http_head *h, const char **p, const char *end,
				      const char *reason)
{
	enum h1_result r = expect_byte(h, p, end, '\r', reason);
	if (r != H1_DONE)
		return r;
	if (*p == end)
		return H1_MORE;
	if (**p != '\n')
		return refuse(h, 400, "bare CR");
	++*p;
	return H1_DONE;
}

/*
 * Servers of HTTP/2 begin with SETTINGS (RFC 9113 §3.4), of less than 64 KiB: with a NUL. i: how many
 * bytes of the version came before p.
 */
static const char *bad_version_reason(const struct http_head *h, const char *p, int i)
{
	if (h->is_response && i == 0 && *p == 0)
		return "the backend answers in HTTP/2: set http2 = true in its pool";
	return refuse_byte(*p, "malformed HTTP version");
}

/* "HTTP/1.1" into *major and h->minor; refuses at the first byte that is none of it. */
static enum h1_result parse_version(struct http_head *h, const char **p, const char *end,
				    char *major)
{
	static const char form[8] = "HTTP/0.0"; /* 0: any digit */
	if (likely(end - *p >= 8 && memcmp(*p, "HTTP/1.1", 8) == 0)) {
		*p += 8;
		*major = '1';
		h->minor = 1;
		return H1_DONE;
	}
	for (int i = 0; i < 8; i++, ++*p) {
		if (*p == end)
			return H1_MORE;
		bool fits = form[i] == '0' ? scan_is(**p, SCAN_DIGIT) : **p == form[i];
		if (!fits)
			return refuse(h, 400, bad_version_reason(h, *p, i));
	}
	*major = (*p)[-3];
	h->minor = (uint8_t)((*p)[-1] - '0');
	return H1_DONE;
}

static enum h1_result check_version(struct http_head *h, char major)
{
	if (major != '1' || h->minor > 1)
		return refuse(h, 505, "unsupported HTTP version");
	return H1_DONE;
}

/* RFC 8446 §5.1: a record of a handshake begins with 22. */
static const char *bad_method_reason(const char *base, const char *p)
{
	return p == base && *p == 22 ? "TLS on an address in the clear" : "malformed method";
}

static enum h1_result parse_method(struct http_head *h, const char *base, const char **p,
				   const char *end)
{
	*p = scan_while(base, end, SCAN_TOKEN);
	if (*p - base > METHOD_MAX)
		return refuse(h, 400, "method too long");
	if (*p == end)
		return H1_MORE;
	/* A lone CR may be the start of an empty line, which the caller then skips. */
	if (*p == base && **p == '\r' && end - base == 1)
		return H1_MORE;
	if (**p != ' ' || *p == base)
		return refuse(h, 400, bad_method_reason(base, *p));
	h->method = (struct http_span){ 0, (uint32_t)(*p - base) };
	h->method_id = h1_line_method_id(http_str(base, h->method));
	++*p;
	return H1_DONE;
}

static const char *bad_target_reason(char c, bool bad_percent)
{
	if (bad_percent)
		return "malformed percent-encoding in target";
	if (c == '\r' || c == '\n')
		return "no HTTP version";
	if (c == '#')
		return "fragment in target";
	return refuse_byte(c, "invalid character in target");
}

static enum h1_result parse_target(struct http_head *h, const char *base, const char **p,
				   const char *end)
{
	struct scan_marks marks;
	const char *start = *p;
	*p = scan_target(start, end, &marks);
	if (*p - start > (ptrdiff_t)h->limits->uri_bytes)
		return refuse(h, 414, "URI too long");
	if (*p == end)
		return H1_MORE;
	if (marks.bad_percent || **p != ' ')
		return refuse(h, 400, bad_target_reason(**p, marks.bad_percent));
	if (*p == start)
		return refuse(h, 400, "more than one space in request line");
	h->target = (struct http_span){ (uint32_t)(start - base), (uint32_t)(*p - start) };
	h->has_query = marks.question != NULL;
	if (h->has_query) {
		uint32_t at = (uint32_t)(marks.question - base) + 1;
		h->query = (struct http_span){ at, (uint32_t)(*p - base) - at };
	}
	++*p;
	return H1_DONE;
}

/* The usual end of a request line, known by one look. */
static bool is_usual_version(const char *p, const char *end)
{
	return end - p >= 10 && memcmp(p, "HTTP/1.1\r\n", 10) == 0;
}

enum h1_result h1_line_parse_request(struct http_head *h, const char *base, const char *end)
{
	const char *p = base;
	char major = '1';
	enum h1_result r = parse_method(h, base, &p, end);
	if (r == H1_DONE)
		r = parse_target(h, base, &p, end);
	if (r != H1_DONE)
		return r;
	if (likely(is_usual_version(p, end))) {
		h->minor = 1;
		p += 10;
	} else {
		r = parse_version(h, &p, end, &major);
		if (r == H1_DONE)
			r = expect_line_end(h, &p, end, "malformed HTTP version");
		if (r == H1_DONE)
			r = check_version(h, major);
	}
	if (r == H1_DONE)
		h->at = (uint32_t)(p - base);
	return r;
}

static enum h1_result parse_status(struct http_head *h, const char **p, const char *end)
{
	h->status = 0;
	for (int i = 0; i < 3; i++, ++*p) {
		if (*p == end)
			return H1_MORE;
		if (!scan_is(**p, SCAN_DIGIT))
			return refuse(h, 502, refuse_byte(**p, "malformed status"));
		h->status = (uint16_t)(h->status * 10 + (**p - '0'));
	}
	if (h->status < 100)
		return refuse(h, 502, "status out of range");
	return H1_DONE;
}

/* " reason", or nothing at all. */
static enum h1_result parse_reason(struct http_head *h, const char *base, const char **p,
				   const char *end)
{
	if (*p == end)
		return H1_MORE;
	if (**p == '\r')
		return H1_DONE;
	if (**p != ' ')
		return refuse(h, 502, refuse_byte(**p, "malformed status"));
	const char *start = ++*p;
	*p = scan_value(start, end);
	h->reason = (struct http_span){ (uint32_t)(start - base), (uint32_t)(*p - start) };
	return *p == end ? H1_MORE : H1_DONE;
}

enum h1_result h1_line_parse_status(struct http_head *h, const char *base, const char *end)
{
	const char *p = base;
	char major = '1';
	enum h1_result r = parse_version(h, &p, end, &major);
	if (r == H1_DONE)
		r = check_version(h, major);
	if (r == H1_DONE)
		r = expect_byte(h, &p, end, ' ', "malformed HTTP version");
	if (r == H1_DONE)
		r = parse_status(h, &p, end);
	if (r == H1_DONE)
		r = parse_reason(h, base, &p, end);
	if (r == H1_DONE)
		r = expect_line_end(h, &p, end, "control character in reason");
	if (r == H1_DONE)
		h->at = (uint32_t)(p - base);
	return r;
}

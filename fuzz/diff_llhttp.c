/*
 * What neap accepts, llhttp in strict mode must accept, with the same parts and the same end. Built
 * with the C sources that Debian's node-llhttp brings, as a libFuzzer program or as a library for
 * spec/unit/http_llhttp_spec.lua, which lists the differences that are left and why:
 *
 *   clang -g -D_GNU_SOURCE -DLLHTTP_STRICT_MODE=1 -Isrc -I/usr/share/include/llhttp
 *     -fsanitize=fuzzer,address,undefined fuzz/diff_llhttp.c /usr/share/llhttp/{llhttp,api,http}.c
 *     src/http/{all}.c src/base/num.c
 */
#include <llhttp.h>

#include "fuzz.h"
#include "http/h1_body.h"
#include "http/h1_framing.h"

/* A message as either of the two reads it. */
struct reading {
	bool whole;    /* accepted, and its end was seen */
	bool left_out; /* one of the differences that the spec lists */
	unsigned method_or_status, minor;
	size_t fields, end;
	uint64_t payload;
	uint64_t hash; /* of target, names and values */
	const char *error;
};

/*
 * FNV-1a, which does not care how the bytes were cut; without blanks, as llhttp keeps trailing
 * ones.
 */
static void mix(uint64_t *hash, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != ' ' && p[i] != '\t')
			*hash = (*hash ^ (unsigned char)p[i]) * 1099511628211U;
	}
}

static struct reading *reading_of(llhttp_t *l)
{
	return l->data;
}

static int on_bytes(llhttp_t *l, const char *p, size_t n)
{
	mix(&reading_of(l)->hash, p, n);
	return 0;
}

static int on_field(llhttp_t *l)
{
	reading_of(l)->fields++;
	return 0;
}

static int on_body(llhttp_t *l, const char *p, size_t n)
{
	(void)p;
	reading_of(l)->payload += n;
	return 0;
}

/* Trailers are counted by llhttp like fields: what is compared is taken before the body. */
static int on_head(llhttp_t *l)
{
	struct reading *r = reading_of(l);
	r->minor = l->http_minor;
	r->method_or_status = l->type == HTTP_REQUEST ? l->method : l->status_code;
	llhttp_settings_t *s = l->settings;
	s->on_header_field = s->on_header_value = NULL;
	s->on_header_field_complete = NULL;
	return 0;
}

static int on_end(llhttp_t *l)
{
	reading_of(l)->whole = true;
	return HPE_PAUSED;
}

static struct reading read_by_llhttp(bool is_response, struct str in)
{
	struct reading r = { 0 };
	llhttp_settings_t s;
	llhttp_t l;
	llhttp_settings_init(&s);
	s.on_url = s.on_header_field = s.on_header_value = on_bytes;
	s.on_header_field_complete = on_field;
	s.on_headers_complete = on_head;
	s.on_body = on_body;
	s.on_message_complete = on_end;
	llhttp_init(&l, is_response ? HTTP_RESPONSE : HTTP_REQUEST, &s);
	l.data = &r;
	llhttp_errno_t e = llhttp_execute(&l, in.p, in.n);
	r.end = in.n;
	if (e != HPE_OK)
		r.end = (size_t)(llhttp_get_error_pos(&l) - in.p);
	else if (is_response && llhttp_message_needs_eof(&l))
		(void)llhttp_finish(&l); /* on_end tells how that went */
	r.error = r.whole ? "" : llhttp_get_error_reason(&l);
	return r;
}

static void hash_head(struct reading *r, const struct http_head *h, const char *base)
{
	mix(&r->hash, base + h->target.at, h->target.n);
	for (uint16_t i = 0; i < h->n; i++) {
		struct str name = http_field_name(base, &h->fields[i]);
		struct str value = http_field_value(base, &h->fields[i]);
		mix(&r->hash, name.p, name.n);
		mix(&r->hash, value.p, value.n);
	}
}

/*
 * CONNECT, a 204 or 304 that speaks of a body, bytes in a query that llhttp refuses, and methods
 * that it has no number for.
 */
static bool is_left_out(const struct http_head *h, struct str query, unsigned method_or_status)
{
	bool is_ascii = true;
	for (size_t i = 0; i < query.n; i++)
		is_ascii = is_ascii && (unsigned char)query.p[i] < 0x80;
	return h->method_id == METHOD_CONNECT || (h->flags & HTTP_STRAY_BODY) != 0 || !is_ascii ||
	       method_or_status == UINT16_MAX;
}

static void read_body(struct reading *r, const struct http_head *h, struct str in)
{
	struct h1_body body;
	size_t used;
	h1_body_init(&body, h);
	body.chunk.is_answer = false; /* what neap mends, llhttp refuses */
	bool good = h1_body_feed(&body, in.p + h->bytes, in.n - h->bytes, &used) == BODY_OK;
	r->whole = good && h1_body_is_whole_at_close(&body);
	r->payload = body.payload;
	r->left_out = is_left_out(h, http_str(in.p, h->query), r->method_or_status) ||
		      body.chunk.extension_bytes > 0;
	r->end = h->bytes + used;
}

/* llhttp's number of a method; a name it does not know is no HTTP method of its. */
static unsigned method_number(struct str name)
{
	for (unsigned i = HTTP_DELETE; i <= HTTP_SOURCE; i++) {
		if (str_eq(name, str_of(llhttp_method_name((llhttp_method_t)i))))
			return i;
	}
	return UINT16_MAX;
}

static struct reading read_by_neap(bool is_response, struct str in)
{
	struct reading r = { 0 };
	struct parsed p;
	parse_cut(&p, is_response, in, in.n);
	if (p.result != H1_DONE || (is_response && !h1_response_framing(&p.h, METHOD_GET)))
		return r;
	r.minor = p.h.minor;
	r.fields = p.h.n;
	r.method_or_status = is_response ? p.h.status : method_number(http_str(in.p, p.h.method));
	hash_head(&r, &p.h, in.p);
	read_body(&r, &p.h, in);
	return r;
}

/* NULL, or what the two do not agree on though neap accepts it. */
static const char *difference(const struct reading *ours, const struct reading *theirs)
{
	if (!theirs->whole)
		return theirs->error != NULL ? theirs->error : "llhttp wants more";
	if (ours->method_or_status != theirs->method_or_status || ours->minor != theirs->minor)
		return "first line";
	if (ours->fields != theirs->fields || ours->hash != theirs->hash)
		return "target or fields";
	if (ours->payload != theirs->payload)
		return "payload";
	return ours->end == theirs->end ? NULL : "end of message";
}

/* For the spec: NULL where neap does not accept, "" where both agree, else the difference. */
const char *diff_llhttp(bool is_response, const char *bytes, size_t n);

const char *diff_llhttp(bool is_response, const char *bytes, size_t n)
{
	struct str in = { bytes, n };
	struct reading ours = read_by_neap(is_response, in);
	if (!ours.whole)
		return NULL;
	struct reading theirs = read_by_llhttp(is_response, in);
	const char *found = difference(&ours, &theirs);
	return found == NULL ? "" : found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return -1;
	struct str in = { (const char *)data + 1, size - 1 };
	bool is_response = (data[0] & 1) != 0;
	struct reading ours = read_by_neap(is_response, in);
	struct reading theirs = read_by_llhttp(is_response, in);
	must(!ours.whole || ours.left_out || difference(&ours, &theirs) == NULL);
	return 0;
}

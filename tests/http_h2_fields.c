/* Fields of HTTP/2 as text (RFC 9113 §8), and back. */
#include <stdio.h>

#include "check.h"
#include "http/h1_head.h"
#include "http/h2_fields.h"
#include "http/h2_lines.h"
#include "http_test.h"

enum { FIELDS_MAX = 8 };

static const struct http_limits limits = { .header_bytes = 400, .uri_bytes = 100, .headers = 8 };
static struct slab blocks;

struct block {
	struct h2_fields f;
	struct http_head head;
	struct http_field fields[FIELDS_MAX];
	struct buf text;
	enum h2_fields_result result;
};

static struct block b;

/* Lines "name: value"; a name of ":path" and so on is a pseudo-field. */
static void read_block(enum h2_block block, const char *lines, bool is_last)
{
	struct str rest = str_of(lines), line;
	buf_drop(&b.text);
	buf_init(&b.text, &blocks);
	(void)buf_hold(&b.text);
	h1_head_init(&b.head, block == H2_ANSWER, b.fields, &limits);
	h2_fields_begin(&b.f, block, &b.head, &b.text);
	while (str_split(&rest, '\n', &line) && line.n > 0) {
		const char *colon = memchr(line.p + 1, ':', line.n - 1);
		struct str name = { line.p, (size_t)(colon - line.p) };
		struct str value = { colon + 2, line.n - name.n - 2 };
		if (h2_fields_room(&b.f, name, value) <= buf_room(&b.text))
			h2_fields_add(&b.f, name, value);
	}
	b.result = h2_fields_end(&b.f, is_last);
}

static void check_span(struct http_span span, const char *expected, const char *what)
{
	check(str_eq(http_str(buf_head(&b.text), span), str_of(expected)), what);
}

static void check_text(const char *expected)
{
	struct str text = { buf_head(&b.text), buf_len(&b.text) };
	if (!check(str_eq(text, str_of(expected)), "the text"))
		(void)printf("%.*s", (int)text.n, text.p);
}

#define GET                       \
	":method: GET\n"          \
	":scheme: https\n"        \
	":authority: a.example\n" \
	":path: /x?y\n"

static void test_request(void)
{
	check_case("a request of HTTP/2 as text");
	read_block(H2_REQUEST, GET "accept: text/html\ncookie: a=1\nx: y\ncookie: b=2\n", true);
	check(b.result == H2_FIELDS_WHOLE, "it is whole");
	check_text("GET https a.example /x?y \r\nhost: a.example\r\naccept: text/html\r\n"
		   "cookie: a=1; b=2\r\nx: y\r\n\r\n");
	check_span(b.head.method, "GET", "its method");
	check_span(b.head.target, "/x?y", "its target");
	check_span(b.head.path, "/x", "its path");
	check_span(b.head.query, "y", "its query");
	check_span(b.head.host, "a.example", "its host");
	check(b.head.n == 4 && b.head.method_id == METHOD_GET, "its fields and method");
	check(b.head.framing == FRAMING_NONE && b.head.minor == HTTP_2, "its framing and version");
	struct str x = http_field_value(buf_head(&b.text), &b.head.fields[3]);
	check(str_eq(x, STR("y")), "fields after joined crumbs are where they are said to be");
	read_block(H2_REQUEST, GET "content-length: 5\npriority: u=1, i\n", false);
	check(b.head.framing == FRAMING_LENGTH && b.head.length == 5, "a body of a known length");
	check(b.f.priority.urgency == 1 && b.f.priority.is_incremental, "its priority");
	read_block(H2_REQUEST, GET, false);
	check(b.head.framing == FRAMING_UNTIL_CLOSE, "a body of an unknown length");
	read_block(H2_REQUEST, ":method: GET\n:scheme: http\n:path: /\nhost: h\n", true);
	check(b.result == H2_FIELDS_WHOLE, "Host is enough");
	check_span(b.head.host, "h", "Host as host");
}

static void test_connect(void)
{
	check_case("CONNECT of HTTP/2");
	read_block(H2_REQUEST,
		   ":method: CONNECT\n:protocol: websocket\n:scheme: https\n:path: /chat\n"
		   ":authority: a\n",
		   false);
	check(b.result == H2_FIELDS_WHOLE && h2_fields_has_protocol(&b.f), "extended");
	check_span(b.head.path, "/chat", "its path");
	read_block(H2_REQUEST, ":method: CONNECT\n:authority: a:1\n", false);
	check(b.result == H2_FIELDS_WHOLE && b.head.form == TARGET_AUTHORITY, "the old one");
}

static void test_malformed(void)
{
	static const char *const table[] = {
		":method: GET\n:scheme: https\n:path: /\n:status: 200\nhost: h\n",
		":method: GET\n:scheme: https\n:path: /\n:unknown: x\nhost: h\n",
		":method: GET\n:scheme: https\nhost: h\n:path: /\n",
		":method: GET\n:path: /\nhost: h\n",
		":scheme: https\n:path: /\nhost: h\n",
		":method: GET\n:scheme: https\nhost: h\n",
		":method: GET\n:method: GET\n:scheme: https\n:path: /\nhost: h\n",
		":method: GET\n:scheme: https\n:path: \nhost: h\n",
		":method: GET\n:scheme: https\n:path: x\nhost: h\n",
		":method: GET\n:scheme: https\n:path: /a b\nhost: h\n",
		":method: GET\n:scheme: https\n:path: *\nhost: h\n",
		":method: G T\n:scheme: https\n:path: /\nhost: h\n",
		":method: GET\n:scheme: https\n:path: /\n:protocol: websocket\nhost: h\n",
		":method: CONNECT\n:scheme: https\n:authority: a\n",
		":method: CONNECT\n",
		GET "Accept: x\n",
		GET "a b: x\n",
		GET "x: y \n",
		GET "x:  y\n",
		GET "x: a\rb\n",
		GET "connection: close\n",
		GET "keep-alive: x\n",
		GET "proxy-connection: x\n",
		GET "transfer-encoding: chunked\n",
		GET "upgrade: h2c\n",
		GET "te: gzip\n",
		GET "te: trailers, gzip\n",
		GET "host: other\n",
		GET "content-length: 1\n",
		GET "content-length: x\n",
		GET "content-length: 0\ncontent-length: 0\n",
	};
	check_case("requests that are malformed");
	for (size_t i = 0; i < countof(table); i++) {
		read_block(H2_REQUEST, table[i], true);
		if (!check(b.result == H2_FIELDS_MALFORMED, table[i]))
			(void)printf("%d\n", (int)b.result);
	}
	read_block(H2_REQUEST, GET "te: trailers\nhost: A.example\ncontent-length: 0\n", true);
	check(b.result == H2_FIELDS_WHOLE, "these are fine");
}

static void check_refused(const char *lines, uint16_t status)
{
	read_block(H2_REQUEST, lines, true);
	check(b.result == H2_FIELDS_REFUSED && b.head.refusal.status == status, lines);
}

static void test_refused(void)
{
	char lines[1024];
	check_case("requests that are refused");
	check_refused(":method: GET\n:scheme: https\n:path: /\n", 400);
	check_refused(":method: GET\n:scheme: ftp\n:path: /\nhost: h\n", 400);
	check_refused(":method: GET\n:scheme: https\n:path: /\n:authority: a b\n", 400);
	check_refused(":method: GET\n:scheme: https\n:path: /\n:authority: u@h\n", 400);
	check_refused(":method: GET\n:scheme: https\n:path: /%zz\n:authority: h\n", 400);
	check_refused(GET "x_forwarded_for: 1\n", 400);
	check_refused(GET "a: 1\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1\ng: 1\nh: 1\n", 431);
	(void)snprintf(lines, sizeof(lines), GET "x: %0400d\n", 1);
	check_refused(lines, 431);
	(void)snprintf(lines, sizeof(lines),
		       ":method: GET\n:scheme: https\n:path: /%0100d\nhost: h\n", 1);
	check_refused(lines, 414);
}

static void test_others(void)
{
	check_case("answers and trailers of HTTP/2 as text");
	read_block(H2_ANSWER, ":status: 204\nserver: x\n", true);
	check(b.result == H2_FIELDS_WHOLE && b.head.status == 204, "an answer");
	check_text("HTTP/2 204 \r\nserver: x\r\n\r\n");
	read_block(H2_ANSWER, "server: x\n", true);
	check(b.result == H2_FIELDS_MALFORMED, "an answer without a status");
	read_block(H2_ANSWER, ":status: 20\n", true);
	check(b.result == H2_FIELDS_MALFORMED, "one with half a status");
	read_block(H2_TRAILERS, "grpc-status: 0\ncontent-length: 1\n", true);
	check(b.result == H2_FIELDS_WHOLE, "trailers");
	check_text("grpc-status: 0\r\n");
	read_block(H2_TRAILERS, ":status: 200\n", true);
	check(b.result == H2_FIELDS_MALFORMED, "no pseudo-fields in trailers");
	read_block(H2_TRAILERS, "a: b\n", false);
	check(b.result == H2_FIELDS_MALFORMED, "trailers end the stream");
}

void test_h2_fields(void)
{
	slab_init(&blocks, 2048, 4);
	buf_init(&b.text, &blocks);
	test_request();
	test_connect();
	test_malformed();
	test_refused();
	test_others();
	buf_drop(&b.text);
	slab_fini(&blocks);
}

static bool is_field(const struct h2_lines *l, size_t i, const char *name, const char *value)
{
	struct str n = { (const char *)l->fields[i].name, l->fields[i].namelen };
	struct str v = { (const char *)l->fields[i].value, l->fields[i].valuelen };
	return i < l->n && str_eq(n, str_of(name)) && str_eq(v, str_of(value));
}

void test_h2_lines(void)
{
	nghttp2_nv memory[8];
	struct h2_lines l;
	uint16_t status = 0;
	char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: x\r\nConnection: close\r\n\r\n";
	char request[] = "GET /a HTTP/1.1\r\nHost: h\r\nTE: gzip\r\nA: \r\n\r\n";
	char many[] = "a: 1\r\nb: 1\r\nc: 1\r\nd: 1\r\ne: 1\r\nf: 1\r\ng: 1\r\nh: 1\r\ni: 1\r\n";
	check_case("text as fields of HTTP/2");
	h2_lines_init(&l, memory, countof(memory));
	check(h2_lines_answer(&l, answer, sizeof(answer) - 1, &status) && status == 200, "answer");
	check(l.n == 2 && is_field(&l, 0, ":status", "200") && is_field(&l, 1, "content-type", "x"),
	      "an answer's fields, without those of a connection");
	h2_lines_init(&l, memory, countof(memory));
	check(h2_lines_request(&l, request, sizeof(request) - 1, STR("http"), STR("")), "request");
	check(l.n == 5 && is_field(&l, 0, ":method", "GET") && is_field(&l, 2, ":path", "/a") &&
		      is_field(&l, 3, ":authority", "h") && is_field(&l, 4, "a", ""),
	      "a request's fields");
	h2_lines_init(&l, memory, countof(memory));
	check(!h2_lines_trailers(&l, many, sizeof(many) - 1), "no more than there is room for");
}

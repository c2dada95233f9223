#include "proxy/access_line.h"

#include <math.h>
#include <time.h>

#include "http/h1_out.h"
#include "proxy/ids.h"

enum {
	FIXED_BYTES = 2048, /* all but the texts, names and backend included */
	WORST = 6,	    /* an escaped byte: \u00ff */
};

struct texts {
	struct str method, path, query, host, referer, agent, id, reason;
	struct str backend, pool, service;
	char ip[INET6_ADDRSTRLEN];
	char id_text[IDS_TEXT_MAX];
};

static struct str field(const struct exchange *ex, struct str name)
{
	const char *base = ex->view.base;
	const struct http_field *f = base == NULL ? NULL : http_find_name(&ex->req, base, name);
	return f == NULL ? STR("") : http_field_value(base, f);
}

static void collect(struct texts *t, const struct exchange *ex, const struct neap_outcome *o)
{
	const struct neap_request *v = &ex->view;
	const struct backend *b = upstream_backend(&ex->proxy->upstream, o->slot, o->epoch);

	*t = (struct texts){
		.method = { v->method, v->method_n },
		.path = { v->path, v->path_n },
		.query = { v->query, v->query_n },
		.host = { v->host, v->host_n },
		.referer = field(ex, STR("Referer")),
		.agent = field(ex, STR("User-Agent")),
		.reason = str_of(o->reason != NULL ? o->reason : ""),
		.backend = str_of(b != NULL ? b->name : ""),
		.pool = str_of(v->pool >= 0 ? ex->proxy->conf->pools[v->pool].name : ""),
		.service = str_of(ex->service->conf->name),
	};
	struct peer client = { .family = v->ip_family };
	memcpy(client.ip, v->ip, sizeof(client.ip));
	(void)peer_print_ip(&client, t->ip);
	t->id = ids_text(ex, t->id_text);
}

static size_t worst_bytes(const struct texts *t)
{
	return FIXED_BYTES +
	       WORST * (t->method.n + t->path.n + t->query.n + t->host.n + t->referer.n +
			t->agent.n + t->id.n + t->reason.n + t->backend.n);
}

/* ---- pieces ---- */

static void add_hex(struct h1_out *o, const char *prefix, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	char text[2] = { digits[c >> 4], digits[c & 15] };

	h1_out_str(o, str_of(prefix));
	h1_out_str(o, (struct str){ text, sizeof(text) });
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

/* As nginx does it: what is not printable ASCII is \xHH. */
static void add_escaped(struct h1_out *o, struct str s)
{
	for (size_t at = 0, from = 0; at <= s.n; at++) {
		if (at < s.n && is_plain((unsigned char)s.p[at]))
			continue;
		h1_out_str(o, (struct str){ s.p + from, at - from });
		if (at < s.n)
			add_hex(o, "\\x", (unsigned char)s.p[at]);
		from = at + 1;
	}
}

/* Bytes beyond ASCII are taken for the characters of that number: always JSON, never lost. */
static void add_json(struct h1_out *o, struct str s)
{
	h1_out_str(o, STR("\""));
	for (size_t at = 0, from = 0; at <= s.n; at++) {
		if (at < s.n && is_plain((unsigned char)s.p[at]))
			continue;
		h1_out_str(o, (struct str){ s.p + from, at - from });
		if (at < s.n)
			add_hex(o, "\\u00", (unsigned char)s.p[at]);
		from = at + 1;
	}
	h1_out_str(o, STR("\""));
}

static void add_padded(struct h1_out *o, uint64_t value, unsigned digits)
{
	char text[20];

	for (unsigned i = digits; i-- > 0; value /= 10)
		text[i] = (char)('0' + value % 10);
	h1_out_str(o, (struct str){ text, digits });
}

/* With microseconds. */
static void add_seconds(struct h1_out *o, double seconds)
{
	uint64_t us = (uint64_t)(seconds * 1e6 + 0.5);

	h1_out_u64(o, us / 1000000);
	h1_out_str(o, STR("."));
	add_padded(o, us % 1000000, 6);
}

/* The two forms of one second are printed once for all its lines. */
struct stamp {
	time_t second;
	char local[40], utc[32];
};

static const struct stamp *stamp_of(double now)
{
	static struct stamp stamp = { .second = -1 };
	time_t second = (time_t)now;
	struct tm tm;

	if (second == stamp.second)
		return &stamp;
	stamp.second = second;
	stamp.local[0] = stamp.utc[0] = '\0';
	if (localtime_r(&second, &tm) != NULL)
		(void)strftime(stamp.local, sizeof(stamp.local), "%d/%b/%Y:%H:%M:%S %z", &tm);
	if (gmtime_r(&second, &tm) != NULL)
		(void)strftime(stamp.utc, sizeof(stamp.utc), "%Y-%m-%dT%H:%M:%S", &tm);
	return &stamp;
}

/* ---- combined ---- */

static void add_quoted(struct h1_out *o, struct str s)
{
	h1_out_str(o, STR(" \""));
	add_escaped(o, s.n > 0 ? s : STR("-"));
	h1_out_str(o, STR("\""));
}

static void add_request_line(struct h1_out *o, const struct exchange *ex, const struct texts *t)
{
	if (t->method.n == 0) {
		h1_out_str(o, STR(" \"-\""));
		return;
	}
	h1_out_str(o, STR(" \""));
	add_escaped(o, t->method);
	h1_out_str(o, STR(" "));
	add_escaped(o, t->path);
	if (ex->view.has_query) {
		h1_out_str(o, STR("?"));
		add_escaped(o, t->query);
	}
	h1_out_str(o, STR(" HTTP/1."));
	h1_out_u64(o, ex->view.minor);
	h1_out_str(o, STR("\""));
}

/* nginx's number for a client that left before there was an answer. */
enum { STATUS_LEFT = 499 };

static void write_combined(struct h1_out *o, const struct exchange *ex, const struct texts *t,
			   const struct neap_outcome *outcome)
{
	h1_out_str(o, t->ip[0] != '\0' ? str_of(t->ip) : STR("unix:"));
	h1_out_str(o, STR(" - - ["));
	h1_out_str(o, str_of(stamp_of(ex->view.time)->local));
	h1_out_str(o, STR("]"));
	add_request_line(o, ex, t);
	h1_out_str(o, STR(" "));
	h1_out_u64(o, outcome->status != 0 ? outcome->status : STATUS_LEFT);
	h1_out_str(o, STR(" "));
	h1_out_u64(o, outcome->bytes);
	add_quoted(o, t->referer);
	add_quoted(o, t->agent);
}

/* ---- JSON ---- */

static void add_key(struct h1_out *o, const char *key)
{
	h1_out_str(o, o->p[o->n - 1] == '{' ? STR("\"") : STR(",\""));
	h1_out_str(o, str_of(key));
	h1_out_str(o, STR("\":"));
}

/* Nothing for an empty one. */
static void add_text(struct h1_out *o, const char *key, struct str value)
{
	if (value.n == 0)
		return;
	add_key(o, key);
	add_json(o, value);
}

static void add_number(struct h1_out *o, const char *key, uint64_t value)
{
	add_key(o, key);
	h1_out_u64(o, value);
}

/* Nothing for what did not happen. */
static void add_duration(struct h1_out *o, const char *key, double seconds)
{
	if (seconds < 0)
		return;
	add_key(o, key);
	add_seconds(o, seconds);
}

static void add_time(struct h1_out *o, double time)
{
	add_key(o, "time");
	h1_out_str(o, STR("\""));
	h1_out_str(o, str_of(stamp_of(time)->utc));
	h1_out_str(o, STR("."));
	add_padded(o, (uint64_t)((time - floor(time)) * 1e6), 6);
	h1_out_str(o, STR("Z\""));
}

static void add_request(struct h1_out *o, const struct exchange *ex, const struct texts *t)
{
	add_text(o, "service", t->service);
	add_text(o, "client", str_of(t->ip));
	add_number(o, "port", ex->view.port);
	if (ex->view.is_tcp != 0) {
		add_text(o, "mode", STR("tcp"));
		return;
	}
	add_text(o, "method", t->method);
	add_text(o, "host", t->host);
	add_text(o, "path", t->path);
	add_text(o, "query", t->query);
	add_text(o, "version", ex->view.minor == 0 ? STR("1.0") : STR("1.1"));
	add_text(o, "referer", t->referer);
	add_text(o, "user_agent", t->agent);
	if (ids_has_trace(ex)) {
		char trace[IDS_TRACE_MAX];
		add_text(o, "traceparent", ids_trace(ex, trace));
	}
}

static void write_json(struct h1_out *o, const struct exchange *ex, const struct texts *t,
		       const struct neap_outcome *outcome)
{
	h1_out_str(o, STR("{"));
	add_time(o, ex->view.time);
	add_text(o, "id", t->id);
	add_request(o, ex, t);
	add_number(o, "status", outcome->status);
	add_number(o, "bytes", outcome->bytes);
	add_text(o, "pool", t->pool);
	add_text(o, "backend", t->backend);
	add_number(o, "attempts", outcome->attempts);
	add_duration(o, "queued", outcome->queued);
	add_duration(o, "connect", outcome->connect);
	add_duration(o, "first_byte", outcome->first_byte);
	add_duration(o, "total", outcome->total);
	add_text(o, "reason", t->reason);
	h1_out_str(o, STR("}"));
}

/* ---- lines ---- */

void access_line_add(struct lines *log, enum conf_access_format format, const struct exchange *ex,
		     const struct neap_outcome *outcome)
{
	struct texts t;
	struct h1_out o;

	collect(&t, ex, outcome);
	size_t room = worst_bytes(&t);
	char *memory = lines_room(log, room);
	if (memory == NULL)
		return;
	h1_out_init(&o, memory, room);
	if (format == CONF_ACCESS_JSON)
		write_json(&o, ex, &t, outcome);
	else
		write_combined(&o, ex, &t, outcome);
	h1_out_str(&o, STR("\n"));
	if (!o.full)
		lines_added(log, o.n);
}

void access_line_add_text(struct lines *log, struct str text)
{
	char *memory = lines_room(log, WORST * text.n + 1);
	size_t n = 0;

	if (memory == NULL)
		return;
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		struct h1_out o;
		if (c >= 0x20 && c != 0x7F) {
			memory[n++] = text.p[i];
			continue;
		}
		h1_out_init(&o, memory + n, WORST);
		add_hex(&o, "\\x", c);
		n += o.n;
	}
	memory[n++] = '\n';
	lines_added(log, n);
}

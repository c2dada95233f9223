#include "exchange/access_line.h"

#include "base/json.h"
#include "exchange/failure.h"
#include "exchange/ids.h"
#include "exchange/tls_line.h"
#include "http/h1_write.h"

enum {
	FIXED_BYTES = 2048, /* all but the texts, names and backend included */
	WORST = 6,	    /* an escaped byte: \u00ff */
	LONG_TEXT = 16384,  /* no more of one where all do not fit: no size hides a request */
	ROOM_MAX = 800 * 1024,
};

struct texts {
	struct str method, path, query, host, referer, agent, id, reason;
	struct str backend, pool, service;
	char ip[INET6_ADDRSTRLEN];
	char id_text[IDS_TEXT_MAX];
	struct str failure;   /* what the last failed attempt says */
	struct tls_line *tls; /* NULL: the client came in the clear */
};

static struct str field(const struct request *rq, struct str name)
{
	const char *base = rq->view.base;
	unsigned n = rq->head.n > 0 ? rq->head.n : rq->refused_n;

	for (unsigned i = 0; base != NULL && i < n; i++) {
		const struct http_field *f = &rq->head.fields[i];
		if (str_eq_nocase(http_field_name(base, f), name))
			return http_field_value(base, f);
	}
	return STR("");
}

static void collect(struct texts *t, const struct request *rq, const struct neap_outcome *o)
{
	const struct neap_request *v = &rq->view;
	const struct backend *b = upstream_backend(&rq->plane->upstream, o->slot, o->epoch);

	*t = (struct texts){
		.method = { v->method, v->method_n },
		.path = { v->path, v->path_n },
		.query = { v->query, v->query_n },
		.host = { v->host, v->host_n },
		.referer = field(rq, STR("Referer")),
		.agent = field(rq, STR("User-Agent")),
		.reason = str_of(o->reason != NULL ? o->reason : ""),
		.backend = str_of(b != NULL ? b->name : ""),
		.pool = str_of(v->pool >= 0 ? rq->plane->conf->pools[v->pool].name : ""),
		.service = str_of(rq->service->conf->name),
	};
	(void)hook_client_ip(v, t->ip); /* it is in t */
	t->id = ids_text(rq, t->id_text);
}

/* What only JSON tells. */
static void collect_more(struct texts *t, const struct request *rq, struct tls_line *tls)
{
	t->failure = str_of(rq->has_failed ? rq->failure.message : "");
	t->tls = tls_line_look(tls, rq) ? tls : NULL;
}

static size_t worst_bytes(const struct texts *t)
{
	size_t tls_bytes = t->tls != NULL ? tls_line_bytes(t->tls) : 0;
	return FIXED_BYTES + WORST * (tls_bytes + t->failure.n + t->method.n + t->path.n +
				      t->query.n + t->host.n + t->referer.n + t->agent.n + t->id.n +
				      t->reason.n + t->backend.n);
}

static void shorten(struct texts *t)
{
	struct str *const all[] = { &t->method,	 &t->path,  &t->query, &t->host,
				    &t->referer, &t->agent, &t->reason };

	for (size_t i = 0; i < countof(all); i++)
		all[i]->n = all[i]->n < LONG_TEXT ? all[i]->n : LONG_TEXT;
	if (t->tls != NULL)
		tls_line_shorten(t->tls, LONG_TEXT);
}

/* ---- pieces ---- */

/* As nginx does it: what is not printable ASCII is \xHH. */
static void add_escaped(struct out *o, struct str s)
{
	json_escaped(o, s, "\\x");
}

/* ---- combined ---- */

static void add_quoted(struct out *o, struct str s)
{
	out_str(o, STR(" \""));
	add_escaped(o, s.n > 0 ? s : STR("-"));
	out_str(o, STR("\""));
}

static void add_request_line(struct out *o, const struct request *rq, const struct texts *t)
{
	if (t->method.n == 0) {
		out_str(o, STR(" \"-\""));
		return;
	}
	out_str(o, STR(" \""));
	add_escaped(o, t->method);
	out_str(o, STR(" "));
	add_escaped(o, t->path);
	if (rq->view.has_query) {
		out_str(o, STR("?"));
		add_escaped(o, t->query);
	}
	out_str(o, STR(" HTTP/"));
	out_str(o, rq->view.minor == HTTP_2 ? STR("2.0") : http_version(rq->view.minor));
	out_str(o, STR("\""));
}

/* nginx's number for a client that left before there was an answer. */
enum { STATUS_LEFT = 499 };

/* A gRPC call is always 200 in HTTP: its own status says what became of it. */
static uint64_t combined_status(const struct neap_outcome *outcome)
{
	if (outcome->grpc_status >= 0)
		return (uint64_t)outcome->grpc_status;
	return outcome->status != 0 ? outcome->status : STATUS_LEFT;
}

static void write_combined(struct out *o, const struct request *rq, const struct texts *t,
			   const struct neap_outcome *outcome)
{
	out_str(o, t->ip[0] != '\0' ? str_of(t->ip) : STR("unix:"));
	out_str(o, STR(" - - ["));
	out_str(o, str_of(json_stamp(rq->view.time)->local));
	out_str(o, STR("]"));
	add_request_line(o, rq, t);
	out_str(o, STR(" "));
	out_u64(o, combined_status(outcome));
	out_str(o, STR(" "));
	out_u64(o, outcome->bytes);
	add_quoted(o, t->referer);
	add_quoted(o, t->agent);
}

/* ---- JSON ---- */

static void add_request(struct out *o, const struct request *rq, const struct texts *t)
{
	json_some(o, "service", t->service);
	json_some(o, "client", str_of(t->ip));
	json_number(o, "port", rq->view.port);
	if (rq->view.is_tcp != 0) {
		json_some(o, "mode", rq->view.is_udp != 0 ? STR("udp") : STR("tcp"));
		return;
	}
	json_some(o, "method", t->method);
	json_some(o, "host", t->host);
	json_some(o, "path", t->path);
	json_some(o, "query", t->query);
	if (t->method.n > 0) /* else no request line was understood */
		json_some(o, "version", http_version(rq->view.minor));
	json_some(o, "referer", t->referer);
	json_some(o, "user_agent", t->agent);
	if (ids_has_trace(rq)) {
		char trace[IDS_TRACE_MAX];
		json_some(o, "traceparent", ids_trace(rq, trace));
	}
}

void access_line_tell_grpc(struct out *o, const struct neap_outcome *outcome)
{
	if (outcome->grpc_status >= 0)
		json_number(o, "grpc_status", (uint64_t)outcome->grpc_status);
}

void access_line_tell_times(struct out *o, const struct neap_outcome *outcome)
{
	json_seconds(o, "queued", outcome->queued);
	json_seconds(o, "connect", outcome->connect);
	json_seconds(o, "first_byte", outcome->first_byte);
	json_seconds(o, "total", outcome->total);
	json_some(o, "reason", str_of(outcome->reason != NULL ? outcome->reason : ""));
}

static void tell_failure(struct out *o, const struct request *rq)
{
	json_begin(o, "failure", '{');
	json_text(o, "stage", str_of(failure_stage(&rq->failure)));
	json_text(o, "kind", str_of(failure_kind(&rq->failure)));
	json_some(o, "message", str_of(rq->failure.message));
	json_end(o, '}');
}

static void write_json(struct out *o, const struct request *rq, const struct texts *t,
		       const struct neap_outcome *outcome)
{
	json_begin(o, NULL, '{');
	json_time(o, rq->view.time);
	json_some(o, "id", t->id);
	add_request(o, rq, t);
	json_number(o, "status", outcome->status);
	access_line_tell_grpc(o, outcome);
	json_number(o, "bytes", outcome->bytes);
	json_some(o, "pool", t->pool);
	json_some(o, "backend", t->backend);
	json_number(o, "attempts", outcome->attempts);
	access_line_tell_times(o, outcome);
	if (rq->has_failed)
		tell_failure(o, rq);
	if (t->tls != NULL)
		tls_line_tell(o, t->tls);
	json_end(o, '}');
}

/* ---- lines ---- */

void access_line_add(struct lines *log, enum conf_access_format format, const struct request *rq,
		     const struct neap_outcome *outcome)
{
	struct texts t;
	struct tls_line tls;
	struct out o;

	collect(&t, rq, outcome);
	if (format == CONF_ACCESS_JSON)
		collect_more(&t, rq, &tls);
	if (worst_bytes(&t) > ROOM_MAX)
		shorten(&t);
	size_t room = worst_bytes(&t);
	char *memory = lines_room(log, room);
	if (memory == NULL)
		return;
	out_init(&o, memory, room);
	if (format == CONF_ACCESS_JSON)
		write_json(&o, rq, &t, outcome);
	else
		write_combined(&o, rq, &t, outcome);
	out_str(&o, STR("\n"));
	if (!o.full)
		lines_added(log, o.n);
}

/* A byte of U+0080 to U+009F: on many terminals they start commands. */
static bool is_c1(struct str s, size_t i)
{
	const unsigned char *p = (const unsigned char *)s.p;

	if (p[i] == 0xC2)
		return i + 1 < s.n && p[i + 1] >= 0x80 && p[i + 1] < 0xA0;
	return p[i] >= 0x80 && p[i] < 0xA0 && i > 0 && p[i - 1] == 0xC2;
}

void access_line_add_text(struct lines *log, struct str text)
{
	char *memory = lines_room(log, WORST * text.n + 1);
	size_t n = 0;

	if (memory == NULL)
		return;
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		struct out o;
		if (c >= 0x20 && c != 0x7F && !is_c1(text, i)) {
			memory[n++] = text.p[i];
			continue;
		}
		out_init(&o, memory + n, WORST);
		json_hex(&o, "\\x", c);
		n += o.n;
	}
	memory[n++] = '\n';
	lines_added(log, n);
}

#include "exchange/reply.h"

#include "exchange/call.h"
#include "exchange/client.h"
#include "exchange/ids.h"
#include "http/edits.h"
#include "http/h1_write.h"
#include "http/status.h"
#include "shm/board_service.h"
#include "shm/stats.h"

static void write_start(struct out *o, uint16_t status)
{
	out_str(o, STR("HTTP/1.1 "));
	out_u64(o, status);
	out_str(o, STR(" "));
	out_str(o, status_reason(status));
	out_str(o, STR("\r\n"));
}

static void write_date(struct out *o, const struct plane *p)
{
	char date[29];
	status_date(date, (int64_t)p->loop->unix_now);
	h1_write_field(o, STR("Date"), (struct str){ date, sizeof(date) });
}

static void write_connection(struct out *o, const struct request *rq, bool keeps)
{
	if (unlikely(ids_answer_name(rq)[0] != '\0') && rq->view.id != 0)
		ids_write_answer(o, rq);
	if (!keeps)
		out_str(o, STR("Connection: close\r\n"));
	else if (rq->head.minor == 0)
		out_str(o, STR("Connection: keep-alive\r\n"));
}

static void write_length(struct out *o, uint64_t n)
{
	out_str(o, STR("Content-Length: "));
	out_u64(o, n);
	out_str(o, STR("\r\n"));
}

static size_t body_bytes(struct str words, struct str reason)
{
	return words.n + (reason.n > 0 ? 2 + reason.n : 0) + 1;
}

static void write_words(struct out *o, struct str words, struct str reason)
{
	out_str(o, words);
	out_str(o, reason.n > 0 ? STR(": ") : STR(""));
	out_str(o, reason);
	out_str(o, STR("\n"));
}

/* Without a reason none is told. */
static void write_error(struct out *o, const struct request *rq, bool keeps, struct str reason)
{
	uint16_t status = rq->own.status;
	struct str words = status_reason(status);
	write_start(o, status);
	write_date(o, rq->plane);
	out_str(o, STR("Content-Type: text/plain; charset=utf-8\r\n"));
	write_length(o, body_bytes(words, reason));
	if (reason.n > 0)
		h1_write_field(o, STR("x-neap-error"), reason);
	write_connection(o, rq, keeps);
	out_str(o, STR("\r\n"));
}

/* ---- answers to gRPC calls ---- */

/*
 * The whole answer is a head ("trailers-only"): 200, with the call's status. HTTP/1 needs to be told
 * that there is no body.
 */
static void write_call_start(struct out *o, const struct request *rq)
{
	write_start(o, 200);
	write_date(o, rq->plane);
	out_str(o, STR("Content-Type: application/grpc\r\n"));
	if (rq->head.minor != HTTP_2)
		write_length(o, 0);
	out_str(o, STR("grpc-status: "));
	out_u64(o, (uint64_t)rq->grpc_status);
	out_str(o, STR("\r\n"));
}

static void write_call_message(struct out *o, struct str message)
{
	out_str(o, STR("grpc-message: "));
	grpc_write_message(o, message);
	out_str(o, STR("\r\n"));
}

static void write_call_error(struct out *o, const struct request *rq, bool keeps, struct str reason)
{
	write_call_start(o, rq);
	write_call_message(o, reason.n > 0 ? reason : status_reason(rq->own.status));
	if (reason.n > 0)
		h1_write_field(o, STR("x-neap-error"), reason);
	write_connection(o, rq, keeps);
	out_str(o, STR("\r\n"));
}

static struct str call_error(struct request *rq, bool keeps, struct str reason)
{
	struct out o;
	rq->grpc_status = (int8_t)call_own_status(rq);
	rq->status = 200;
	out_init(&o, rq->plane->scratch, rq->plane->scratch_bytes);
	write_call_error(&o, rq, keeps, reason);
	return (struct str){ o.p, o.n };
}

static struct str script_field(const struct neap_reply *r, struct str name)
{
	return call_line((struct str){ r->headers, r->headers_n }, name);
}

/* The fields of a script's answer but those that describe its body. */
static void write_script_fields(struct out *o, const struct neap_reply *r)
{
	struct str rest = { r->headers, r->headers_n }, line, content = STR("content-");
	while (str_split(&rest, '\n', &line)) {
		bool is_content = line.n >= content.n &&
				  str_eq_nocase((struct str){ line.p, content.n }, content);
		if (line.n > 0 && !is_content) {
			out_str(o, line);
			out_str(o, STR("\n"));
		}
	}
}

/* A text, without the end of its last line. */
static struct str script_message(const struct neap_reply *r)
{
	struct str type = script_field(r, STR("content-type"));
	struct str text = { r->body, r->body_n };
	while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
		text.n--;
	bool is_text = type.p == NULL || str_starts_with(type, STR("text/plain"));
	return is_text && text.n > 0 ? text : status_reason((uint16_t)r->status);
}

/* A script that knows nothing of gRPC refuses a call with a page of HTTP. */
static bool is_page(const struct request *rq)
{
	const struct neap_reply *r = &rq->view.reply;
	return r->status >= 300 && script_field(r, STR("grpc-status")).p == NULL;
}

static struct str call_page(struct request *rq, bool keeps)
{
	const struct neap_reply *r = &rq->view.reply;
	struct out o;
	rq->grpc_status = (int8_t)grpc_of_http((uint16_t)r->status);
	rq->status = 200;
	out_init(&o, rq->plane->scratch, rq->plane->scratch_bytes);
	write_call_start(&o, rq);
	write_call_message(&o, script_message(r));
	write_script_fields(&o, r);
	write_connection(&o, rq, keeps);
	out_str(&o, STR("\r\n"));
	return o.full ? STR("") : (struct str){ o.p, o.n };
}

static void note_script_status(struct request *rq)
{
	struct str status = script_field(&rq->view.reply, STR("grpc-status"));
	rq->grpc_status = status.p != NULL ? (int8_t)grpc_status_of(status) : GRPC_NONE;
}

/* ---- answers ---- */

static enum board_refusal refusal_of(uint16_t status)
{
	static const struct {
		uint16_t status;
		enum board_refusal refusal;
	} rows[] = {
		{ 400, REFUSED_BAD_REQUEST }, { 408, REFUSED_SLOW },	    { 413, REFUSED_BODY },
		{ 414, REFUSED_URI },	      { 417, REFUSED_EXPECTATION }, { 431, REFUSED_HEAD },
		{ 501, REFUSED_CODING },      { 505, REFUSED_VERSION },	    { 502, REFUSED_FAILED },
		{ 504, REFUSED_TIMEOUT },     { 503, REFUSED_UNAVAILABLE },
	};
	for (size_t i = 0; i < countof(rows); i++) {
		if (rows[i].status == status)
			return rows[i].refusal;
	}
	return REFUSED_OTHER;
}

/* Empty where the service hides it. */
static struct str told_reason(const struct request *rq)
{
	return rq->service->conf->hides_reasons ? STR("") : str_of(rq->own.reason);
}

struct str reply_error(struct request *rq, bool keeps, struct str *body)
{
	const struct plane *p = rq->plane;
	struct str reason = told_reason(rq);
	struct out o;
	if (unlikely(rq->is_grpc)) {
		*body = STR("");
		return call_error(rq, keeps, reason);
	}
	rq->status = rq->own.status;
	out_init(&o, p->scratch, p->scratch_bytes);
	write_error(&o, rq, keeps, reason);
	struct str head = { o.p, o.n };
	if (request_gets_body(rq, rq->status))
		write_words(&o, status_reason(rq->status), reason);
	*body = (struct str){ o.p + head.n, o.n - head.n };
	rq->bytes = body->n;
	return head;
}

/* All of its fields that are not replaced, and what takes their place. */
static void write_changed(struct out *o, const struct neap_reply *r, const void *edits)
{
	struct str rest = { r->headers, r->headers_n }, line, name, value;
	while (str_split(&rest, '\n', &line)) {
		value = line;
		bool is_line = str_split(&value, ':', &name) && line.n > 0;
		if (is_line && !edits_replaces(edits, name)) {
			out_str(o, line);
			out_str(o, STR("\n"));
		}
	}
	edits_write(edits, o);
}

static void write_given(struct out *o, const struct neap_reply *r,
			const struct reply_changes *changes)
{
	if (unlikely(changes->edits != NULL))
		write_changed(o, r, changes->edits);
	else
		out_str(o, (struct str){ r->headers, r->headers_n });
	if (unlikely(changes->varies))
		out_str(o, STR("Vary: Accept-Encoding\r\n"));
}

static void write_framing(struct out *o, const struct neap_reply *r,
			  const struct reply_changes *changes)
{
	if (unlikely(changes->is_squeezed))
		out_str(o, changes->form == CLIENT_CODED ? STR("Transfer-Encoding: chunked\r\n")
							 : STR(""));
	else if (r->status != 204 && r->status != 304)
		write_length(o, r->body_n);
}

/* view.reply as an answer of HTTP. reason: of the error that it stands for; "": none is told. */
static struct str write_script(struct request *rq, bool keeps, struct str reason,
			       const struct reply_changes *changes, struct str *body)
{
	const struct neap_reply *r = &rq->view.reply;
	const struct plane *p = rq->plane;
	uint16_t status = (uint16_t)r->status;
	struct out o;
	rq->status = status;
	out_init(&o, p->scratch, p->scratch_bytes);
	write_start(&o, status);
	write_date(&o, p);
	write_given(&o, r, changes);
	if (reason.n > 0 && script_field(r, STR("x-neap-error")).p == NULL)
		h1_write_field(&o, STR("x-neap-error"), reason);
	write_framing(&o, r, changes);
	write_connection(&o, rq, keeps);
	out_str(&o, STR("\r\n"));
	*body = request_gets_body(rq, status) ? (struct str){ r->body, r->body_n } : STR("");
	return o.full ? STR("") : (struct str){ o.p, o.n };
}

struct str reply_script(struct request *rq, bool keeps, const struct reply_changes *changes,
			struct str *body)
{
	if (unlikely(rq->is_grpc)) {
		note_script_status(rq);
		*body = STR("");
		if (is_page(rq))
			return call_page(rq, keeps);
	}
	return write_script(rq, keeps, STR(""), changes, body);
}

struct str reply_words(struct request *rq, bool keeps, struct str *body)
{
	static const struct reply_changes none = { 0 };
	return write_script(rq, keeps, told_reason(rq), &none, body);
}

void reply_count(const struct request *rq)
{
	if (unlikely(rq->role != REQUEST_OWN))
		return;
	stat_add(&rq->service->counts->refused[refusal_of(rq->own.status)], 1);
}

size_t reply_static(char *to, size_t size, uint16_t status, const char *reason)
{
	struct str words = status_reason(status), why = str_of(reason);
	struct out o;
	out_init(&o, to, size);
	write_start(&o, status);
	out_str(&o, STR("Content-Type: text/plain; charset=utf-8\r\n"));
	write_length(&o, body_bytes(words, why));
	if (why.n > 0)
		h1_write_field(&o, STR("x-neap-error"), why);
	out_str(&o, STR("Connection: close\r\n\r\n"));
	write_words(&o, words, why);
	return o.full ? 0 : o.n;
}

#include "proxy/reply.h"

#include <stdio.h>

#include "http/h1_out.h"
#include "http/status.h"
#include "proxy/ids.h"
#include "proxy/relay.h"

/* RFC 9110 §9.3.2, §15: these answers have no body whatever their head says. */
static bool has_body(const struct exchange *ex, uint16_t status)
{
	return ex->req.method_id != METHOD_HEAD && status >= 200 && status != 204 && status != 304;
}

static void write_start(struct h1_out *o, uint16_t status)
{
	h1_out_str(o, STR("HTTP/1.1 "));
	h1_out_u64(o, status);
	h1_out_str(o, STR(" "));
	h1_out_str(o, status_reason(status));
	h1_out_str(o, STR("\r\n"));
}

static void write_date(struct h1_out *o, const struct proxy *p)
{
	char date[29];
	status_date(date, (int64_t)p->loop->unix_now);
	h1_out_field(o, STR("Date"), (struct str){ date, sizeof(date) });
}

static void write_connection(struct h1_out *o, const struct exchange *ex)
{
	if (unlikely(ex->proxy->conf->explain.header[0] != '\0') && ex->view.id != 0)
		ids_write_answer(o, ex);
	if (!ex->keep)
		h1_out_str(o, STR("Connection: close\r\n"));
	else if (ex->req.minor == 0)
		h1_out_str(o, STR("Connection: keep-alive\r\n"));
}

static void write_length(struct h1_out *o, uint64_t n)
{
	h1_out_str(o, STR("Content-Length: "));
	h1_out_u64(o, n);
	h1_out_str(o, STR("\r\n"));
}

/*
 * A body that was not read to its end cannot be told from the next request: the connection ends
 * here.
 */
static void decide_keep(struct exchange *ex)
{
	if (!exchange_request_is_whole(ex) || ex->req.refusal.status != 0)
		ex->keep = false;
}

/* The error's head and body as one text; how much of it is body. */
static size_t write_error(struct h1_out *o, const struct exchange *ex, uint16_t status,
			  struct str reason)
{
	struct str words = status_reason(status);
	size_t body_n = words.n + 2 + reason.n + 1;
	write_start(o, status);
	write_date(o, ex->proxy);
	h1_out_str(o, STR("Content-Type: text/plain; charset=utf-8\r\n"));
	write_length(o, body_n);
	h1_out_field(o, STR("x-neap-error"), reason);
	write_connection(o, ex);
	h1_out_str(o, STR("\r\n"));
	if (!has_body(ex, status))
		return 0;
	h1_out_str(o, words);
	h1_out_str(o, STR(": "));
	h1_out_str(o, reason);
	h1_out_str(o, STR("\n"));
	return body_n;
}

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

static void break_off(struct exchange *ex, uint16_t status)
{
	ex->status = status;
	ex->truncated = true;
	ex->state = EX_END;
}

void reply_error(struct exchange *ex, uint16_t status, const char *reason)
{
	ex->reason = reason;
	if (!ex->responded)
		stat_add(&ex->service->counts->refused[refusal_of(status)], 1);
	if (ex->view.is_tcp != 0) {
		break_off(ex, status);
		return;
	}
	if (ex->responded) {
		relay_truncate(ex);
		return;
	}
	decide_keep(ex);
	ex->status = status;
	struct h1_out o;
	h1_out_init(&o, ex->proxy->scratch, ex->proxy->scratch_bytes);
	ex->bytes = write_error(&o, ex, status, str_of(reason));
	relay_own(ex, (struct str){ o.p, o.n });
}

void reply_script(struct exchange *ex)
{
	struct neap_reply *r = &ex->view.reply;
	uint16_t status = (uint16_t)r->status;
	if (ex->view.is_tcp != 0) {
		ex->reason = "the policy refused it";
		break_off(ex, status);
		return;
	}
	decide_keep(ex);
	ex->status = status;
	if (!has_body(ex, status))
		ex->reply_sent = r->body_n;
	struct h1_out o;
	h1_out_init(&o, ex->proxy->scratch, ex->proxy->scratch_bytes);
	write_start(&o, status);
	write_date(&o, ex->proxy);
	h1_out_str(&o, (struct str){ r->headers, r->headers_n });
	if (status != 204 && status != 304)
		write_length(&o, r->body_n);
	write_connection(&o, ex);
	h1_out_str(&o, STR("\r\n"));
	if (!o.full) {
		relay_own(ex, (struct str){ o.p, o.n });
		return;
	}
	ex->reply_sent = r->body_n;
	reply_error(ex, 503, "the policy's answer has too many headers");
}

size_t reply_static(char *to, size_t size, uint16_t status, const char *reason)
{
	struct str words = status_reason(status);
	int n = snprintf(
		to, size,
		"HTTP/1.1 %u %.*s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
		"x-neap-error: %s\r\nConnection: close\r\n\r\n%.*s: %s\n",
		status, (int)words.n, words.p, words.n + 2 + strlen(reason) + 1, reason,
		(int)words.n, words.p, reason);
	return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

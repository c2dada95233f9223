#include "exchange/rewrite.h"

#include "base/num.h"
#include "exchange/call.h"
#include "exchange/ids.h"
#include "http/edits.h"
#include "http/forwarded.h"
#include "http/h1_write.h"
#include "http/max_forwards.h"
#include "http/status.h"
#include "net/tls_notes.h"
#include "net/tls_stream.h"

static field_mask bit(enum field_id id)
{
	return (field_mask)1 << id;
}

static const char *req_base(const struct request *rq)
{
	return buf_head(rq->block);
}

static void write_target(struct out *o, const struct request *rq)
{
	const char *base = req_base(rq);
	if (rq->head.form == TARGET_ASTERISK && rq->view.new_path == NULL) {
		out_str(o, STR("*"));
		return;
	}
	out_str(o, rq->backend->base);
	if (rq->view.new_path != NULL) {
		out_str(o, (struct str){ rq->view.new_path, rq->view.new_path_n });
		return;
	}
	out_str(o, h1_path(&rq->head, base));
	if (rq->head.has_query) {
		out_str(o, STR("?"));
		out_str(o, http_str(base, rq->head.query));
	}
}

static void write_host(struct out *o, const struct request *rq, field_mask edited)
{
	if (http_has(&rq->head, FIELD_HOST) || (edited & bit(FIELD_HOST)) != 0)
		return;
	struct str host = http_str(req_base(rq), rq->head.host);
	h1_write_field(o, STR("Host"), host.n > 0 ? host : rq->backend->authority);
}

static void write_forwarded(struct out *o, const struct request *rq, field_mask edited)
{
	char ip[INET6_ADDRSTRLEN];
	size_t n = peer_print_ip(rq->peer, ip);
	struct forwarded f = {
		.trusted = rq->is_trusted,
		.peer_ip = { ip, n },
		.proto = rq->view.secure ? STR("https") : STR("http"),
		.host = { rq->view.host, rq->view.host_n },
		.skip = edited,
	};
	forwarded_write(o, &f, &rq->head, req_base(rq));
}

/* All its lines, as they came. */
static void write_upgrade(struct out *o, const struct http_head *h, const char *base)
{
	for (uint16_t i = 0; i < h->n; i++) {
		if (h->fields[i].id == FIELD_UPGRADE)
			h1_write_field(o, STR("Upgrade"), http_field_value(base, &h->fields[i]));
	}
}

/* RFC 9113 §8.2.2: of them all, only this one goes on. */
static void write_framed(struct out *o, const struct request *rq)
{
	if ((rq->head.flags & HTTP_TE_TRAILERS) != 0)
		out_str(o, STR("TE: trailers\r\n"));
}

static void write_request_connection(struct out *o, const struct request *rq)
{
	/* else its length is not known */
	if (unlikely(rq->head.framing >= FRAMING_CHUNKED) && likely(!rq->has_own_body))
		out_str(o, STR("Transfer-Encoding: chunked\r\n"));
	if (rq->asks_switch) {
		out_str(o, STR("Connection: upgrade\r\n"));
		write_upgrade(o, &rq->head, req_base(rq));
	} else if (rq->pool->keepalive.connections == 0) {
		out_str(o, STR("Connection: close\r\n"));
	}
}

/*
 * RFC 9110 §10.1.1: an expectation that is to be ignored must not become one on the next hop. RFC 9440
 * §4: who has which certificate is for us to say.
 */
static field_mask request_drop(const struct request *rq)
{
	bool expects = (rq->head.flags & HTTP_EXPECT_CONTINUE) != 0 && !rq->was_told_to_go_on;
	return h1_hop_fields() | forwarded_fields() | bit(FIELD_CLIENT_CERT) |
	       bit(FIELD_CLIENT_CERT_CHAIN) | (expects ? 0 : bit(FIELD_EXPECT));
}

static void write_length(struct out *o, uint32_t n)
{
	out_str(o, STR("Content-Length: "));
	out_u64(o, n);
	out_str(o, STR("\r\n"));
}

/* A body that a hook put there has a length, and no trailers. None of it is said where none came. */
static void write_own_length(struct out *o, const struct request *rq)
{
	if (rq->own_body_bytes > 0 || rq->head.framing != FRAMING_NONE)
		write_length(o, rq->own_body_bytes);
}

enum { CLIENT_CERT_MAX = 16 * 1024 }; /* more than servers take in a field */

/* RFC 9440: the certificate that a client was verified by. */
static void write_client_cert(struct out *o, const struct request *rq, field_mask edited)
{
	const struct identity *client = rq->connection != NULL &&
							(edited & bit(FIELD_CLIENT_CERT)) == 0
						? tls_notes_verified(tls_stream_ssl(rq->connection))
						: NULL;
	if (client != NULL && client->field.n <= CLIENT_CERT_MAX)
		h1_write_field(o, STR("Client-Cert"), client->field);
}

/* After those that it came with: a line more is an element more of the list. */
static void write_via(struct out *o, const struct request *rq)
{
	out_str(o, STR("Via: "));
	out_str(o, http_version(rq->head.minor));
	out_str(o, STR(" "));
	out_str(o, str_of(rq->service->conf->via));
	out_str(o, STR("\r\n"));
}

/* One less than it came with; zero never comes here. */
static void write_max_forwards(struct out *o, uint64_t left, field_mask edited)
{
	char digits[20];
	if ((edited & bit(FIELD_MAX_FORWARDS)) == 0)
		h1_write_field(o, STR("Max-Forwards"),
			       (struct str){ digits, num_write_u64(digits, left - 1) });
}

/* What is left of the time that the client of a call gives it; a script's own goes first. */
static void write_time_left(struct out *o, const struct request *rq)
{
	char text[GRPC_TIMEOUT_BYTES];
	if (call_is_late(rq) && !edits_replaces(rq->view.edits, call_timeout_name))
		h1_write_field(o, call_timeout_name, call_time_left(rq, text));
}

/* Does the field give way to what a script says, or to our own of that name? */
static bool gives_way(const void *ctx, struct str name)
{
	const struct request *rq = ctx;
	return (call_is_late(rq) && str_eq_nocase(name, call_timeout_name)) ||
	       (rq->view.edits != NULL && edits_replaces(rq->view.edits, name)) ||
	       ids_replace(rq, name);
}

bool rewrite_request(const struct request *rq, enum rewrite_hop hop, struct str *head)
{
	const struct edits *edits = rq->view.edits;
	field_mask edited = edits != NULL ? edits_present(edits) : 0;
	field_mask drop = request_drop(rq);
	uint64_t left;
	struct out o;
	bool is_bound = max_forwards(&rq->head, req_base(rq), &left);
	if (unlikely(is_bound))
		drop |= bit(FIELD_MAX_FORWARDS);
	if (unlikely(hop == REWRITE_FRAMED)) /* neap answers it: upload_answer_expectation */
		drop |= bit(FIELD_EXPECT);
	if (unlikely(rq->has_own_body))
		drop |= bit(FIELD_CONTENT_LENGTH) | bit(FIELD_TRAILER) | bit(FIELD_EXPECT);
	out_init(&o, rq->plane->scratch, rq->plane->scratch_bytes);
	out_str(&o, http_str(req_base(rq), rq->head.method));
	out_str(&o, STR(" "));
	write_target(&o, rq);
	out_str(&o, STR(" HTTP/1.1\r\n"));
	if (unlikely(rq->service->conf->is_named || rq->timeout_us != 0))
		h1_write_fields(&o, &rq->head, req_base(rq), drop, gives_way, rq);
	else
		h1_write_fields(&o, &rq->head, req_base(rq), drop,
				edits != NULL ? edits_replaces : NULL, edits);
	write_host(&o, rq, edited);
	write_forwarded(&o, rq, edited);
	if (unlikely(is_bound))
		write_max_forwards(&o, left, edited);
	if (unlikely(rq->timeout_us != 0))
		write_time_left(&o, rq);
	if (unlikely(rq->service->conf->tls.client.verify != CONF_TLS_VERIFY_NONE))
		write_client_cert(&o, rq, edited);
	if (unlikely(rq->has_own_body))
		write_own_length(&o, rq);
	if (unlikely(hop == REWRITE_FRAMED))
		write_framed(&o, rq);
	else
		write_request_connection(&o, rq);
	if (unlikely(rq->service->conf->is_named))
		ids_write(&o, rq);
	if (unlikely(rq->service->conf->via[0] != '\0'))
		write_via(&o, rq);
	if (edits != NULL)
		edits_write(edits, &o);
	out_str(&o, STR("\r\n"));
	*head = (struct str){ o.p, o.n };
	return !o.full;
}

/* HTTP/2 has no reason phrases, and some readers of HTTP/1 take a line without one for no status. */
static struct str reason_of(const struct answer *a)
{
	if (unlikely(a->head->minor == HTTP_2) && a->form != CLIENT_FRAMED)
		return status_reason(a->head->status);
	return http_str(a->base, a->head->reason);
}

static void write_status_line(struct out *o, const struct answer *a)
{
	out_str(o, STR("HTTP/1.1 "));
	out_u64(o, a->head->status);
	out_str(o, STR(" "));
	out_str(o, reason_of(a));
	out_str(o, STR("\r\n"));
}

/* RFC 9110 §15.5.22: a 426 says to what a client should upgrade. */
static bool tells_upgrade(const struct answer *a)
{
	return (a->head->status == 101 || a->head->status == 426) && a->rq->head.minor > 0 &&
	       http_has(a->head, FIELD_UPGRADE);
}

static void write_response_connection(struct out *o, const struct answer *a)
{
	bool closes = a->head->status >= 200 && !a->keeps;
	if (a->form == CLIENT_FRAMED)
		return; /* RFC 9113 §8.2.2 */
	if (tells_upgrade(a)) {
		out_str(o, STR("Connection: upgrade"));
		out_str(o, closes ? STR(", close\r\n") : STR("\r\n"));
		write_upgrade(o, a->head, a->base);
	} else if (closes) {
		out_str(o, STR("Connection: close\r\n"));
	} else if (a->head->status >= 200 && a->rq->head.minor == 0) {
		out_str(o, STR("Connection: keep-alive\r\n"));
	}
}

/* RFC 9112 §6.1: never in a 1xx or 204, never to HTTP/1.0; neap leaves it out of a 304. */
static bool tells_chunked(const struct answer *a)
{
	bool is_coded = a->head->framing == FRAMING_CHUNKED ||
			http_has(a->head, FIELD_TRANSFER_ENCODING);
	if (unlikely(a->is_squeezed))
		return a->form == CLIENT_CODED;
	return is_coded && !a->is_replaced && a->form == CLIENT_CODED && a->head->status >= 200 &&
	       a->head->status != 204 && a->head->status != 304;
}

/*
 * RFC 9110 §8.6: no Content-Length in 1xx and 204. HTTP/1.0 gets no trailers. Only neap says
 * x-neap-error: so it tells whose answer it is.
 */
static field_mask response_drop(const struct answer *a)
{
	field_mask drop = h1_hop_fields() | bit(FIELD_X_NEAP_ERROR);
	if (a->head->status < 200 || a->head->status == 204)
		drop |= bit(FIELD_CONTENT_LENGTH);
	if (a->form == CLIENT_DECODED && a->head->framing == FRAMING_CHUNKED)
		drop |= bit(FIELD_TRAILER);
	if (unlikely(a->is_replaced))
		drop |= bit(FIELD_CONTENT_LENGTH) | bit(FIELD_TRAILER);
	if (unlikely(a->is_squeezed))
		drop |= bit(FIELD_CONTENT_LENGTH);
	return drop;
}

/* What a backend's fields give way to: a script's, and ours that carries the id. */
struct overrides {
	const void *edits;
	struct str id; /* its name; empty: none */
};

static bool overridden(const void *ctx, struct str name)
{
	const struct overrides *o = ctx;
	return str_eq_nocase(name, o->id) || (o->edits != NULL && edits_replaces(o->edits, name));
}

static void write_response_fields(struct out *o, const struct answer *a)
{
	const void *edits = a->edits;
	struct overrides ours = { edits, str_of(ids_answer_name(a->rq)) };
	bool (*except)(const void *ctx, struct str name) = edits != NULL ? edits_replaces : NULL;
	if (likely(ours.id.n == 0)) {
		h1_write_fields(o, a->head, a->base, response_drop(a), except, edits);
		return;
	}
	h1_write_fields(o, a->head, a->base, response_drop(a), overridden, &ours);
	if (a->head->status >= 200 && (edits == NULL || !edits_replaces(edits, ours.id)))
		ids_write_answer(o, a->rq);
}

bool rewrite_response(const struct answer *a, struct str *head)
{
	const struct plane *p = a->rq->plane;
	struct out o;
	out_init(&o, p->scratch, p->scratch_bytes);
	write_status_line(&o, a);
	write_response_fields(&o, a);
	if (unlikely(a->is_replaced) && !a->is_squeezed &&
	    request_gets_body(a->rq, a->head->status))
		write_length(&o, a->own_n);
	if (unlikely(a->varies))
		out_str(&o, STR("Vary: Accept-Encoding\r\n"));
	if (tells_chunked(a))
		out_str(&o, STR("Transfer-Encoding: chunked\r\n"));
	write_response_connection(&o, a);
	if (a->edits != NULL)
		edits_write(a->edits, &o);
	out_str(&o, STR("\r\n"));
	*head = (struct str){ o.p, o.n };
	return !o.full;
}

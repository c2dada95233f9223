#include "proxy/rewrite.h"

#include "http/forwarded.h"
#include "http/h1_out.h"
#include "proxy/ids.h"
#include "script/edits.h"

static field_mask bit(enum field_id id)
{
	return (field_mask)1 << id;
}

static const char *req_base(const struct exchange *ex)
{
	return buf_head(ex->in);
}

static void write_target(struct h1_out *o, const struct exchange *ex)
{
	const char *base = req_base(ex);
	if (ex->req.form == TARGET_ASTERISK && ex->view.new_path == NULL) {
		h1_out_str(o, STR("*"));
		return;
	}
	h1_out_str(o, ex->at.backend->base);
	if (ex->view.new_path != NULL) {
		h1_out_str(o, (struct str){ ex->view.new_path, ex->view.new_path_n });
		return;
	}
	h1_out_str(o, h1_path(&ex->req, base));
	if (ex->req.has_query) {
		h1_out_str(o, STR("?"));
		h1_out_str(o, http_str(base, ex->req.query));
	}
}

static void write_host(struct h1_out *o, const struct exchange *ex, field_mask edited)
{
	if (http_has(&ex->req, FIELD_HOST) || (edited & bit(FIELD_HOST)) != 0)
		return;
	struct str host = http_str(req_base(ex), ex->req.host);
	h1_out_field(o, STR("Host"), host.n > 0 ? host : ex->at.backend->authority);
}

static void write_forwarded(struct h1_out *o, const struct exchange *ex, field_mask edited)
{
	char ip[INET6_ADDRSTRLEN];
	size_t n = peer_print_ip(ex->peer, ip);
	struct forwarded f = {
		.trusted = ex->trusted,
		.peer_ip = { ip, n },
		.proto = ex->view.secure ? STR("https") : STR("http"),
		.host = { ex->view.host, ex->view.host_n },
		.skip = edited,
	};
	forwarded_write(o, &f, &ex->req, req_base(ex));
}

static void write_request_connection(struct h1_out *o, const struct exchange *ex)
{
	if (ex->upgrade) {
		const struct http_field *f = http_find(&ex->req, FIELD_UPGRADE);
		h1_out_str(o, STR("Connection: upgrade\r\n"));
		h1_out_field(o, STR("Upgrade"), http_field_value(req_base(ex), f));
	} else if (ex->at.pool->keepalive.connections == 0) {
		h1_out_str(o, STR("Connection: close\r\n"));
	}
}

/* RFC 9110 §10.1.1: an expectation that is to be ignored must not become one on the next hop. */
static field_mask request_drop(const struct exchange *ex)
{
	bool expects = (ex->req.flags & HTTP_EXPECT_CONTINUE) != 0;
	return h1_hop_fields() | forwarded_fields() | (expects ? 0 : bit(FIELD_EXPECT));
}

/* To what a script says, or to our own of that name. */
static bool gives_way(const void *ctx, struct str name)
{
	const struct exchange *ex = ctx;
	return (ex->view.edits != NULL && edits_replaces(ex->view.edits, name)) ||
	       ids_replace(ex, name);
}

bool rewrite_request(struct exchange *ex, struct str *head)
{
	const struct edits *edits = ex->view.edits;
	field_mask edited = edits != NULL ? edits_present(edits) : 0;
	struct h1_out o;
	h1_out_init(&o, ex->proxy->scratch, ex->proxy->scratch_bytes);
	h1_out_str(&o, http_str(req_base(ex), ex->req.method));
	h1_out_str(&o, STR(" "));
	write_target(&o, ex);
	h1_out_str(&o, STR(" HTTP/1.1\r\n"));
	if (unlikely(ex->service->conf->is_named))
		h1_out_fields(&o, &ex->req, req_base(ex), request_drop(ex), gives_way, ex);
	else
		h1_out_fields(&o, &ex->req, req_base(ex), request_drop(ex),
			      edits != NULL ? edits_replaces : NULL, edits);
	write_host(&o, ex, edited);
	write_forwarded(&o, ex, edited);
	if (ex->req.framing == FRAMING_CHUNKED)
		h1_out_str(&o, STR("Transfer-Encoding: chunked\r\n"));
	write_request_connection(&o, ex);
	if (unlikely(ex->service->conf->is_named))
		ids_write(&o, ex);
	if (edits != NULL)
		edits_write(edits, &o);
	h1_out_str(&o, STR("\r\n"));
	*head = (struct str){ o.p, o.n };
	return !o.full;
}

static void write_status_line(struct h1_out *o, const struct exchange *ex, const char *base)
{
	h1_out_str(o, STR("HTTP/1.1 "));
	h1_out_u64(o, ex->res.status);
	h1_out_str(o, STR(" "));
	h1_out_str(o, http_str(base, ex->res.reason));
	h1_out_str(o, STR("\r\n"));
}

static void write_response_connection(struct h1_out *o, const struct exchange *ex, const char *base)
{
	const struct http_field *f = ex->res.status == 101 ? http_find(&ex->res, FIELD_UPGRADE)
							   : NULL;
	if (f != NULL) {
		h1_out_str(o, STR("Connection: upgrade\r\n"));
		h1_out_field(o, STR("Upgrade"), http_field_value(base, f));
	} else if (ex->res.status < 200) {
		return;
	} else if (!ex->keep) {
		h1_out_str(o, STR("Connection: close\r\n"));
	} else if (ex->req.minor == 0) {
		h1_out_str(o, STR("Connection: keep-alive\r\n"));
	}
}

bool rewrite_response(struct exchange *ex, const void *edits, struct str *head)
{
	const char *base = buf_head(&ex->down);
	field_mask drop = h1_hop_fields();
	/* RFC 9110 §8.6: no Content-Length in 1xx and 204 */
	if (ex->res.status < 200 || ex->res.status == 204)
		drop |= bit(FIELD_CONTENT_LENGTH);
	struct h1_out o;
	h1_out_init(&o, ex->proxy->scratch, ex->proxy->scratch_bytes);
	write_status_line(&o, ex, base);
	h1_out_fields(&o, &ex->res, base, drop, edits != NULL ? edits_replaces : NULL, edits);
	if (http_has(&ex->res, FIELD_TRANSFER_ENCODING) && !ex->decode && ex->res.status >= 200)
		h1_out_str(&o, STR("Transfer-Encoding: chunked\r\n"));
	write_response_connection(&o, ex, base);
	if (unlikely(ex->proxy->conf->explain.header[0] != '\0') && ex->res.status >= 200)
		ids_write_answer(&o, ex);
	if (edits != NULL)
		edits_write(edits, &o);
	h1_out_str(&o, STR("\r\n"));
	*head = (struct str){ o.p, o.n };
	return !o.full;
}

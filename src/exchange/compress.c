#include "exchange/compress.h"

#include "http/accept_encoding.h"
#include "http/edits.h"
#include "http/media.h"
#include "http/scan.h"

enum { ETAG_MAX = 512 };

/* ---- the fields of an answer, with what scripts made of them ---- */

struct fields {
	const struct http_head *head; /* of a backend's; else NULL */
	const char *base;
	struct str lines;     /* of a policy's: "Name: value\r\n…" */
	struct edits **edits; /* what we change goes there, too */
};

typedef bool (*field_test)(struct str value, struct str word);

static bool line_is(struct str line, struct str name, struct str *value)
{
	struct str own;
	*value = line;
	return str_split(value, ':', &own) && value->p != NULL && str_eq_nocase(own, name);
}

static struct str without_cr(struct str line)
{
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* Of those that came: does a value stand the test? It is left in *value. */
static bool any_original(const struct fields *f, struct str name, field_test test, struct str word,
			 struct str *value)
{
	struct str rest = f->lines, line;
	for (uint16_t i = 0; f->head != NULL && i < f->head->n; i++) {
		const struct http_field *one = &f->head->fields[i];
		*value = http_field_value(f->base, one);
		if (str_eq_nocase(http_field_name(f->base, one), name) && test(*value, word))
			return true;
	}
	while (str_split(&rest, '\n', &line)) {
		bool is_own = line_is(without_cr(line), name, value);
		*value = str_trim(*value);
		if (is_own && test(*value, word))
			return true;
	}
	return false;
}

static bool any(const struct fields *f, struct str name, field_test test, struct str word,
		struct str *value)
{
	struct str own;
	uint32_t at = 0;
	while (edits_next(*f->edits, &at, &own, value)) {
		if (str_eq_nocase(own, name) && test(*value, word))
			return true;
	}
	return !edits_replaces(*f->edits, name) && any_original(f, name, test, word, value);
}

static bool is_there(struct str value, struct str word)
{
	(void)value;
	(void)word;
	return true;
}

static bool has(const struct fields *f, struct str name)
{
	struct str value;
	return any(f, name, is_there, STR(""), &value);
}

static bool says(const struct fields *f, struct str name, struct str word)
{
	struct str value;
	return any(f, name, scan_list_has, word, &value);
}

/* ---- may it be compressed? ---- */

static bool is_listed(const struct conf_compress *c, const struct fields *f)
{
	struct str value;
	if (!any(f, STR("content-type"), is_there, STR(""), &value))
		return false;
	struct str type = media_type(value), grpc = STR("application/grpc"); /* -web, too */
	if (type.n >= grpc.n && str_eq_nocase((struct str){ type.p, grpc.n }, grpc))
		return false;
	for (unsigned i = 0; i < c->types_n; i++) {
		if (media_matches(type, str_of(c->types[i])))
			return true;
	}
	return false;
}

/* A digest is one of the bytes that the backend has sent (RFC 9530). */
static bool is_sealed(const struct fields *f)
{
	return has(f, STR("content-encoding")) ||
	       says(f, STR("cache-control"), STR("no-transform")) ||
	       has(f, STR("content-digest")) || has(f, STR("repr-digest")) ||
	       has(f, STR("digest")) || has(f, STR("content-md5"));
}

static bool may_vary(const struct request *rq, const struct fields *f, uint16_t status)
{
	return rq->role == REQUEST_OWN && !rq->is_grpc && status >= 200 && status != 204 &&
	       status != 206 && status != 304 && is_listed(&rq->service->conf->compress, f) &&
	       !is_sealed(f);
}

static bool tells_vary(const struct fields *f)
{
	return says(f, STR("vary"), STR("accept-encoding")) || says(f, STR("vary"), STR("*"));
}

/* ---- what does the client want? ---- */

struct wish {
	enum coding coding; /* CODING_IDENTITY: none of ours */
	int level;
	bool refuses_identity;
};

static struct accept_weights weights_of(const struct request *rq, struct str coding)
{
	struct accept_weights w = { ACCEPT_UNSAID, ACCEPT_UNSAID };
	const char *base = buf_head(rq->block);
	for (uint16_t i = 0; i < rq->head.n; i++) {
		const struct http_field *one = &rq->head.fields[i];
		if (str_eq_nocase(http_field_name(base, one), STR("accept-encoding")))
			accept_encoding_read(&w, http_field_value(base, one), coding);
	}
	return w;
}

/* The one that it wants most; of equals, the first of the config. HTTP/1.0 has no framing for it. */
static struct wish wish_of(const struct request *rq)
{
	const struct conf_compress *c = &rq->service->conf->compress;
	struct accept_weights identity = weights_of(rq, coding_name(CODING_IDENTITY));
	struct wish wish = { .coding = CODING_IDENTITY };
	int most = identity.own > 0 ? identity.own - 1 : 0;
	wish.refuses_identity = accept_encoding_weight(&identity) == 0;
	for (unsigned i = 0; rq->head.minor > 0 && i < c->codings_n; i++) {
		enum coding coding = (enum coding)c->codings[i];
		struct accept_weights w = weights_of(rq, coding_name(coding));
		if (accept_encoding_weight(&w) > most) {
			most = accept_encoding_weight(&w);
			wish.coding = coding;
			wish.level = c->levels[i];
		}
	}
	return wish;
}

/* ---- the head ---- */

/* RFC 9110 §8.8.1: a strong validator is one of the very bytes. */
static bool weaken_etag(const struct fields *f, struct str etag)
{
	char weak[ETAG_MAX] = "W/";
	bool is_strong = etag.n > 0 && etag.p[0] == '"';
	if (str_starts_with(etag, STR("W/")))
		return true;
	if (!is_strong || etag.n + 2 > sizeof(weak))
		return edits_set(f->edits, STR("ETag"), (struct str){ NULL, 0 }) == EDITS_OK;
	memcpy(weak + 2, etag.p, etag.n);
	return edits_set(f->edits, STR("ETag"), (struct str){ weak, etag.n + 2 }) == EDITS_OK;
}

static bool change_etag(const struct fields *f)
{
	struct str etag;
	return !any(f, STR("etag"), is_there, STR(""), &etag) || weaken_etag(f, etag);
}

/* Parts of it are asked for by its bytes, and those are others each time. */
static bool change_ranges(const struct fields *f)
{
	return !has(f, STR("accept-ranges")) ||
	       edits_set(f->edits, STR("Accept-Ranges"), (struct str){ NULL, 0 }) == EDITS_OK;
}

static bool change_head(const struct fields *f, enum coding coding)
{
	return change_ranges(f) && change_etag(f) &&
	       edits_set(f->edits, STR("Content-Encoding"), coding_name(coding)) == EDITS_OK;
}

/*
 * A client that has a compressed answer asks by the weak validator that we made. What it is told then
 * is about that one (RFC 9110 §15.4.5).
 */
static void look_at_unchanged(struct relay *r, const struct fields *f)
{
	const struct request *rq = r->rq;
	const char *base = buf_head(rq->block);
	const struct http_field *asks = http_find_name(&rq->head, base, STR("if-none-match"));
	struct str etag, item;
	if (asks == NULL || !any(f, STR("etag"), is_there, STR(""), &etag) ||
	    !str_starts_with(etag, STR("\"")))
		return;
	struct str list = http_field_value(base, asks);
	while (str_split(&list, ',', &item)) {
		item = str_trim(item);
		if (str_starts_with(item, STR("W/")) &&
		    str_eq((struct str){ item.p + 2, item.n - 2 }, etag)) {
			r->varies = weaken_etag(f, etag) && !tells_vary(f);
			return;
		}
	}
}

/* ---- an answer ---- */

enum { UNKNOWN = -1 };

static bool is_worth_it(const struct request *rq, int64_t bytes, const struct wish *wish)
{
	return bytes == UNKNOWN ||
	       (bytes > 0 && (wish->refuses_identity ||
			      bytes >= (int64_t)rq->service->conf->compress.min_bytes));
}

/* bytes: of its body. */
static void decide(struct relay *r, const struct fields *f, uint16_t status, int64_t bytes)
{
	struct request *rq = r->rq;
	relay_drop_squeeze(r);
	r->varies = false;
	if (!may_vary(rq, f, status))
		return;
	r->varies = !tells_vary(f);
	struct wish wish = wish_of(rq);
	if (wish.coding == CODING_IDENTITY || !request_gets_body(rq, status) ||
	    !is_worth_it(rq, bytes, &wish))
		return;
	r->squeeze = squeeze_create(rq, wish.coding, wish.level);
	if (r->squeeze != NULL && !change_head(f, wish.coding))
		relay_drop_squeeze(r);
}

static int64_t answer_bytes(const struct relay *r)
{
	const struct http_head *head = &r->at->leg.head;
	if (relay_is_replaced(r))
		return r->kept->own_n;
	if (head->framing == FRAMING_NONE)
		return 0;
	return head->framing == FRAMING_LENGTH && head->length < INT64_MAX ? (int64_t)head->length
									   : UNKNOWN;
}

/* The chunk coding was taken out of it for an encoder, and its client needs one. */
static bool lacks_coding(const struct relay *r)
{
	return r->squeeze == NULL && unlikely(r->kept != NULL) && !relay_is_replaced(r) &&
	       r->at->leg.head.framing == FRAMING_CHUNKED && r->client->form == CLIENT_CODED;
}

bool compress_answer(struct relay *r)
{
	struct http_head *head = &r->at->leg.head;
	struct edits *edits = r->view.edits;
	struct fields f = { .head = head, .base = r->view.base, .edits = &edits };
	decide(r, &f, head->status, answer_bytes(r));
	if (head->status == 304 && r->rq->role == REQUEST_OWN)
		look_at_unchanged(r, &f);
	r->view.edits = edits;
	if (lacks_coding(r))
		r->squeeze = squeeze_create(r->rq, CODING_IDENTITY, 0);
	return !lacks_coding(r);
}

struct edits *compress_reply(struct relay *r)
{
	const struct neap_reply *reply = &r->rq->view.reply;
	struct edits *edits = NULL;
	struct fields f = { .lines = { reply->headers, reply->headers_n }, .edits = &edits };
	decide(r, &f, (uint16_t)reply->status, reply->body_n);
	return edits;
}

#include "exchange/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/dice.h"
#include "base/json.h"
#include "crypto/sha256.h"
#include "exchange/access_line.h"
#include "exchange/failure.h"
#include "exchange/ids.h"
#include "exchange/tls_line.h"
#include "exchange/view.h"
#include "script/hooks.h"
#include "shm/board_backend.h"
#include "shm/board_cell.h"
#include "shm/board_counter.h"
#include "shm/board_pool.h"
#include "shm/board_state.h"
#include "shm/recording.h"

enum {
	RECORD_BYTES = 128 * 1024,    /* of a request */
	POOL_BYTES = 2 * 1024 * 1024, /* of a pool */
	UNDER_WAY_MAX = 1024,	      /* requests of a worker: more are lost */
	TAIL_BYTES = 4096,	      /* what the outcome takes at most */
	SECRET_DIGITS = 16,
};

struct record {
	uint32_t number; /* of the recording */
	bool is_open;	 /* a step is being written: its verdict is missing */
	bool is_spoilt;
	struct out o;
	char bytes[RECORD_BYTES];
};

/* What this worker has said of pools in the present recording. */
static struct {
	uint32_t number;
	unsigned under_way;
	uint32_t version[BOARD_POOLS_MAX];
	bool is_said[BOARD_POOLS_MAX];
} said;

static int32_t members[BOARD_BACKENDS_MAX];

static void look_at(uint32_t number)
{
	if (said.number == number)
		return;
	unsigned under_way = said.under_way;
	memset(&said, 0, sizeof(said));
	said.under_way = under_way;
	said.number = number;
}

static void add_signed(struct out *o, const char *key, int64_t value)
{
	char text[32];
	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	json_key(o, key);
	out_str(o, str_of(text));
}

static uint32_t load(const _Atomic uint32_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

/* ---- pools ---- */

/* Up to the last tag; zeros stand between tags. */
static struct str tags_of(const struct board_text *text)
{
	size_t n = sizeof(text->tags);
	while (n > 0 && text->tags[n - 1] == '\0')
		n--;
	return (struct str){ text->tags, n == 0 || n == sizeof(text->tags) ? n : n + 1 };
}

static void tell_member(struct out *o, const struct board *b, int slot)
{
	const struct board_backend *row = &b->backends[slot];
	struct board_text text;

	json_begin(o, NULL, '{');
	if (board_backend_text(b, slot, board_epoch(b, slot), &text)) {
		json_text(o, "name", str_of(text.name));
		json_some(o, "url", str_of(text.url));
		json_some(o, "zone", str_of(text.zone));
		json_some(o, "tags", tags_of(&text));
	}
	json_text(o, "state", str_of(board_state_word(board_state(b, slot))));
	add_signed(o, "since", board_state_since_ms(b, slot));
	add_signed(o, "back_since", atomic_load(&row->back_since_ms));
	json_number(o, "weight", load(&row->weight));
	json_number(o, "slots", load(&row->slots));
	add_signed(o, "tier", atomic_load(&row->tier));
	json_end(o, '}');
}

/* What this version of the pool is; false: there is no room for it. */
static bool say_pool(const struct request *rq, int place, int pool, uint32_t version, unsigned n)
{
	static char memory[POOL_BYTES];
	const struct plane *p = rq->plane;
	struct out o;

	out_init(&o, memory, sizeof(memory));
	json_begin(&o, NULL, '{');
	json_text(&o, "pool", str_of(p->conf->pools[place].name));
	json_number(&o, "worker", p->worker);
	json_number(&o, "version", version);
	json_begin(&o, "members", '[');
	for (unsigned i = 0; i < n; i++)
		tell_member(&o, p->board, members[i]);
	json_end(&o, ']');
	json_end(&o, '}');
	out_str(&o, STR("\n"));
	said.is_said[pool] = !o.full && recording_add(p->board, p->worker, rq->record->number,
						      (struct str){ o.p, o.n });
	said.version[pool] = version;
	return said.is_said[pool];
}

static void tell_numbers(struct out *o, const char *key, const struct board *b, unsigned n,
			 bool are_latencies)
{
	json_begin(o, key, '[');
	for (unsigned i = 0; i < n; i++) {
		json_next(o);
		out_u64(o, are_latencies ? load(&b->backends[members[i]].latency_us)
					 : board_inflight(b, members[i]));
	}
	json_end(o, ']');
}

/* The counters of its turns, and those that policies keep of it. */
static void tell_counters(struct out *o, const struct board *b, const char *pool)
{
	char name[BOARD_COUNTER_NAME_WORDS * 8], start[CONF_NAME_MAX + 1];
	uint64_t value;

	(void)snprintf(start, sizeof(start), "%s\37", pool);
	json_begin(o, "counters", '{');
	for (unsigned i = 0; i < BOARD_COUNTERS_MAX; i++) {
		if (!board_counter_at(b, i, name, sizeof(name), &value) ||
		    !str_starts_with(str_of(name), str_of(start)))
			continue;
		json_name(o, str_of(name + strlen(start)));
		out_u64(o, value);
	}
	json_end(o, '}');
}

static void tell_pool(struct request *rq, struct out *o, int place)
{
	const struct board *b = rq->plane->board;
	const char *name = rq->plane->conf->pools[place].name;
	int pool = board_pool_find(b, str_of(name));

	if (pool == BOARD_NONE)
		return;
	uint32_t version = board_pool_version(b, pool);
	unsigned n = board_pool_members(b, pool, members, countof(members));
	if (n > countof(members))
		n = countof(members);
	if ((!said.is_said[pool] || said.version[pool] != version) &&
	    !say_pool(rq, place, pool, version, n))
		rq->record->is_spoilt = true;
	json_begin(o, NULL, '{');
	json_text(o, "pool", str_of(name));
	json_number(o, "version", version);
	tell_numbers(o, "inflight", b, n, false);
	tell_numbers(o, "latency_us", b, n, true);
	tell_counters(o, b, name);
	json_end(o, '}');
}

/* All that the hooks may choose among: the service's own pool, or any. */
static void tell_pools(struct request *rq, struct out *o)
{
	bool may_choose = hooks_have(rq->service->hooks, HOOK_BACKENDS);
	int own = rq->service->conf->pool;

	json_begin(o, "pools", '[');
	for (int i = 0; i < (int)rq->plane->conf->pools_n; i++) {
		if (may_choose || i == own)
			tell_pool(rq, o, i);
	}
	json_end(o, ']');
}

/* ---- the request ---- */

static bool is_redacted(const struct recording *r, struct str name)
{
	struct str rest = str_of(r->redact), one;

	while (str_split(&rest, ',', &one)) {
		if (one.n > 0 && str_eq_nocase(one, name))
			return true;
	}
	return false;
}

/* A secret looks the same throughout a recording, whose key nobody else knows and nobody keeps. */
static void add_secret(struct out *o, const struct recording *r, struct str value)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t digest[SHA256_BYTES];
	char text[SECRET_DIGITS];

	sha256_hmac(r->key, sizeof(r->key), value.p, value.n, digest);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = digits[digest[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
	out_str(o, STR("\"redacted-"));
	out_str(o, (struct str){ text, sizeof(text) });
	out_str(o, STR("\""));
}

static void tell_headers(struct out *o, const struct request *rq)
{
	const struct recording *r = &rq->plane->board->recording;
	const char *base = rq->view.base;

	json_begin(o, "headers", '[');
	for (unsigned i = 0; i < rq->head.n; i++) {
		const struct http_field *f = &rq->head.fields[i];
		struct str name = http_field_name(base, f), value = http_field_value(base, f);
		json_begin(o, NULL, '[');
		json_string(o, name);
		json_next(o);
		if (is_redacted(r, name))
			add_secret(o, r, value);
		else
			json_string(o, value);
		json_end(o, ']');
	}
	json_end(o, ']');
}

/* What a ClientHello says that was only read, or a PROXY header. */
static void tell_hello(struct out *o, const struct client_tls *hello)
{
	size_t at = 0;

	json_some(o, "sni", hello->sni);
	json_some(o, "ja4", hello->ja4);
	if (hello->alpn.p == NULL)
		return;
	json_begin(o, "alpn", '[');
	while (at < hello->alpn.n) {
		size_t n = (uint8_t)hello->alpn.p[at];
		json_next(o);
		json_string(o, (struct str){ hello->alpn.p + at + 1, n });
		at += 1 + n;
	}
	json_end(o, ']');
}

static void tell_tls(struct out *o, const struct request *rq)
{
	struct tls_line l;

	if (rq->view.outer_tls != NULL)
		tell_hello(o, rq->view.outer_tls);
	if (tls_line_look(&l, rq))
		tls_line_tell_all(o, &l);
}

static void tell_request(struct out *o, const struct request *rq)
{
	const struct neap_request *v = &rq->view;
	char ip[INET6_ADDRSTRLEN], id[IDS_TEXT_MAX], time[32];

	(void)snprintf(time, sizeof(time), "%.6f", v->time);
	json_some(o, "id", ids_text(rq, id));
	json_key(o, "time");
	out_str(o, str_of(time));
	json_text(o, "client_ip", hook_client_ip(v, ip));
	json_number(o, "client_port", v->port);
	tell_tls(o, rq);
	if (v->is_tcp != 0)
		return;
	json_text(o, "method", (struct str){ v->method, v->method_n });
	json_text(o, "path", (struct str){ v->path, v->path_n });
	if (v->has_query != 0)
		json_text(o, "query", (struct str){ v->query, v->query_n });
	json_text(o, "host", (struct str){ v->host, v->host_n });
	json_text(o, "version", http_version(v->minor));
	if (rq->h2_stream != 0)
		json_number(o, "stream", (uint32_t)rq->h2_stream);
	tell_headers(o, rq);
}

static struct record *create(struct request *rq, uint32_t number)
{
	struct record *r = said.under_way < UNDER_WAY_MAX ? malloc(sizeof(*r)) : NULL;

	if (r == NULL) {
		recording_lost(rq->plane->board);
		return NULL;
	}
	said.under_way++;
	r->number = number;
	r->is_open = r->is_spoilt = false;
	out_init(&r->o, r->bytes, sizeof(r->bytes) - TAIL_BYTES);
	return r;
}

void record_begin(struct request *rq)
{
	const struct plane *p = rq->plane;
	uint32_t number = recording_begin(p->board, loop_now_ms(p->loop));

	if (number == 0)
		return;
	look_at(number);
	rq->record = create(rq, number);
	if (rq->record == NULL)
		return;
	struct out *o = &rq->record->o;
	json_begin(o, NULL, '{');
	json_begin(o, "request", '{');
	tell_request(o, rq);
	json_end(o, '}');
	json_text(o, "service", str_of(rq->service->conf->name));
	json_number(o, "worker", p->worker);
	json_number(o, "number", rq->view.id);
	json_begin(o, "steps", '[');
}

/* ---- its steps ---- */

/* Steps of a request and its rival may overlap, where hooks wait: that cannot be told. */
static void open_step(struct record *r, const char *hook)
{
	if (r->is_open) {
		r->is_spoilt = true;
		json_end(&r->o, '}');
	}
	json_begin(&r->o, NULL, '{');
	r->is_open = true;
	json_text(&r->o, "ask", str_of(hook));
}

static void tell_tried(struct out *o, const struct request *rq)
{
	const struct board *b = rq->plane->board;
	struct board_text text;

	if (rq->view.tried_n == 0)
		return;
	json_begin(o, "tried", '[');
	for (uint32_t i = 0; i < rq->view.tried_n; i++) {
		int slot = rq->view.tried[i];
		json_next(o);
		json_string(o, board_backend_text(b, slot, board_epoch(b, slot), &text)
				       ? str_of(text.name)
				       : STR(""));
	}
	json_end(o, ']');
}

void record_ask(struct request *rq, enum ask ask)
{
	struct record *r = rq->record;
	char dice[24], at[32];

	if (ask != ASK_DECIDE && ask != ASK_PICK)
		return;
	open_step(r, ask == ASK_DECIDE ? "decide" : "pick");
	(void)snprintf(dice, sizeof(dice), "%016" PRIx64, dice_state());
	(void)snprintf(at, sizeof(at), "%.6f", rq->plane->loop->unix_now);
	json_key(&r->o, "at");
	out_str(&r->o, str_of(at));
	json_text(&r->o, "dice", str_of(dice));
	tell_tried(&r->o, rq);
	tell_pools(rq, &r->o);
}

static void tell_backend(struct out *o, const struct request *rq)
{
	const struct backend *b = view_backend(rq);
	json_text(o, "backend", str_of(b != NULL ? b->name : ""));
}

void record_failed(struct request *rq)
{
	const struct neap_failure *f = &rq->failure;
	struct out *o = &rq->record->o;

	open_step(rq->record, "failed");
	tell_backend(o, rq);
	json_text(o, "stage", str_of(failure_stage(f)));
	json_text(o, "kind", str_of(failure_kind(f)));
	json_number(o, "status", f->status);
	if (f->grpc_status != 0)
		json_number(o, "grpc_status", f->grpc_status);
	json_number(o, "safe", f->safe != 0);
	json_number(o, "ours", f->ours != 0);
	json_number(o, "kept", f->kept != 0);
	json_text(o, "message", str_of(f->message));
}

void record_verdict(struct request *rq, enum neap_verdict verdict)
{
	static const char *const words[] = {
		[NEAP_BACKEND] = "backend", [NEAP_REPLY] = "reply", [NEAP_NONE] = "none",
		[NEAP_QUEUE] = "queue",	    [NEAP_RETRY] = "retry", [NEAP_FAIL] = "fail",
		[NEAP_REFUSE] = "refuse",
	};
	struct record *r = rq->record;

	if (verdict == NEAP_WAIT || !r->is_open)
		return;
	r->is_open = false;
	const char *word = (unsigned)verdict < countof(words) ? words[verdict] : NULL;
	json_text(&r->o, "verdict", str_of(word != NULL ? word : "?"));
	if (verdict == NEAP_BACKEND) {
		json_some(&r->o, "pool", str_of(rq->plane->conf->pools[rq->view.pool].name));
		tell_backend(&r->o, rq);
	}
	if (verdict == NEAP_NONE)
		json_text(&r->o, "reason", str_of(rq->view.reason));
	if (verdict == NEAP_REPLY)
		json_number(&r->o, "status", rq->view.reply.status);
	json_end(&r->o, '}');
}

/* ---- the end ---- */

static void tell_outcome(struct out *o, const struct neap_outcome *outcome)
{
	json_begin(o, "outcome", '{');
	json_number(o, "status", outcome->status);
	access_line_tell_grpc(o, outcome);
	json_number(o, "attempts", outcome->attempts);
	json_number(o, "bytes", outcome->bytes);
	access_line_tell_times(o, outcome);
	json_end(o, '}');
}

void record_end(struct request *rq, const struct neap_outcome *outcome)
{
	struct record *r = rq->record;
	struct board *b = rq->plane->board;

	r->o.cap = sizeof(r->bytes);
	if (r->is_open) /* the client left while a hook waited */
		json_end(&r->o, '}');
	json_end(&r->o, ']');
	tell_outcome(&r->o, outcome);
	json_end(&r->o, '}');
	out_str(&r->o, STR("\n"));
	if (r->o.full || r->is_spoilt ||
	    !recording_add(b, rq->plane->worker, r->number, (struct str){ r->o.p, r->o.n }))
		recording_lost(b);
	free(r);
	rq->record = NULL;
	said.under_way--;
}

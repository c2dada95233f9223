#include "proxy/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy/access_line.h"
#include "proxy/failure.h"
#include "proxy/ids.h"
#include "proxy/json_out.h"
#include "proxy/view.h"
#include "script/fate.h"
#include "script/sha256.h"

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
	struct h1_out o;
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

static void add_signed(struct h1_out *o, const char *key, int64_t value)
{
	char text[32];
	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	json_key(o, key);
	h1_out_str(o, str_of(text));
}

static uint32_t load(const _Atomic uint32_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

/* ---- pools ---- */

/* Up to its last tag: zeros are between them. */
static struct str tags_of(const struct board_text *text)
{
	size_t n = sizeof(text->tags);
	while (n > 0 && text->tags[n - 1] == '\0')
		n--;
	return (struct str){ text->tags, n == 0 || n == sizeof(text->tags) ? n : n + 1 };
}

static void tell_member(struct h1_out *o, const struct board *b, int slot)
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
static bool say_pool(const struct exchange *ex, int place, int pool, uint32_t version, unsigned n)
{
	static char memory[POOL_BYTES];
	const struct proxy *p = ex->proxy;
	struct h1_out o;

	h1_out_init(&o, memory, sizeof(memory));
	json_begin(&o, NULL, '{');
	json_text(&o, "pool", str_of(p->conf->pools[place].name));
	json_number(&o, "worker", p->worker);
	json_number(&o, "version", version);
	json_begin(&o, "members", '[');
	for (unsigned i = 0; i < n; i++)
		tell_member(&o, p->board, members[i]);
	json_end(&o, ']');
	json_end(&o, '}');
	h1_out_str(&o, STR("\n"));
	said.is_said[pool] = !o.full && recording_add(p->board, p->worker, ex->record->number,
						      (struct str){ o.p, o.n });
	said.version[pool] = version;
	return said.is_said[pool];
}

static void tell_numbers(struct h1_out *o, const char *key, const struct board *b, unsigned n,
			 bool are_latencies)
{
	json_begin(o, key, '[');
	for (unsigned i = 0; i < n; i++) {
		json_next(o);
		h1_out_u64(o, are_latencies ? load(&b->backends[members[i]].latency_us)
					    : board_inflight(b, members[i]));
	}
	json_end(o, ']');
}

/* What counts its turns, and what policies count of it. */
static void tell_counters(struct h1_out *o, const struct board *b, const char *pool)
{
	char name[BOARD_COUNTER_NAME_WORDS * 8], start[CONF_NAME_MAX + 1];
	uint64_t value;

	(void)snprintf(start, sizeof(start), "%s\37", pool);
	json_begin(o, "counters", '{');
	for (unsigned i = 0; i < BOARD_COUNTERS_MAX; i++) {
		if (!board_counter_at(b, i, name, sizeof(name), &value) ||
		    !str_starts_with(str_of(name), str_of(start)))
			continue;
		json_next(o);
		json_string(o, str_of(name + strlen(start)));
		h1_out_str(o, STR(":"));
		h1_out_u64(o, value);
	}
	json_end(o, '}');
}

static void tell_pool(struct exchange *ex, struct h1_out *o, int place)
{
	const struct board *b = ex->proxy->board;
	const char *name = ex->proxy->conf->pools[place].name;
	int pool = board_pool_find(b, str_of(name));

	if (pool == BOARD_NONE)
		return;
	uint32_t version = board_pool_version(b, pool);
	unsigned n = board_pool_members(b, pool, members, countof(members));
	if (n > countof(members))
		n = countof(members);
	if ((!said.is_said[pool] || said.version[pool] != version) &&
	    !say_pool(ex, place, pool, version, n))
		ex->record->is_spoilt = true;
	json_begin(o, NULL, '{');
	json_text(o, "pool", str_of(name));
	json_number(o, "version", version);
	tell_numbers(o, "inflight", b, n, false);
	tell_numbers(o, "latency_us", b, n, true);
	tell_counters(o, b, name);
	json_end(o, '}');
}

/* All that the hooks may choose among: the service's own pool, or any. */
static void tell_pools(struct exchange *ex, struct h1_out *o)
{
	bool may_choose = hooks_have(ex->service->hooks, HOOK_BACKENDS);
	int own = ex->service->conf->pool;

	json_begin(o, "pools", '[');
	for (int i = 0; i < (int)ex->proxy->conf->pools_n; i++) {
		if (may_choose || i == own)
			tell_pool(ex, o, i);
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

/* The same for the same secret, in one recording: the key is known to nobody else and forgotten. */
static void add_secret(struct h1_out *o, const struct recording *r, struct str value)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t digest[SHA256_BYTES];
	char text[SECRET_DIGITS];

	sha256_hmac(r->key, sizeof(r->key), value.p, value.n, digest);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = digits[digest[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
	h1_out_str(o, STR("\"redacted-"));
	h1_out_str(o, (struct str){ text, sizeof(text) });
	h1_out_str(o, STR("\""));
}

static void tell_headers(struct h1_out *o, const struct exchange *ex)
{
	const struct recording *r = &ex->proxy->board->recording;
	const char *base = ex->view.base;

	json_begin(o, "headers", '[');
	for (unsigned i = 0; i < ex->req.n; i++) {
		const struct http_field *f = &ex->req.fields[i];
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

static void tell_request(struct h1_out *o, const struct exchange *ex)
{
	const struct neap_request *v = &ex->view;
	char ip[INET6_ADDRSTRLEN], id[IDS_TEXT_MAX], time[32];

	(void)snprintf(time, sizeof(time), "%.6f", v->time);
	json_some(o, "id", ids_text(ex, id));
	json_key(o, "time");
	h1_out_str(o, str_of(time));
	json_text(o, "client_ip", hook_client_ip(v, ip));
	json_number(o, "client_port", v->port);
	if (v->is_tcp != 0)
		return;
	json_text(o, "method", (struct str){ v->method, v->method_n });
	json_text(o, "path", (struct str){ v->path, v->path_n });
	if (v->has_query != 0)
		json_text(o, "query", (struct str){ v->query, v->query_n });
	json_text(o, "host", (struct str){ v->host, v->host_n });
	json_text(o, "version", v->minor == 0 ? STR("1.0") : STR("1.1"));
	tell_headers(o, ex);
}

static struct record *create(struct exchange *ex, uint32_t number)
{
	struct record *r = said.under_way < UNDER_WAY_MAX ? malloc(sizeof(*r)) : NULL;

	if (r == NULL) {
		recording_lost(ex->proxy->board);
		return NULL;
	}
	said.under_way++;
	r->number = number;
	r->is_open = r->is_spoilt = false;
	h1_out_init(&r->o, r->bytes, sizeof(r->bytes) - TAIL_BYTES);
	return r;
}

void record_begin(struct exchange *ex)
{
	const struct proxy *p = ex->proxy;
	uint32_t number = recording_begin(p->board, loop_now_ms(p->loop));

	if (number == 0)
		return;
	look_at(number);
	ex->record = create(ex, number);
	if (ex->record == NULL)
		return;
	struct h1_out *o = &ex->record->o;
	json_begin(o, NULL, '{');
	json_begin(o, "request", '{');
	tell_request(o, ex);
	json_end(o, '}');
	json_text(o, "service", str_of(ex->service->conf->name));
	json_number(o, "worker", p->worker);
	json_number(o, "number", ex->view.id);
	json_begin(o, "steps", '[');
}

/* ---- its steps ---- */

static void open_step(struct record *r, const char *hook)
{
	json_begin(&r->o, NULL, '{');
	r->is_open = true;
	json_text(&r->o, "ask", str_of(hook));
}

static void tell_tried(struct h1_out *o, const struct exchange *ex)
{
	const struct board *b = ex->proxy->board;
	struct board_text text;

	if (ex->view.tried_n == 0)
		return;
	json_begin(o, "tried", '[');
	for (uint32_t i = 0; i < ex->view.tried_n; i++) {
		int slot = ex->view.tried[i];
		json_next(o);
		json_string(o, board_backend_text(b, slot, board_epoch(b, slot), &text)
				       ? str_of(text.name)
				       : STR(""));
	}
	json_end(o, ']');
}

void record_step(struct exchange *ex)
{
	struct record *r = ex->record;
	char dice[24], at[32];

	if (ex->state != EX_DECIDE && ex->state != EX_PICK)
		return;
	open_step(r, ex->state == EX_DECIDE ? "decide" : "pick");
	(void)snprintf(dice, sizeof(dice), "%016" PRIx64, fate_dice());
	(void)snprintf(at, sizeof(at), "%.6f", ex->proxy->loop->unix_now);
	json_key(&r->o, "at");
	h1_out_str(&r->o, str_of(at));
	json_text(&r->o, "dice", str_of(dice));
	json_number(&r->o, "turn", fate_turn());
	tell_tried(&r->o, ex);
	tell_pools(ex, &r->o);
}

static void tell_backend(struct h1_out *o, const struct exchange *ex)
{
	const struct backend *b = view_backend(ex);
	json_text(o, "backend", str_of(b != NULL ? b->name : ""));
}

void record_failed(struct exchange *ex)
{
	const struct neap_failure *f = &ex->failure;
	struct h1_out *o = &ex->record->o;

	open_step(ex->record, "failed");
	tell_backend(o, ex);
	json_text(o, "stage", str_of(failure_stage(f)));
	json_text(o, "kind", str_of(failure_kind(f)));
	json_number(o, "status", f->status);
	json_number(o, "safe", f->safe != 0);
	json_text(o, "message", str_of(f->message));
}

void record_verdict(struct exchange *ex, enum neap_verdict verdict)
{
	static const char *const words[] = {
		[NEAP_BACKEND] = "backend", [NEAP_REPLY] = "reply", [NEAP_NONE] = "none",
		[NEAP_QUEUE] = "queue",	    [NEAP_RETRY] = "retry", [NEAP_FAIL] = "fail",
		[NEAP_REFUSE] = "refuse",
	};
	struct record *r = ex->record;

	if (verdict == NEAP_WAIT || !r->is_open)
		return;
	r->is_open = false;
	const char *word = (unsigned)verdict < countof(words) ? words[verdict] : NULL;
	json_text(&r->o, "verdict", str_of(word != NULL ? word : "?"));
	if (verdict == NEAP_BACKEND) {
		json_some(&r->o, "pool", str_of(ex->proxy->conf->pools[ex->view.pool].name));
		tell_backend(&r->o, ex);
	}
	if (verdict == NEAP_NONE)
		json_text(&r->o, "reason", str_of(ex->view.reason));
	if (verdict == NEAP_REPLY)
		json_number(&r->o, "status", ex->view.reply.status);
	json_end(&r->o, '}');
}

/* ---- the end ---- */

static void tell_outcome(struct h1_out *o, const struct neap_outcome *outcome)
{
	json_begin(o, "outcome", '{');
	json_number(o, "status", outcome->status);
	json_number(o, "attempts", outcome->attempts);
	json_number(o, "bytes", outcome->bytes);
	access_line_tell_times(o, outcome);
	json_end(o, '}');
}

void record_end(struct exchange *ex, const struct neap_outcome *outcome)
{
	struct record *r = ex->record;
	struct board *b = ex->proxy->board;

	r->o.cap = sizeof(r->bytes);
	if (r->is_open) /* the client left while a hook waited */
		json_end(&r->o, '}');
	json_end(&r->o, ']');
	tell_outcome(&r->o, outcome);
	json_end(&r->o, '}');
	h1_out_str(&r->o, STR("\n"));
	if (r->o.full || r->is_spoilt ||
	    !recording_add(b, ex->proxy->worker, r->number, (struct str){ r->o.p, r->o.n }))
		recording_lost(b);
	free(r);
	ex->record = NULL;
	said.under_way--;
}

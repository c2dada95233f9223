#include "script/hook.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/edits.h"
#include "script/entry.h"
#include "script/holds.h"
#include "script/trip.h"

void hook_request_init(struct neap_request *r)
{
	r->pool = -1;
	r->slot = -1;
	r->epoch = 0;
	r->outer_id_n = 0;
	r->has_state = 0;
	r->edits = NULL;
	r->new_path = NULL;
	r->new_path_n = 0;
	r->reason[0] = '\0';
	r->reply = (neap_reply){ 0 };
	r->certificate = NULL;
	r->body_door = NULL;
	r->route = NULL;
	r->holds = NULL;
	r->holder = NULL;
	r->co = NULL;
	r->on_trouble = NULL;
	r->ran = 0;
}

enum neap_verdict hook_decide(struct hooks *h, struct neap_request *r)
{
	struct entry_details none = { 0 };
	return entry_call(h, r, ENTRY_DECIDE, 0, &none);
}

enum neap_verdict hook_pick(struct hooks *h, struct neap_request *r)
{
	struct entry_details none = { 0 };
	return entry_call(h, r, ENTRY_DECIDE, 1u << HOOK_REQUEST | 1u << HOOK_BACKENDS, &none);
}

enum neap_verdict hook_failed(struct hooks *h, struct neap_request *r, const struct neap_failure *f)
{
	struct entry_details details = { .failure = f };
	return entry_call(h, r, ENTRY_FAILED, 0, &details);
}

enum neap_verdict hook_response(struct hooks *h, struct neap_request *r,
				struct neap_response *response)
{
	struct entry_details details = { .response = response };
	if (likely(!hooks_have(h, HOOK_RESPONSE)))
		return NEAP_DONE;
	return entry_call(h, r, ENTRY_RESPONSE, 0, &details);
}

bool hook_error(struct hooks *h, struct neap_request *r, uint32_t status, const char *reason)
{
	const neap_outcome o = { .status = status, .reason = reason };
	struct entry_details details = { .outcome = &o };
	if (likely(!hooks_have(h, HOOK_ERROR)))
		return false;
	hook_cancel(r); /* another hook may still wait: what it would say comes too late */
	return entry_call(h, r, ENTRY_ERROR, 0, &details) == NEAP_REPLY;
}

bool hook_connection(struct hooks *h, struct neap_request *r)
{
	struct entry_details none = { 0 };
	return entry_call(h, r, ENTRY_CONNECTION, 0, &none) != NEAP_REFUSE;
}

bool hook_key(struct hooks *h, struct neap_request *r)
{
	struct entry_details none = { 0 };
	return entry_call(h, r, ENTRY_KEY, 0, &none) != NEAP_REFUSE;
}

enum neap_verdict hook_certificate(struct hooks *h, struct neap_request *r)
{
	struct entry_details none = { 0 };
	return entry_call(h, r, ENTRY_CERTIFICATE, 0, &none);
}

/* Drops what Lua keeps of the request. Cannot fail: nothing is allocated. */
static void forget_request(const struct hook_table *t, const neap_request *r)
{
	lua_State *L = t->vm->L;
	lua_rawgeti(L, LUA_REGISTRYINDEX, t->requests);
	lua_pushnumber(L, (lua_Number)r->id);
	lua_pushnil(L);
	lua_rawset(L, -3);
	lua_pop(L, 1);
}

void hook_finish(struct hooks *h, struct neap_request *r, const struct neap_outcome *o)
{
	struct entry_details details = { .outcome = o };
	log_line_reset(&h->table->line);
	hook_cancel(r);
	if (o != NULL && hooks_tell(h))
		(void)entry_call(h, r, ENTRY_LOG, 0, &details);
	if (r->has_state != 0)
		forget_request(h->table, r);
	r->has_state = 0;
	edits_free(r->edits);
	r->edits = NULL;
	free(r->route);
	r->route = NULL;
	if (unlikely(r->holds != NULL))
		holds_end(&r->holds);
	free(r->new_path);
	r->new_path = NULL;
	entry_drop_reply(r);
}

struct str hook_request_id(const struct hooks *h, const struct neap_request *r, char *to,
			   size_t size)
{
	if (r->outer_id_n > 0)
		return (struct str){ r->outer_id, r->outer_id_n };
	int n = snprintf(to, size, "%08" PRIx32 "-%" PRIx64, h->table->id_prefix, r->id);
	return (struct str){ to, n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1 };
}

struct str hook_client_ip(const struct neap_request *r, char to[INET6_ADDRSTRLEN])
{
	struct peer peer = { .family = r->ip_family };
	memcpy(peer.ip, r->ip, sizeof peer.ip);
	return (struct str){ to, peer_print_ip(&peer, to) };
}

enum log_line_answer hook_line(const struct hooks *h, struct str *line)
{
	const struct log_line *l = &h->table->line;
	*line = (struct str){ l->text, l->n };
	return l->answer;
}

bool hook_awaits_body(const struct neap_request *r)
{
	const struct co *co = r->co;
	return co != NULL && wait_is_for_body(&co->wait);
}

void hook_body_came(struct neap_request *r)
{
	struct co *co = r->co;
	wait_body_over(&co->wait);
}

void hook_cancel(struct neap_request *r)
{
	if (r->co == NULL)
		return;
	struct co *co = r->co;
	trip_settle(co->owner, co->trying, 0);
	co_drop(co);
	r->co = NULL;
}

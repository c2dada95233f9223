#include "script/hooks.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "base/dice.h"
#include "script/place.h"
#include "shm/board.h"
#include "shm/board_service.h"

const uint32_t hooks_called[ENTRIES] = {
	[ENTRY_DECIDE] = 1u << HOOK_REQUEST | 1u << HOOK_BACKENDS | 1u << HOOK_PICK,
	[ENTRY_FAILED] = 1u << HOOK_FAILED,
	[ENTRY_RESPONSE] = 1u << HOOK_RESPONSE,
	[ENTRY_LOG] = 1u << HOOK_LOG | 1u << HOOK_LINE,
	[ENTRY_CERTIFICATE] = 1u << HOOK_CERTIFICATE,
	[ENTRY_CONNECTION] = 1u << HOOK_CONNECTION,
	[ENTRY_ERROR] = 1u << HOOK_ERROR,
	[ENTRY_KEY] = 1u << HOOK_KEY,
	[ENTRY_SHADOW] = 1u << HOOK_SHADOW,
};

bool hooks_have(const struct hooks *h, enum hook_id id)
{
	return (h->have >> id & 1) != 0;
}

bool hooks_have_own(const struct hooks *h)
{
	return h->has_own;
}

const struct ready_key *hooks_ready_key(const struct hooks *h)
{
	return h->ready_key.kind != 0 ? &h->ready_key : NULL;
}

bool hooks_tell(const struct hooks *h)
{
	return (h->have & hooks_called[ENTRY_LOG]) != 0;
}

const char *hooks_service(const struct hooks *h)
{
	return place_service_name(h->service, h->table->conf);
}

static int take_entry(lua_State *L, const char *name)
{
	lua_getfield(L, -1, name);
	return luaL_ref(L, LUA_REGISTRYINDEX); /* nil: LUA_REFNIL, never entered */
}

static uint32_t take_have(lua_State *L)
{
	uint32_t have = 0;
	lua_getfield(L, -1, "have");
	for (unsigned id = 0; id < HOOKS; id++) {
		lua_getfield(L, -1, hook_word(id));
		if (lua_toboolean(L, -1))
			have |= 1u << id;
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return have;
}

static uint8_t take_number(lua_State *L, const char *name)
{
	lua_getfield(L, -1, name);
	uint8_t number = (uint8_t)lua_tointeger(L, -1);
	lua_pop(L, 1);
	return number;
}

/* Zeros, where the policy's `key` is none of those that C can read. */
static void take_ready_key(lua_State *L, struct ready_key *to)
{
	*to = (struct ready_key){ 0 };
	lua_getfield(L, -1, "ready_key");
	if (lua_istable(L, -1))
		*to = (struct ready_key){ .kind = take_number(L, "kind"),
					  .length = take_number(L, "length"),
					  .is_narrow = take_number(L, "narrow") != 0 };
	lua_pop(L, 1);
}

static enum mercy take_mercy(lua_State *L)
{
	enum mercy mercy = MERCY_DEFAULT;
	lua_getfield(L, -1, "guard");
	lua_getfield(L, -2, "refuse");
	if (lua_toboolean(L, -2))
		mercy = MERCY_NONE;
	else if (lua_toboolean(L, -1))
		mercy = MERCY_REFUSE;
	lua_pop(L, 2);
	return mercy;
}

static struct board_entry *counts_of(struct hooks *h)
{
	const struct hook_table *t = h->table;
	if (t->worker < 0)
		return h->own_counts;
	return board_service_cell(t->board, (unsigned)t->worker, h->service,
				  str_of(hooks_service(h)))
		->entries;
}

/* From the table on top of the stack. */
static void build_service(struct hook_table *t, unsigned service)
{
	struct hooks *h = &t->services[service];
	lua_State *L = t->vm->L;
	h->table = t;
	h->vm = t->vm;
	h->cos = t->cos;
	h->service = service;
	h->rows = t->board->hooks[service];
	h->counts = counts_of(h);
	h->mercy = take_mercy(L);
	h->entries[ENTRY_DECIDE] = take_entry(L, "decide");
	h->entries[ENTRY_FAILED] = take_entry(L, "failed");
	h->entries[ENTRY_RESPONSE] = take_entry(L, "response");
	h->entries[ENTRY_LOG] = take_entry(L, "log");
	h->entries[ENTRY_CERTIFICATE] = take_entry(L, "certificate");
	h->entries[ENTRY_CONNECTION] = take_entry(L, "connection");
	h->entries[ENTRY_ERROR] = take_entry(L, "error");
	h->entries[ENTRY_KEY] = take_entry(L, "key");
	h->entries[ENTRY_SHADOW] = take_entry(L, "shadow");
	h->have = take_have(L);
	take_ready_key(L, &h->ready_key);
	lua_getfield(L, -1, "has_own");
	h->has_own = lua_toboolean(L, -1);
	lua_pop(L, 1);
}

void hook_table_build(struct hook_table *t)
{
	lua_State *L = t->vm->L;
	unsigned n = (unsigned)lua_objlen(L, -1);
	t->services = calloc(n + 1, sizeof *t->services);
	if (t->services == NULL)
		(void)luaL_error(L, "out of memory");
	for (unsigned i = 0; i < n; i++) {
		lua_rawgeti(L, -1, (int)i + 1);
		build_service(t, i);
		lua_pop(L, 1);
	}
	t->services_n = n;
}

void hook_table_init(struct hook_table *t, struct co_pool *cos, struct board *board, int worker)
{
	*t = (struct hook_table){ .vm = cos->vm, .cos = cos, .board = board, .worker = worker };
	t->requests = LUA_NOREF;
	t->id_prefix = (uint32_t)(dice_roll() * 4294967296.0);
	log_line_init(&t->line);
	hoarder_init(&t->hoarder, cos->vm, cos->current.hook);
}

void hook_table_fini(struct hook_table *t)
{
	hoarder_fini(&t->hoarder);
	log_line_fini(&t->line);
	free(t->services);
}

void hook_table_set_conf(struct hook_table *t, const struct conf *conf)
{
	t->conf = conf;
	t->hoarder.conf = conf;
}

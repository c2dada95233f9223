/*
 * Configurations as JSON: whatever the bytes, the answer is a config that C can read, or errors
 * that each begin with the file's name. The reader is Lua, which libFuzzer does not see into; a
 * line hook tells it which lines ran.
 */
#include <lauxlib.h>
#include <lualib.h>
#include <sanitizer/lsan_interface.h>
#include <stdio.h>

#include "conf/conf.h"
#include "fuzz.h"
#include "lua/conf_read.h"
#include "lua/embed.h"
#include "lua/native.h"

int luaopen_cjson(lua_State *L);

enum { COUNTERS = 16384, INPUT_MAX = 4096 };

/* libFuzzer takes what is in this section as coverage. */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

static lua_State *state;
static int reader = LUA_NOREF;

static void on_line(lua_State *L, lua_Debug *d)
{
	(void)lua_getinfo(L, "S", d);
	uint32_t at = (uint32_t)d->currentline * 2654435761U;
	for (const char *p = d->short_src; *p != '\0'; p++)
		at = (at ^ (uint8_t)*p) * 16777619U;
	uint8_t *counter = &counters[at % COUNTERS];
	if (*counter < UINT8_MAX)
		(*counter)++;
}

static int load_embedded(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	for (unsigned i = 0; i < embed_files_count; i++) {
		const struct embed_file *f = &embed_files[i];
		if (strcmp(f->name, name) != 0)
			continue;
		must(luaL_loadbuffer(L, (const char *)f->data, f->size, name) == 0);
		return 1;
	}
	lua_pushfstring(L, "\n\tno embedded module '%s'", name);
	return 1;
}

/*
 * Gives function(bytes): a config, or nil and the errors as they are printed. Of neap.ffi the reader
 * needs the numbers alone; the functions that stand beside them are not linked in here.
 */
static const char reader_source[] =
	"local ffi = require 'ffi'\n"
	"ffi.cdef(require('neap.native').embedded 'abi.h')\n"
	"ffi.numbers = ffi.C\n"
	"package.loaded['neap.ffi'] = ffi\n"
	"local load = require 'neap.config.load'\n"
	"local bytes\n"
	"local files = { read = function() return bytes end }\n"
	"return function(input)\n"
	"  bytes = input\n"
	"  local config, errors = load.load('config.json', files)\n"
	"  if config then return config end\n"
	"  assert(#errors > 0, 'refused without an error')\n"
	"  local text = load.format('config.json', errors)\n"
	"  for line in (text .. '\\n'):gmatch '(.-)\\n' do\n"
	"    assert(line:find('config.json', 1, true) == 1 and not line:find '%c', line)\n"
	"  end\n"
	"  return nil, text\n"
	"end\n";

static void open_state(void)
{
	lua_State *L = state = luaL_newstate();
	must(L != NULL);
	luaL_openlibs(L);
	lua_getglobal(L, "package");
	lua_getfield(L, -1, "preload");
	lua_pushcfunction(L, luaopen_cjson);
	lua_setfield(L, -2, "cjson");
	lua_getfield(L, -2, "loaders");
	lua_pushcfunction(L, load_embedded);
	lua_rawseti(L, -2, 2); /* instead of the one that looks for files */
	lua_getfield(L, 1, "loaded");
	native_push_embedded(L);
	lua_setfield(L, -2, "neap.native");
	must(luaL_loadbuffer(L, reader_source, sizeof(reader_source) - 1, "=reader") == 0);
	if (lua_pcall(L, 0, 1, 0) != 0) {
		(void)fprintf(stderr, "%s\n", lua_tostring(L, -1));
		abort();
	}
	reader = luaL_ref(L, LUA_REGISTRYINDEX);
	lua_settop(L, 0);
	must(lua_sethook(L, on_line, LUA_MASKLINE, 0) == 1);
}

static void check_config(lua_State *L)
{
	struct conf c;
	struct error e = { .code = ERR_OK };
	enum err code = conf_read(L, 1, &c, &e);
	must(lua_gettop(L) == 2);
	if (code != ERR_OK) {
		(void)fprintf(stderr, "accepted, but not by C: %s\n", e.text);
		abort();
	}
	must(c.services_n > 0);
	conf_fini(&c);
}

/* Lua's pointers have tags, so the leak check would not find what it holds. */
static void read_config(const uint8_t *data, size_t size)
{
	__lsan_disable();
	if (state == NULL)
		open_state();
	lua_State *L = state;
	lua_rawgeti(L, LUA_REGISTRYINDEX, reader);
	lua_pushlstring(L, (const char *)data, size);
	if (lua_pcall(L, 1, 2, 0) != 0) {
		(void)fprintf(stderr, "%s\n", lua_tostring(L, -1));
		abort();
	}
	__lsan_enable();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > INPUT_MAX)
		return -1;
	read_config(data, size);
	lua_State *L = state;
	if (!lua_isnil(L, 1))
		check_config(L);
	lua_settop(L, 0);
	return 0;
}

#include "lua/native.h"

#include <dirent.h>
#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "lua/embed.h"
#include "lua/journal.h"

enum { FOLDER_MAX = 10000 };

static const struct native *self(lua_State *L)
{
	return lua_touserdata(L, lua_upvalueindex(1));
}

/* read(path) → bytes, or nil, reason */
static int native_read(lua_State *L)
{
	struct bundle *bundle = self(L)->bundle;
	struct str bytes;
	struct error e;
	if (bundle == NULL || bundle_read(bundle, luaL_checkstring(L, 1), &bytes, &e) != ERR_OK) {
		lua_pushnil(L);
		lua_pushstring(L, bundle == NULL ? "there are no files here" : e.text);
		return 2;
	}
	lua_pushlstring(L, bytes.p, bytes.n);
	return 1;
}

/* has(path) → boolean */
static int native_has(lua_State *L)
{
	struct bundle *bundle = self(L)->bundle;
	const char *path = luaL_checkstring(L, 1);
	lua_pushboolean(L, bundle != NULL && bundle_has(bundle, path));
	return 1;
}

static const struct embed_file *find_embedded(const char *name)
{
	for (unsigned i = 0; i < embed_files_count; i++) {
		if (strcmp(embed_files[i].name, name) == 0)
			return &embed_files[i];
	}
	return NULL;
}

/* embedded(name) → bytes, or nil: what the build put into the binary */
static int native_embedded(lua_State *L)
{
	const struct embed_file *file = find_embedded(luaL_checkstring(L, 1));
	if (file == NULL)
		return 0;
	lua_pushlstring(L, (const char *)file->data, file->size);
	return 1;
}

/* list(prefix) → names of what is embedded under it */
static int native_list(lua_State *L)
{
	size_t n;
	const char *prefix = luaL_checklstring(L, 1, &n);
	int count = 0;
	lua_newtable(L);
	for (unsigned i = 0; i < embed_files_count; i++) {
		if (strncmp(embed_files[i].name, prefix, n) != 0)
			continue;
		lua_pushstring(L, embed_files[i].name);
		lua_rawseti(L, -2, ++count);
	}
	return 1;
}

static int push_journal(lua_State *L, int fd)
{
	struct error e;
	char *bytes;
	size_t n;
	if (fd <= 0)
		return 0;
	if (journal_read(fd, &bytes, &n, &e) != ERR_OK) {
		log_error("%s", e.text);
		return 0;
	}
	if (bytes == NULL)
		return 0;
	lua_pushlstring(L, bytes, n);
	free(bytes);
	return 1;
}

/* journal() → text, or nil: what the agent before this one left */
static int native_journal(lua_State *L)
{
	return push_journal(L, self(L)->journal);
}

/* earlier() → text, or nil: what the generation before left */
static int native_earlier(lua_State *L)
{
	return push_journal(L, self(L)->earlier);
}

/* keep(text) → true, or nil, why: for the next agent */
static int native_keep(lua_State *L)
{
	int fd = self(L)->journal;
	struct str bytes;
	struct error e;
	bytes.p = luaL_checklstring(L, 1, &bytes.n);
	if (fd > 0 && journal_write(fd, bytes, &e) != ERR_OK) {
		lua_pushnil(L);
		lua_pushstring(L, e.text);
		return 2;
	}
	lua_pushboolean(L, 1);
	return 1;
}

/* Into the table on top of the stack. */
static void set_function(lua_State *L, struct native *native, const char *name,
			 lua_CFunction function)
{
	lua_pushlightuserdata(L, native);
	lua_pushcclosure(L, function, 1);
	lua_setfield(L, -2, name);
}

/* make_folder(path) → true, or nil, reason; one that is there is fine */
static int native_make_folder(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	struct stat info;
	int failure = mkdir(path, 0777) == 0 ? 0 : errno;

	if (failure == EEXIST && stat(path, &info) == 0)
		failure = S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
	if (failure == 0) {
		lua_pushboolean(L, 1);
		return 1;
	}
	lua_pushnil(L);
	lua_pushfstring(L, "%s: %s", path, strerror(failure));
	return 2;
}

/* list_folder(path) → the names in it, in no order; or nil, reason */
static int native_list_folder(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	DIR *folder = opendir(path);
	const struct dirent *entry;
	int count = 0;

	if (folder == NULL) {
		lua_pushnil(L);
		lua_pushfstring(L, "%s: %s", path, strerror(errno));
		return 2;
	}
	lua_newtable(L);
	while (count < FOLDER_MAX && (entry = readdir(folder)) != NULL) {
		lua_pushstring(L, entry->d_name);
		lua_rawseti(L, -2, ++count);
	}
	(void)closedir(folder); /* it was only read */
	return 1;
}

/* real_path(path) → from the root, without links; or nil, reason */
static int native_real_path(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	char full[PATH_MAX];

	if (realpath(path, full) == NULL) {
		lua_pushnil(L);
		lua_pushfstring(L, "%s: %s", path, strerror(errno));
		return 2;
	}
	lua_pushstring(L, full);
	return 1;
}

void native_push_embedded(lua_State *L)
{
	lua_createtable(L, 0, 8);
	set_function(L, NULL, "embedded", native_embedded);
	set_function(L, NULL, "list", native_list);
	set_function(L, NULL, "make_folder", native_make_folder);
	set_function(L, NULL, "list_folder", native_list_folder);
	set_function(L, NULL, "real_path", native_real_path);
}

void native_push(lua_State *L, struct native *native)
{
	native_push_embedded(L);
	set_function(L, native, "read", native_read);
	set_function(L, native, "has", native_has);
	set_function(L, native, "journal", native_journal);
	set_function(L, native, "earlier", native_earlier);
	set_function(L, native, "keep", native_keep);
	lua_pushboolean(L, native->is_worker);
	lua_setfield(L, -2, "is_worker");
	lua_pushliteral(L, NEAP_VERSION);
	lua_setfield(L, -2, "version");
	if (native->config != NULL) {
		lua_pushstring(L, native->config);
		lua_setfield(L, -2, "config");
	}
}

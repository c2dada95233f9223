#include "app/version.h"

#include <ares.h>
#include <brotli/encode.h>
#include <ev.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <nghttp2/nghttp2.h>
#include <openssl/crypto.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <zlib.h>
#include <zstd.h>

int luaopen_cjson(lua_State *L);

/* This library tells its version only in its own table. */
static void print_field(lua_State *L, const char *prefix, const char *field)
{
	lua_getfield(L, -1, field);
	if (lua_isstring(L, -1))
		(void)printf("  %s%s\n", prefix, lua_tostring(L, -1));
}

static void print_lua(lua_State *L)
{
	luaL_openlibs(L);
	lua_getglobal(L, "jit");
	print_field(L, "", "version");
	lua_pushcfunction(L, luaopen_cjson);
	if (lua_pcall(L, 0, 1, 0) == 0 && lua_istable(L, -1))
		print_field(L, "lua-cjson ", "_VERSION");
}

static void print_pcre2(void)
{
	char version[64] = "";

	if (pcre2_config(PCRE2_CONFIG_VERSION, version) > 0)
		(void)printf("  PCRE2 %s\n", version);
}

static void print_codings(void)
{
	uint32_t brotli = BrotliEncoderVersion();

	(void)printf("  zlib %s\n", zlibVersion());
	(void)printf("  brotli %u.%u.%u\n", brotli >> 24, brotli >> 12 & 0xfff, brotli & 0xfff);
	(void)printf("  zstd %s\n", ZSTD_versionString());
}

void version_print(void)
{
	lua_State *L = luaL_newstate();

	(void)printf("neap " NEAP_VERSION "\n");
	if (L != NULL) {
		print_lua(L);
		lua_close(L);
	}
	(void)printf("  libev %d.%d\n", ev_version_major(), ev_version_minor());
	(void)printf("  c-ares %s\n", ares_version(NULL));
	(void)printf("  nghttp2 %s\n", nghttp2_version(0)->version_str);
	print_pcre2();
	print_codings();
	(void)printf("  OpenSSL %s\n", OpenSSL_version(OPENSSL_VERSION_STRING));
}

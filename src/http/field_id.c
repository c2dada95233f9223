#include "http/field_id.h"

enum { LONGEST = 32 };

/* tables begin: tools/gen-tables */
enum { SLOTS = 128, LAST_FACTOR = 2, BEFORE_FACTOR = 121 };

static const struct str names[FIELD_IDS] = {
	[FIELD_HOST] = { "host", 4 },
	[FIELD_CONNECTION] = { "connection", 10 },
	[FIELD_CONTENT_LENGTH] = { "content-length", 14 },
	[FIELD_TRANSFER_ENCODING] = { "transfer-encoding", 17 },
	[FIELD_TE] = { "te", 2 },
	[FIELD_TRAILER] = { "trailer", 7 },
	[FIELD_UPGRADE] = { "upgrade", 7 },
	[FIELD_EXPECT] = { "expect", 6 },
	[FIELD_KEEP_ALIVE] = { "keep-alive", 10 },
	[FIELD_PROXY_CONNECTION] = { "proxy-connection", 16 },
	[FIELD_PROXY_AUTHENTICATE] = { "proxy-authenticate", 18 },
	[FIELD_PROXY_AUTHORIZATION] = { "proxy-authorization", 19 },
	[FIELD_PROXY_AUTHENTICATION_INFO] = { "proxy-authentication-info", 25 },
	[FIELD_HTTP2_SETTINGS] = { "http2-settings", 14 },
	[FIELD_FORWARDED] = { "forwarded", 9 },
	[FIELD_X_FORWARDED_FOR] = { "x-forwarded-for", 15 },
	[FIELD_X_FORWARDED_PROTO] = { "x-forwarded-proto", 17 },
	[FIELD_X_FORWARDED_HOST] = { "x-forwarded-host", 16 },
	[FIELD_X_FORWARDED_PORT] = { "x-forwarded-port", 16 },
	[FIELD_X_REAL_IP] = { "x-real-ip", 9 },
	[FIELD_COOKIE] = { "cookie", 6 },
	[FIELD_SET_COOKIE] = { "set-cookie", 10 },
	[FIELD_DATE] = { "date", 4 },
	[FIELD_SERVER] = { "server", 6 },
	[FIELD_VIA] = { "via", 3 },
	[FIELD_CONTENT_TYPE] = { "content-type", 12 },
	[FIELD_AUTHORIZATION] = { "authorization", 13 },
	[FIELD_MAX_FORWARDS] = { "max-forwards", 12 },
	[FIELD_X_NEAP_ERROR] = { "x-neap-error", 12 },
	[FIELD_X_NEAP_ID] = { "x-neap-id", 9 },
	[FIELD_CLIENT_CERT] = { "client-cert", 11 },
	[FIELD_CLIENT_CERT_CHAIN] = { "client-cert-chain", 17 },
};

/* The one known name that each value of slot_of may mean. */
static const uint8_t slots[SLOTS] = {
	[2] = FIELD_X_REAL_IP,
	[5] = FIELD_KEEP_ALIVE,
	[6] = FIELD_DATE,
	[10] = FIELD_UPGRADE,
	[11] = FIELD_HTTP2_SETTINGS,
	[20] = FIELD_TE,
	[21] = FIELD_CONTENT_LENGTH,
	[26] = FIELD_SERVER,
	[28] = FIELD_TRAILER,
	[29] = FIELD_PROXY_AUTHENTICATION_INFO,
	[30] = FIELD_EXPECT,
	[32] = FIELD_PROXY_AUTHENTICATE,
	[35] = FIELD_MAX_FORWARDS,
	[41] = FIELD_CONTENT_TYPE,
	[47] = FIELD_HOST,
	[56] = FIELD_CLIENT_CERT,
	[59] = FIELD_X_FORWARDED_PROTO,
	[64] = FIELD_CONNECTION,
	[65] = FIELD_AUTHORIZATION,
	[75] = FIELD_X_FORWARDED_HOST,
	[81] = FIELD_TRANSFER_ENCODING,
	[82] = FIELD_X_FORWARDED_PORT,
	[83] = FIELD_PROXY_CONNECTION,
	[84] = FIELD_COOKIE,
	[86] = FIELD_PROXY_AUTHORIZATION,
	[92] = FIELD_VIA,
	[95] = FIELD_X_NEAP_ERROR,
	[98] = FIELD_X_FORWARDED_FOR,
	[104] = FIELD_SET_COOKIE,
	[106] = FIELD_X_NEAP_ID,
	[113] = FIELD_CLIENT_CERT_CHAIN,
	[116] = FIELD_FORWARDED,
};
/* tables end */

/* Guarded although they have no id of their own. A '*' at the end stands for any rest. */
static const char *const guarded[] = {
	"x-forwarded-*", "x-real-*",   "content-*",	"if-*",	      "sec-*", "access-control-*",
	"x-api-key",	 "x-auth-*",   "cache-control", "origin",     "range", "referer",
	"www-*",	 "user-agent", "traceparent",	"tracestate",
};

static const char *const untrailable[] = {
	"x-forwarded-*",
	"x-real-*",
	"content-encoding",
	"content-range",
	"content-location",
	"content-language",
	"content-disposition",
	"content-security-policy*",
	"if-*",
	"proxy-*",
	"www-authenticate",
	"authentication-*",
	"accept*",
	"access-control-*",
	"cache-control",
	"pragma",
	"age",
	"vary",
	"location",
	"retry-after",
	"range",
	"origin",
	"referer",
	"user-agent",
	"x-api-key",
	"x-auth-*",
	"sec-*",
	"strict-transport-*",
	"status",
};

static unsigned slot_of(struct str name)
{
	unsigned first = (unsigned char)name.p[0] | 0x20U;
	unsigned last = (unsigned char)name.p[name.n - 1] | 0x20U;
	unsigned before = (unsigned char)name.p[name.n - 2] | 0x20U;
	return (first + LAST_FACTOR * last + BEFORE_FACTOR * before + (unsigned)name.n) % SLOTS;
}

static uint64_t load8(const char *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

/*
 * A token against a name of letters, digits and '-' in lower case: for these, | 0x20 is to lower
 * case.
 */
static bool is_name(const char *token, struct str name)
{
	const uint64_t fold = 0x2020202020202020;
	size_t i = 0;
	for (; i + 8 <= name.n; i += 8) {
		if ((load8(token + i) | fold) != load8(name.p + i))
			return false;
	}
	for (; i < name.n; i++) {
		if ((token[i] | 0x20) != name.p[i])
			return false;
	}
	return true;
}

enum field_id field_id_of(struct str name)
{
	if (name.n < 2)
		return FIELD_OTHER;
	uint8_t id = slots[slot_of(name)];
	return names[id].n == name.n && is_name(name.p, names[id]) ? (enum field_id)id
								   : FIELD_OTHER;
}

static bool matches_pattern(struct str name, const char *wanted)
{
	struct str pattern = str_of(wanted);
	if (pattern.p[pattern.n - 1] != '*')
		return str_eq_nocase(name, pattern);
	pattern.n--;
	return name.n >= pattern.n && str_eq_nocase((struct str){ name.p, pattern.n }, pattern);
}

static bool matches_any(struct str name, const char *const *patterns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (matches_pattern(name, patterns[i]))
			return true;
	}
	return false;
}

static bool ends_at_hop(enum field_id id)
{
	switch (id) {
	case FIELD_TE:
	case FIELD_TRAILER:
	case FIELD_UPGRADE:
	case FIELD_KEEP_ALIVE:
	case FIELD_PROXY_CONNECTION:
	case FIELD_HTTP2_SETTINGS:
		return true;
	default:
		return false;
	}
}

bool field_is_guarded(enum field_id id, struct str name)
{
	if (id != FIELD_OTHER)
		return !ends_at_hop(id);
	return matches_any(name, guarded, countof(guarded));
}

/* The name with '_' as '-', as much of it as fits, in `to`. */
static struct str with_dashes(struct str name, char to[LONGEST])
{
	size_t n = name.n < LONGEST ? name.n : LONGEST;
	for (size_t i = 0; i < n; i++)
		to[i] = name.p[i] == '_' ? '-' : name.p[i];
	return (struct str){ to, n };
}

bool field_is_alias(struct str name)
{
	char memory[LONGEST];
	struct str dashed = with_dashes(name, memory);
	return field_id_of(dashed) != FIELD_OTHER || matches_pattern(dashed, "x-forwarded-*");
}

bool field_may_trail(struct str name)
{
	char memory[LONGEST];
	struct str dashed = with_dashes(name, memory);
	return field_id_of(dashed) == FIELD_OTHER &&
	       !matches_any(dashed, untrailable, countof(untrailable));
}

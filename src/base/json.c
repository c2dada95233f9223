#include "base/json.h"

#include "base/utf8.h"

void json_hex(struct out *o, const char *prefix, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	char text[2] = { digits[c >> 4], digits[c & 15] };

	out_str(o, str_of(prefix));
	out_str(o, (struct str){ text, sizeof(text) });
}

/* How many bytes at p go on as they are, of the left > 0 that are there. */
static size_t plain(const char *p, size_t left, bool keeps_utf8)
{
	unsigned char c = (unsigned char)*p;

	if (c >= 0x80)
		return keeps_utf8 ? utf8_printable(p, left) : 0;
	return c >= 0x20 && c != 0x7F && c != '"' && c != '\\';
}

static void add_escaped(struct out *o, struct str s, const char *prefix, bool keeps_utf8)
{
	size_t at = 0, from = 0;

	while (at < s.n) {
		size_t n = plain(s.p + at, s.n - at, keeps_utf8);
		at += n;
		if (n > 0)
			continue;
		out_str(o, (struct str){ s.p + from, at - from });
		json_hex(o, prefix, (unsigned char)s.p[at++]);
		from = at;
	}
	out_str(o, (struct str){ s.p + from, at - from });
}

/* All of it: in a text that is partly UTF-8, nobody could tell its bytes from those escaped. */
static bool is_utf8(struct str s)
{
	for (size_t at = 0; at < s.n;) {
		bool is_ascii = (unsigned char)s.p[at] < 0x80;
		size_t n = is_ascii ? 1 : utf8_printable(s.p + at, s.n - at);
		if (n == 0)
			return false;
		at += n;
	}
	return true;
}

void json_escaped(struct out *o, struct str s, const char *prefix)
{
	add_escaped(o, s, prefix, false);
}

void json_string(struct out *o, struct str s)
{
	out_str(o, STR("\""));
	add_escaped(o, s, "\\u00", is_utf8(s));
	out_str(o, STR("\""));
}

static void add_padded(struct out *o, uint64_t value, unsigned digits)
{
	char text[20];

	for (unsigned i = digits; i-- > 0; value /= 10)
		text[i] = (char)('0' + value % 10);
	out_str(o, (struct str){ text, digits });
}

/* With microseconds. */
static void add_seconds(struct out *o, double seconds)
{
	uint64_t us = (uint64_t)(seconds * 1e6 + 0.5);

	out_u64(o, us / 1000000);
	out_str(o, STR("."));
	add_padded(o, us % 1000000, 6);
}

const struct json_stamp *json_stamp(double now)
{
	static struct json_stamp stamp = { .second = -1 };
	time_t second = (time_t)now;
	struct tm tm;

	if (second == stamp.second)
		return &stamp;
	stamp.second = second;
	stamp.local[0] = stamp.utc[0] = '\0';
	if (localtime_r(&second, &tm) != NULL)
		(void)strftime(stamp.local, sizeof(stamp.local), "%d/%b/%Y:%H:%M:%S %z", &tm);
	if (gmtime_r(&second, &tm) != NULL)
		(void)strftime(stamp.utc, sizeof(stamp.utc), "%Y-%m-%dT%H:%M:%S", &tm);
	return &stamp;
}

/* A text ends with its quote, so these bytes are no part of one. */
void json_next(struct out *o)
{
	if (o->n > 0 && strchr("{[:", o->p[o->n - 1]) == NULL)
		out_str(o, STR(","));
}

void json_begin(struct out *o, const char *key, char bracket)
{
	if (key != NULL)
		json_key(o, key);
	else
		json_next(o);
	out_str(o, (struct str){ &bracket, 1 });
}

void json_end(struct out *o, char bracket)
{
	out_str(o, (struct str){ &bracket, 1 });
}

void json_key(struct out *o, const char *key)
{
	json_next(o);
	out_str(o, STR("\""));
	out_str(o, str_of(key));
	out_str(o, STR("\":"));
}

void json_name(struct out *o, struct str name)
{
	json_next(o);
	json_string(o, name);
	out_str(o, STR(":"));
}

void json_named(struct out *o, struct str name, struct str value)
{
	json_name(o, name);
	json_string(o, value);
}

void json_text(struct out *o, const char *key, struct str value)
{
	json_key(o, key);
	json_string(o, value);
}

void json_some(struct out *o, const char *key, struct str value)
{
	if (value.n > 0)
		json_text(o, key, value);
}

void json_number(struct out *o, const char *key, uint64_t value)
{
	json_key(o, key);
	out_u64(o, value);
}

void json_flag(struct out *o, const char *key, bool value)
{
	json_key(o, key);
	out_str(o, value ? STR("true") : STR("false"));
}

void json_seconds(struct out *o, const char *key, double seconds)
{
	if (seconds < 0)
		return;
	json_key(o, key);
	add_seconds(o, seconds);
}

void json_time(struct out *o, double time)
{
	json_key(o, "time");
	out_str(o, STR("\""));
	out_str(o, str_of(json_stamp(time)->utc));
	out_str(o, STR("."));
	add_padded(o, (uint64_t)((time - (double)(int64_t)time) * 1e6), 6);
	out_str(o, STR("Z\""));
}

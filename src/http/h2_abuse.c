#include "http/h2_abuse.h"

#include <string.h>

/*
 * Per second. A browser that leaves a page resets all of its streams at once, and a client that reads
 * a large answer in small steps sends a WINDOW_UPDATE for each.
 */
static const uint16_t limits[H2_ABUSE_KINDS] = {
	[H2_ABUSE_RESETS] = 100,   [H2_ABUSE_MADE_RESETS] = 50, [H2_ABUSE_FIELDS] = 0,
	[H2_ABUSE_PINGS] = 50,	   [H2_ABUSE_SETTINGS] = 20,	[H2_ABUSE_EMPTY] = 100,
	[H2_ABUSE_PRIORITY] = 500, [H2_ABUSE_WINDOWS] = 20000,
};

void h2_abuse_init(struct h2_abuse *a, uint32_t streams)
{
	*a = (struct h2_abuse){ .streams = (uint16_t)(streams < 10000 ? streams : 10000) };
}

void h2_abuse_at(struct h2_abuse *a, int64_t now_ms)
{
	int64_t second = now_ms / 1000;
	if (second == a->second)
		return;
	a->second = second;
	memset(a->counts, 0, sizeof(a->counts));
}

bool h2_abuse_count(struct h2_abuse *a, enum h2_abuse_kind kind)
{
	unsigned limit = limits[kind];
	if (kind == H2_ABUSE_RESETS || kind == H2_ABUSE_MADE_RESETS || kind == H2_ABUSE_PRIORITY)
		limit += a->streams;
	if (a->counts[kind] < UINT16_MAX)
		a->counts[kind]++;
	if (a->counts[kind] > limit && a->found == H2_ABUSE_NONE)
		a->found = (uint8_t)kind;
	return a->found != H2_ABUSE_NONE;
}

static void take(uint16_t *count, uint16_t n)
{
	*count = *count > n ? (uint16_t)(*count - n) : 0;
}

void h2_abuse_earn(struct h2_abuse *a)
{
	take(&a->counts[H2_ABUSE_PINGS], 1);
	take(&a->counts[H2_ABUSE_WINDOWS], 2);
}

const char *h2_abuse_words(enum h2_abuse_kind kind)
{
	static const char *const words[H2_ABUSE_KINDS] = {
		[H2_ABUSE_NONE] = "",
		[H2_ABUSE_RESETS] = "resets",
		[H2_ABUSE_MADE_RESETS] = "made_resets",
		[H2_ABUSE_FIELDS] = "fields",
		[H2_ABUSE_PINGS] = "pings",
		[H2_ABUSE_SETTINGS] = "settings",
		[H2_ABUSE_EMPTY] = "empty_frames",
		[H2_ABUSE_PRIORITY] = "priority",
		[H2_ABUSE_WINDOWS] = "window_updates",
	};
	return words[kind];
}

/* What a store does, in one process. The rest is in the other files that begin with store_. */
#include "store_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

struct store *store_test_new(uint64_t bytes)
{
	struct store *s;
	struct error e;

	if (store_create(&s, bytes, &e) == ERR_OK)
		return s;
	(void)fprintf(stderr, "%s\n", e.text);
	exit(1);
}

struct store *store_test_child(struct store *s)
{
	s->tenancy = (struct store_tenancy){ .rows = s->tenancy.rows };
	return s;
}

enum store_result store_test_text(struct store *s, const char *key, const char *value)
{
	const struct store_value v = { .kind = STORE_TEXT, .text = str_of(value) };
	return store_set(s, str_of(key), &v, 0, STORE_ALWAYS);
}

bool store_test_has(struct store *s, const char *key, const char *value)
{
	struct store_value v;
	return store_get(s, str_of(key), &v) == STORE_OK && v.kind == STORE_TEXT &&
	       str_eq(v.text, str_of(value));
}

static void pass_ms(int64_t ms)
{
	struct timespec span = { ms / 1000, ms % 1000 * 1000000 };
	(void)nanosleep(&span, NULL);
}

static void test_values(void)
{
	struct store *s = store_test_new(STORE_BYTES_MIN);
	struct store_value v = { .kind = STORE_NUMBER, .number = 1.5 };

	check_case("values");
	check(store_get(s, STR("a"), &v) == STORE_OK && v.kind == STORE_NOTHING, "none at first");
	v = (struct store_value){ .kind = STORE_NUMBER, .number = 1.5 };
	check(store_set(s, STR("a"), &v, 0, STORE_ALWAYS) == STORE_OK, "a number is set");
	check(store_get(s, STR("a"), &v) == STORE_OK && v.number == 1.5, "and read");
	v.kind = STORE_FALSE;
	check(store_set(s, STR("a"), &v, 0, STORE_IF_ABSENT) == STORE_EXISTS, "add: it is there");
	check(store_set(s, STR("b"), &v, 0, STORE_IF_THERE) == STORE_NOT_FOUND, "replace: not");
	check(store_set(s, STR("a"), &v, 0, STORE_IF_THERE) == STORE_OK, "replace: it is");
	check(store_get(s, STR("a"), &v) == STORE_OK && v.kind == STORE_FALSE, "a boolean");
	check(store_test_text(s, "a", "") == STORE_OK && store_test_has(s, "a", ""), "no text");
	check(store_test_text(s, "", "x") == STORE_OK && store_test_has(s, "", "x"), "no key");
	check(store_delete(s, STR("a")) == STORE_OK, "deleted");
	check(store_delete(s, STR("a")) == STORE_NOT_FOUND, "once");
	struct store_stats stats;
	store_look(s, &stats);
	check(stats.hits == 4 && stats.misses == 1, "reads are counted");
	check(store_test_is_whole(s), "whole");
	store_close(s);
}

/* Each length over the borders of words and cells, for key and value. */
static void test_lengths(void)
{
	static char key[300], value[300];
	struct store *s = store_test_new(1 << 20);
	bool is_right = true;

	check_case("lengths");
	for (size_t k = 0; k < 140; k++) {
		for (size_t n = 0; n < 200; n += 3) {
			(void)snprintf(key, sizeof(key), "%0*zu", (int)k, k);
			(void)snprintf(value, sizeof(value), "%0*zu", (int)n, n);
			is_right = is_right && store_test_text(s, key, value) == STORE_OK &&
				   store_test_has(s, key, value);
		}
	}
	check(is_right, "each is read as it was written");
	check(store_test_is_whole(s), "whole");
	store_flush(s);
	struct store_stats stats;
	store_look(s, &stats);
	check(stats.entries == 0 && stats.used == 0, "nothing is left after a flush");
	check(store_test_is_whole(s), "whole after it");
	store_close(s);
}

static void test_bounds(void)
{
	static char long_text[1 << 20];
	struct store *s = store_test_new(STORE_BYTES_MIN);
	struct store_value v = { .kind = STORE_TEXT, .text = { long_text, sizeof(long_text) } };

	check_case("bounds");
	check(store_set(s, v.text, &v, 0, STORE_ALWAYS) == STORE_KEY_LONG, "a key of 1 MB");
	check(store_set(s, STR("a"), &v, 0, STORE_ALWAYS) == STORE_TOO_LARGE, "a value of 1 MB");
	v.text.n = 20000;
	check(store_set(s, STR("a"), &v, 0, STORE_ALWAYS) == STORE_OK, "a third of it");
	check(store_get(s, STR("a"), &v) == STORE_OK && v.text.n == 20000, "is read");
	check(store_test_is_whole(s), "whole");
	store_close(s);
}

static void test_expiry(void)
{
	struct store *s = store_test_new(STORE_BYTES_MIN);
	struct store_value v = { .kind = STORE_TRUE };
	struct store_stats stats;
	int64_t ttl_ms = -1;

	check_case("expiry");
	(void)store_set(s, STR("a"), &v, 20, STORE_ALWAYS);
	check(store_ttl(s, STR("a"), &ttl_ms) == STORE_OK && ttl_ms > 0 && ttl_ms <= 20, "ttl");
	check(store_get(s, STR("a"), &v) == STORE_OK && v.kind == STORE_TRUE, "it is there yet");
	pass_ms(21);
	check(store_get(s, STR("a"), &v) == STORE_OK && v.kind == STORE_NOTHING, "and no longer");
	check(store_ttl(s, STR("a"), &ttl_ms) == STORE_NOT_FOUND, "nor for ttl");
	for (int i = 0; i < 8; i++)
		(void)store_test_text(s, (char[]){ (char)('b' + i), 0 }, "x");
	store_look(s, &stats);
	check(stats.expired == 1 && stats.entries == 8, "it is swept away and counted");
	check(store_ttl(s, STR("b"), &ttl_ms) == STORE_OK && ttl_ms == 0, "0: for ever");
	store_close(s);
}

static void test_eviction(void)
{
	struct store *s = store_test_new(STORE_BYTES_MIN);
	struct store_stats stats;
	char key[32];
	int last = 0;

	check_case("eviction");
	do {
		(void)snprintf(key, sizeof(key), "key %d", last++);
		(void)store_test_text(s, key, "value");
		if (last % 64 == 0)
			(void)store_test_has(s, "key 1", "value");
		store_look(s, &stats);
	} while (stats.evicted < 100);
	check(!store_test_has(s, "key 0", "value"), "the oldest is gone");
	check(store_test_has(s, "key 1", "value"), "what was looked at is there");
	check(!store_test_has(s, "key 2", "value"), "the next one is gone");
	check(store_test_has(s, key, "value"), "the newest is there");
	check(stats.entries + stats.evicted == (uint64_t)last, "all are counted");
	check(stats.used <= stats.bytes, "it keeps to its size");
	check(store_test_is_whole(s), "whole");
	store_close(s);
}

static void test_copy(void)
{
	struct store *from = store_test_new(1 << 20), *to = store_test_new(STORE_BYTES_MIN);
	char key[32];

	check_case("copies");
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(key, sizeof(key), "key %d", i);
		(void)store_test_text(from, key, key);
	}
	store_copy(to, from);
	unsigned n = 0;
	bool is_right = true;
	struct store_cursor c = { 0 };
	for (struct str at; store_next(to, &c, &at); n++) {
		(void)snprintf(key, sizeof(key), "%.*s", (int)at.n, at.p);
		is_right = is_right && store_test_has(to, key, key);
	}
	struct store_stats stats;
	store_look(to, &stats);
	check(is_right && n == stats.entries && n > 500, "as many as there is room for");
	check(store_test_is_whole(to) && store_test_is_whole(from), "whole, both");
	store_close(from);
	store_close(to);
}

static void test_open(void)
{
	struct store *s = NULL, *other = NULL;
	struct error e;
	int fd = memfd_create("store", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	check_case("descriptors");
	check(store_open(&s, fd, &e) == ERR_INVALID && s == NULL, "an empty one is no store");
	check(store_lay_out(fd, 100000, &e) == ERR_OK, "is laid out");
	check(store_open(&s, fd, &e) == ERR_OK && store_open(&other, fd, &e) == ERR_OK, "twice");
	check(store_test_text(s, "a", "x") == STORE_OK && store_test_has(other, "a", "x"),
	      "one sees what the other writes");
	check(ftruncate(fd, 0) != 0, "nobody makes it shorter");
	store_close(s);
	store_close(other);
	(void)close(fd);
}

int main(void)
{
	test_values();
	test_lengths();
	test_bounds();
	test_expiry();
	test_eviction();
	test_copy();
	test_open();
	store_test_rates();
	store_test_leases();
	store_test_holds();
	store_test_kills();
	store_test_steps();
	return check_report();
}

/* What a session has written in its region is there again after it slept, whatever it is. */
#include "http/h2_arena.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "http_test.h"

enum { ROUNDS = 200, CROWD = 300 };

static struct slab arenas;

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Runs of bytes and of zeros. */
static void scribble(char *p, size_t n, uint32_t *seed)
{
	for (size_t i = 0; i < n;) {
		size_t run = next(seed) % 200;
		bool is_zero = next(seed) % 4 != 0;
		for (; run > 0 && i < n; run--)
			p[i++] = is_zero ? 0 : (char)next(seed);
	}
}

static bool comes_back(struct h2_arena *a, const char *piece, size_t n)
{
	char *copy = malloc(n);
	if (copy == NULL)
		return false;
	memcpy(copy, piece, n);
	h2_arena_sleep(a);
	bool has_slept = a->image != NULL;
	if (has_slept)
		h2_arena_wake(a);
	bool is_same = memcmp(copy, piece, n) == 0;
	free(copy);
	return has_slept && is_same;
}

static void test_patterns(void)
{
	struct h2_arena a;
	uint32_t seed = 1;
	bool holds = true;

	check_case("what is written in an arena");
	check(h2_arena_open(&a, &arenas), "it opens");
	nghttp2_mem mem = h2_arena_mem(&a);
	char *all = mem.malloc(H2_ARENA_BYTES, mem.mem_user_data);
	check(all == a.memory, "one piece may be all of it");
	memset(all, 0, H2_ARENA_BYTES);
	check(comes_back(&a, all, H2_ARENA_BYTES), "zeros");
	memset(all, 0xff, H2_ARENA_BYTES);
	check(comes_back(&a, all, H2_ARENA_BYTES), "no zeros");
	for (size_t i = 0; i < H2_ARENA_BYTES; i += 61) {
		memset(all, 0, H2_ARENA_BYTES);
		all[i] = 1;
		holds = holds && comes_back(&a, all, H2_ARENA_BYTES);
	}
	check(holds, "a byte anywhere");
	for (int i = 0; i < ROUNDS; i++) {
		scribble(all, H2_ARENA_BYTES, &seed);
		holds = holds && comes_back(&a, all, H2_ARENA_BYTES);
	}
	check(holds, "anything");
	h2_arena_close(&a);
	check(arenas.used == 0, "the region is free again");
}

static void test_pieces(void)
{
	struct h2_arena a;

	check_case("pieces of an arena");
	check(h2_arena_open(&a, &arenas), "it opens");
	nghttp2_mem m = h2_arena_mem(&a);
	char *large = m.malloc(4000, a.memory != NULL ? m.mem_user_data : NULL);
	memset(large, 7, 4000);
	char *zeroed = m.calloc(100, 100, m.mem_user_data);
	check(large >= a.memory && zeroed > large && zeroed < a.memory + H2_ARENA_BYTES, "large");
	check(zeroed[0] == 0 && zeroed[9999] == 0, "of zeros");
	char *small = m.malloc(100, m.mem_user_data);
	check(small < a.memory || small >= a.memory + H2_ARENA_BYTES, "small ones are not there");
	large = m.realloc(large, 9000, m.mem_user_data);
	check(large[0] == 7 && large[3999] == 7, "one that grows takes its bytes along");
	char *beyond = m.malloc(H2_ARENA_BYTES, m.mem_user_data);
	check(beyond != NULL, "more than there is room for");
	check(m.calloc(SIZE_MAX / 2, 4, m.mem_user_data) == NULL, "more than can be counted");
	m.free(beyond, m.mem_user_data);
	m.free(small, m.mem_user_data);
	m.free(zeroed, m.mem_user_data);
	m.free(large, m.mem_user_data);
	h2_arena_close(&a);
	h2_arena_close(&a);
	check(arenas.used == 0, "closing twice is harmless");
}

static void settle(void)
{
	for (int i = 0; i < 16; i++) {
		uint32_t budget = UINT32_MAX;
		slab_look(&arenas);
		(void)slab_trim(&arenas, &budget);
	}
}

/* Of a crowd only regions that are open, and a few, are left. */
static void test_crowd(void)
{
	static struct h2_arena crowd[CROWD];
	bool holds = true;

	check_case("a crowd of arenas");
	for (int i = 0; i < CROWD; i++) {
		holds = holds && h2_arena_open(&crowd[i], &arenas);
		memset(crowd[i].memory, i, H2_ARENA_BYTES);
	}
	check(holds, "they open");
	for (int i = 1; i < CROWD; i++)
		h2_arena_close(&crowd[i]);
	settle();
	check(arenas.made < 64, "regions that nobody needs are given back");
	check(comes_back(&crowd[0], crowd[0].memory, H2_ARENA_BYTES), "not the one that is open");
	check(crowd[0].memory[H2_ARENA_BYTES - 1] == 0, "as it was");
	h2_arena_close(&crowd[0]);
}

void test_h2_arena(void)
{
	h2_arena_init_slab(&arenas);
	test_patterns();
	test_pieces();
	test_crowd();
	slab_fini(&arenas);
}

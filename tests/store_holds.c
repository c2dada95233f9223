/* How many are somewhere at once: over processes, also over those that are killed. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "store_test.h"

enum { LIMIT = 3, PROCESSES = 6 };

static uint32_t inside(struct store *s, const char *key)
{
	uint32_t n = UINT32_MAX;
	return store_inside(s, str_of(key), &n) == STORE_OK ? n : UINT32_MAX;
}

static void test_calls(void)
{
	struct store *s = store_test_new(STORE_BYTES_MIN);
	struct store_value v;
	struct store_stats stats;
	uint32_t n = 0;

	check_case("holds");
	check(inside(s, "k") == 0 && store_leave(s, STR("k")) == STORE_NOT_FOUND, "nobody");
	check(store_enter(s, STR("k"), 2, &n) == STORE_OK && n == 1, "one is in");
	check(store_enter(s, STR("k"), 2, &n) == STORE_OK && n == 2, "two are");
	check(store_enter(s, STR("k"), 2, &n) == STORE_REACHED && n == 2, "no third one");
	check(store_enter(s, STR("k"), 0, &n) == STORE_REACHED, "nobody with a limit of 0");
	check(store_get(s, STR("k"), &v) == STORE_OK && v.kind == STORE_NOTHING, "it is no value");
	check(store_leave(s, STR("k")) == STORE_OK && inside(s, "k") == 1, "one leaves");
	check(store_leave(s, STR("k")) == STORE_OK && inside(s, "k") == 0, "and the other");
	check(store_leave(s, STR("k")) == STORE_NOT_FOUND, "nobody else");
	store_look(s, &stats);
	check(stats.entries == 0 && stats.used == 0, "nothing is left of it");
	(void)store_test_text(s, "t", "x");
	check(store_enter(s, STR("t"), 2, &n) == STORE_OTHER_KIND, "a text is no such thing");
	check(store_test_is_whole(s), "whole");
	store_close(s);
}

static void test_room(void)
{
	struct store *s = store_test_new(STORE_BYTES_MIN);
	char key[32];
	uint32_t n;

	check_case("holds in a full store");
	(void)store_enter(s, STR("held"), LIMIT, &n);
	for (int i = 0; i < 10000; i++) {
		(void)snprintf(key, sizeof(key), "key %d", i);
		(void)store_test_text(s, key, "value");
	}
	check(inside(s, "held") == 1, "are not pushed out");
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(key, sizeof(key), "room %d", i);
		if (store_enter(s, str_of(key), LIMIT, &n) == STORE_FULL)
			break;
	}
	check(store_test_text(s, "key", "value") == STORE_FULL, "until it is full of them");
	check(store_test_is_whole(s), "whole");
	store_close(s);
}

/* Each process enters so often, and waits. */
static void start_all(struct store *s, pid_t pids[PROCESSES], unsigned times)
{
	for (int i = 0; i < PROCESSES; i++) {
		int ready[2];
		uint32_t n;
		char byte;
		(void)pipe(ready);
		pids[i] = fork();
		if (pids[i] == 0) {
			(void)store_test_child(s);
			for (unsigned t = 0; t < times; t++)
				(void)store_enter(s, STR("k"), 1000, &n);
			(void)write(ready[1], "", 1);
			(void)pause();
		}
		(void)read(ready[0], &byte, 1);
		(void)close(ready[0]);
		(void)close(ready[1]);
	}
}

static void end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static void test_death(void)
{
	struct store *s = store_test_new(STORE_BYTES_MIN);
	pid_t pids[PROCESSES];
	uint32_t n;

	check_case("holds of processes that die");
	for (uint32_t round = 0; round < 10; round++) {
		start_all(s, pids, 3);
		uint32_t all = inside(s, "k");
		end(pids[0]);
		uint32_t rest = inside(s, "k");
		for (int i = 1; i < PROCESSES; i++)
			end(pids[i]);
		bool is_in = store_enter(s, STR("k"), 1, &n) == STORE_OK && n == 1;
		if (!check(all == 3 * PROCESSES && rest == all - 3 && is_in &&
				   store_leave(s, STR("k")) == STORE_OK,
			   "are given back"))
			break;
		store_tenant_end(&s->tenancy); /* the next children are not this process */
	}
	check(store_test_is_whole(s), "whole");
	store_close(s);
}

/* Enters and leaves as fast as it can; *most: how many were in there at once. */
static _Noreturn void come_and_go(struct store *s, _Atomic int *in, _Atomic int *most,
				  int64_t end_ns)
{
	uint32_t n;

	while (clock_now_ns() < end_ns) {
		if (store_enter(s, STR("room"), LIMIT, &n) != STORE_OK)
			continue;
		int now = atomic_fetch_add(in, 1) + 1;
		int seen = atomic_load(most);
		while (now > seen && !atomic_compare_exchange_weak(most, &seen, now))
			;
		(void)atomic_fetch_sub(in, 1);
		(void)store_leave(s, STR("room"));
	}
	_exit(0);
}

static void test_race(void)
{
	struct store *s = store_test_new(STORE_BYTES_MIN);
	_Atomic int *in =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int64_t end_ns = clock_now_ns() + 300000000;

	check_case("processes that come and go at full speed");
	for (int i = 0; i < PROCESSES; i++) {
		if (fork() == 0)
			come_and_go(s, in, in + 1, end_ns);
	}
	while (wait(NULL) > 0)
		;
	check(in[1] >= 1 && in[1] <= LIMIT, "are never too many");
	check(inside(s, "room") == 0, "and in the end nobody");
	(void)munmap((void *)in, 4096);
	store_close(s);
}

void store_test_holds(void)
{
	test_calls();
	test_room();
	test_death();
	test_race();
}

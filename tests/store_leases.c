/* Limits that several machines have in common: three stores, and a sum that stands for Redis. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "shm/store_lease.h"
#include "store_test.h"

enum { MACHINES = 3, CELLS = 100000 };

static const struct store_rate RATE = { 1, 100e6, 3000e6 }; /* 30 at once, one in 100 s */

static unsigned take_all(const struct store *s, const char *key)
{
	struct store_taken taken;
	unsigned n = 0;

	while (store_lease_take(s, str_of(key), &RATE, &taken) == STORE_OK && taken.wait_us == 0)
		n++;
	return n;
}

/* What it owes by all keys; each is settled with that and what was owed before. */
static int64_t exchange(struct store *s, int64_t ahead_ns, uint32_t takers)
{
	struct store_round round = { { 0, 0 }, 0 };
	struct store_debt debt;
	int64_t owed_ns = 0;

	if (!store_lease_begin(s, &round, CELLS))
		return 0;
	while (store_lease_next(s, &round, &debt)) {
		char key[16];
		check(debt.key.n < sizeof(key), "a short key");
		memcpy(key, debt.key.p, debt.key.n);
		owed_ns += debt.owed_ns;
		check(store_lease_settle(s, (struct str){ key, debt.key.n }, ahead_ns + owed_ns,
					 takers) == STORE_OK,
		      "it is settled");
	}
	return owed_ns;
}

static struct store *new_machine(uint32_t balancers)
{
	struct store *s = store_test_new(STORE_BYTES_MIN);
	store_lease_share(s, balancers, 100);
	return s;
}

static void test_parts(void)
{
	struct store *s = new_machine(MACHINES);

	check_case("a lease is a part");
	check(take_all(s, "k") == 10, "a third of the burst before anything is known");
	int64_t ahead_ns = exchange(s, 0, 1);
	check(ahead_ns == INT64_C(10) * 100 * 1000000000, "it owes what it took, once");
	check(exchange(s, ahead_ns, 1) == 0, "and only once");
	unsigned more = take_all(s, "k");
	check(more == 6, "it was new: a third of the rest");
	(void)exchange(s, ahead_ns, 1);
	check(take_all(s, "k") == 14, "nobody else takes of it: all of the rest");
	check(take_all(s, "other") == 10, "another key");
	store_close(s);
}

static void test_together(void)
{
	struct store *all[MACHINES];
	int64_t ahead_ns = 0;
	unsigned n = 0;

	check_case("together");
	for (int i = 0; i < MACHINES; i++)
		all[i] = new_machine(MACHINES);
	for (int turn = 0; turn < 20; turn++) {
		for (int i = 0; i < MACHINES; i++)
			n += take_all(all[i], "k");
		for (int i = 0; i < MACHINES; i++)
			ahead_ns += exchange(all[i], ahead_ns, MACHINES);
	}
	check(n >= 30 && n <= 60, "one more burst at most, however often they ask");
	for (int i = 0; i < MACHINES; i++)
		store_close(all[i]);
}

static void test_small(void)
{
	const struct store_rate one = { 1, 100e6, 100e6 }, dear = { 2, 100e6, 100e6 };
	struct store *s = new_machine(1000);
	struct store_taken taken;

	check_case("small bursts, and what is no lease");
	check(store_lease_take(s, STR("k"), &one, &taken) == STORE_OK && taken.wait_us == 0,
	      "one passes, however many there are");
	check(store_lease_take(s, STR("k"), &one, &taken) == STORE_OK && taken.wait_us > 99e6,
	      "then it says how long to wait");
	check(store_lease_take(s, STR("k"), &dear, &taken) == STORE_TOO_LARGE, "too dear for ever");
	(void)store_test_text(s, "t", "x");
	check(store_lease_take(s, STR("t"), &one, &taken) == STORE_OTHER_KIND, "a text");
	check(store_lease_settle(s, STR("t"), 0, 1) == STORE_OTHER_KIND, "a text is not settled");
	check(store_lease_settle(s, STR("nobody"), 0, 1) == STORE_NOT_FOUND, "nor is nothing");
	store_lease_share(s, 2, 100);
	check(store_take(s, STR("r"), &RATE, &taken) == STORE_OK, "a rate of before");
	check(store_lease_take(s, STR("r"), &RATE, &taken) == STORE_OK && taken.wait_us == 0,
	      "goes on as a lease");
	store_lease_share(s, 0, 0);
	check(store_take(s, STR("r"), &RATE, &taken) == STORE_OK, "and a lease as a rate");
	store_close(s);
}

static void test_rounds(void)
{
	struct store *s = new_machine(1);
	struct store_round round = { { 0, 0 }, 0 };
	struct store_debt debt;
	struct store_taken taken;
	unsigned met = 0;

	check_case("rounds");
	check(!store_lease_begin(s, &round, 10), "nothing was taken: nothing is looked at");
	for (unsigned i = 0; i < 100; i++) {
		char key[64];
		int n = snprintf(key, sizeof(key), "a long key that needs two cells %u", i);
		check(store_lease_take(s, (struct str){ key, (size_t)n }, &RATE, &taken) ==
			      STORE_OK,
		      "taken");
	}
	for (int i = 0; i < 200 && store_lease_begin(s, &round, 10); i++) {
		while (store_lease_next(s, &round, &debt))
			met++;
	}
	check(met == 100, "a round goes on where it stopped, and meets each once");
	store_close(s);
}

void store_test_leases(void)
{
	test_parts();
	test_together();
	test_small();
	test_rounds();
}

/* Windows and rates, also under two processes at full speed. */
#include <math.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "store_test.h"

static void test_window(void)
{
	struct store *s = store_test_new(STORE_BYTES_MIN);
	double sum = -1;

	check_case("windows");
	check(store_count(s, STR("w"), 0, 60000, &sum) == STORE_OK && sum == 0, "nothing yet");
	check(store_count(s, STR("w"), 3, 60000, &sum) == STORE_OK && sum == 3, "three");
	check(store_count(s, STR("w"), 0.5, 60000, &sum) == STORE_OK && sum == 3.5, "and a half");
	check(store_count(s, STR("w"), 0, 60000, &sum) == STORE_OK && sum == 3.5,
	      "reading is free");
	check(store_count(s, STR("w"), 1, 30000, &sum) == STORE_OK && sum == 1, "another length");
	(void)store_test_text(s, "t", "x");
	check(store_count(s, STR("t"), 1, 1000, &sum) == STORE_OTHER_KIND, "a text is no window");
	int64_t began_ms = clock_now_ms();
	while (clock_now_ms() < began_ms + 500)
		(void)store_count(s, STR("short"), 1, 100, &sum);
	double before = sum;
	while (clock_now_ms() < began_ms + 625)
		;
	check(before > 0 && store_count(s, STR("short"), 0, 100, &sum) == STORE_OK && sum == 0,
	      "what is older than the window is not in it");
	store_close(s);
}

static void test_rate(void)
{
	const struct store_rate rate = { 1, 1e6, 3e6 }, dear = { 4, 1e6, 3e6 };
	struct store *s = store_test_new(STORE_BYTES_MIN);
	struct store_taken taken;

	check_case("rates");
	for (int i = 0; i < 3; i++)
		check(store_take(s, STR("r"), &rate, &taken) == STORE_OK && taken.wait_us == 0,
		      "the burst is free");
	check(store_take(s, STR("r"), &rate, &taken) == STORE_OK && taken.wait_us > 9e5 &&
		      taken.wait_us <= 1e6,
	      "then it says how long to wait");
	check(taken.ahead_us > 2.9e6 && taken.ahead_us <= 3e6, "and how far it is ahead");
	check(store_take(s, STR("r"), &dear, &taken) == STORE_TOO_LARGE, "never so much at once");
	store_close(s);
}

/* Two processes take as fast as they can. How many they got, and in how many microseconds. */
static uint64_t take_both(struct store *s, const struct store_rate *rate, int64_t *took_us)
{
	_Atomic uint64_t *got =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int64_t began_ns = clock_now_ns();
	struct store_taken taken;

	for (int i = 0; i < 2; i++) {
		if (fork() != 0)
			continue;
		while (clock_now_ns() < began_ns + 300000000) {
			if (store_take(s, STR("both"), rate, &taken) == STORE_OK &&
			    taken.wait_us == 0)
				atomic_fetch_add(got, 1);
		}
		_exit(0);
	}
	for (int i = 0; i < 2; i++)
		(void)wait(NULL);
	*took_us = (clock_now_ns() - began_ns) / 1000;
	uint64_t n = *got;
	(void)munmap((void *)got, 4096);
	return n;
}

void store_test_rates(void)
{
	const struct store_rate rate = { 1, 100, 200000 };
	struct store *s = store_test_new(STORE_BYTES_MIN);
	int64_t took_us;

	test_window();
	test_rate();
	check_case("two processes at full speed");
	uint64_t got = take_both(s, &rate, &took_us);
	double most = 2000 + (double)took_us / 100;
	check((double)got <= most, "take not one too many");
	check((double)got >= 2500, "and nearly all that there were");
	store_close(s);
}

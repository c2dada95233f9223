/*
 * Processes that write and are killed: at a random moment, many times; and after each number of
 * instructions, for each kind of write: the processor's trap flag makes a signal of each.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "store_test.h"

enum { KILLS = 3000, KILLS_MS = 3000, KEYS = 700, STEPS_MAX = 20000, TRAP_FLAG = 0x100 };

static char letters[2][2000]; /* "aaa…", "bbb…" */

static void make_letters(void)
{
	for (int i = 0; i < 2; i++)
		memset(letters[i], 'a' + i, sizeof(letters[i]));
}

/* ---- at a random moment ---- */

/* Values of one letter, so that a torn one is seen; more than there is room for. */
static _Noreturn void write_for_ever(struct store *s, unsigned seed)
{
	struct store_step step = { 1, &(const double){ 0 }, 0 };
	char key[32];
	double sum;

	for (;;) {
		unsigned dice = (unsigned)rand_r(&seed);
		(void)snprintf(key, sizeof(key), "key %u", dice % KEYS);
		const struct store_value v = {
			.kind = STORE_TEXT,
			.text = { letters[dice & 1], dice / KEYS % 300 },
		};
		(void)store_set(s, str_of(key), &v, dice % 3 ? 0 : 1 + dice % 50, STORE_ALWAYS);
		if (dice % 7 == 0)
			(void)store_delete(s, str_of(key));
		(void)store_increment(s, STR("number"), &step, &sum);
		(void)store_count(s, STR("window"), 1, 1000, &sum);
	}
}

static bool is_one_letter(struct str text)
{
	for (size_t i = 1; i < text.n; i++) {
		if (text.p[i] != text.p[0])
			return false;
	}
	return true;
}

static bool are_values_whole(struct store *s)
{
	struct store_value v;
	char key[32];

	for (unsigned i = 0; i < KEYS; i++) {
		(void)snprintf(key, sizeof(key), "key %u", i);
		if (store_get(s, str_of(key), &v) != STORE_OK ||
		    (v.kind == STORE_TEXT && !is_one_letter(v.text)))
			return false;
	}
	return true;
}

void store_test_kills(void)
{
	struct store *s = store_test_new(STORE_BYTES_MIN);
	bool is_whole = true;
	unsigned seed = (unsigned)time(NULL);
	int64_t end_ms = clock_now_ms() + KILLS_MS;

	make_letters();
	check_case("killed at random moments");
	for (unsigned i = 0; i < KILLS && clock_now_ms() < end_ms && is_whole; i++) {
		pid_t pid = fork();
		if (pid == 0)
			write_for_ever(store_test_child(s), seed + i);
		struct timespec span = { 0, 1000 * (rand_r(&seed) % 300) };
		(void)nanosleep(&span, NULL);
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		is_whole = are_values_whole(s) && store_test_is_whole(s);
	}
	check(is_whole, "the store is whole each time");
	struct store_stats stats;
	store_look(s, &stats);
	check(stats.evicted > 0 && stats.expired > 0, "and it was full");
	store_close(s);
}

/* ---- after each instruction ---- */

static struct store_value text_of(int letter, size_t n)
{
	return (struct store_value){ .kind = STORE_TEXT, .text = { letters[letter], n } };
}

static void write_short(struct store *s)
{
	const struct store_value v = text_of(1, 30);
	(void)store_set(s, STR("key"), &v, 0, STORE_ALWAYS);
}

static void write_long(struct store *s)
{
	const struct store_value v = text_of(1, 400);
	(void)store_set(s, STR("key"), &v, 0, STORE_ALWAYS);
}

static void write_number(struct store *s)
{
	const struct store_value v = { .kind = STORE_NUMBER, .number = 1 };
	(void)store_set(s, STR("key"), &v, 1000000, STORE_ALWAYS);
}

static void delete_it(struct store *s)
{
	(void)store_delete(s, STR("key"));
}

static void count_it(struct store *s)
{
	double sum;
	(void)store_count(s, STR("window"), 1, 1000000, &sum);
}

static void take_it(struct store *s)
{
	const struct store_rate rate = { 1, 1000000, 1e12 };
	struct store_taken taken;
	(void)store_take(s, STR("rate"), &rate, &taken);
}

static void enter_it(struct store *s)
{
	uint32_t n;
	for (int i = 0; i < 2; i++)
		(void)store_enter(s, STR("held"), 10, &n);
}

static void leave_it(struct store *s)
{
	enter_it(s);
	for (int i = 0; i < 2; i++)
		(void)store_leave(s, STR("held"));
}

#if defined(__x86_64__)

static volatile int steps_left;

static void trap(int number)
{
	(void)number;
	if (steps_left-- <= 0)
		(void)kill(getpid(), SIGKILL);
}

/* The flags that the signal's end puts back are those of single steps. */
static void begin_steps(int number, siginfo_t *info, void *context)
{
	ucontext_t *at = context;

	(void)number, (void)info;
	at->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static _Noreturn void write_in_steps(struct store *s, void (*write)(struct store *s), int steps)
{
	struct sigaction on_trap = { .sa_handler = trap };
	struct sigaction on_begin = { .sa_sigaction = begin_steps, .sa_flags = SA_SIGINFO };

	steps_left = steps;
	(void)sigaction(SIGTRAP, &on_trap, NULL);
	(void)sigaction(SIGUSR1, &on_begin, NULL);
	(void)raise(SIGUSR1);
	write(s);
	_exit(0);
}

#else

static _Noreturn void write_in_steps(struct store *s, void (*write)(struct store *s), int steps)
{
	(void)s, (void)write, (void)steps;
	_exit(0);
}

#endif

/* Lets a process do that for so many instructions, then kills it. false: it was done before. */
static bool run_steps(struct store *s, void (*write)(struct store *s), int steps)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		write_in_steps(store_test_child(s), write, steps);
	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status);
}

/* What was there before, or what was to be there, and nothing else. */
static bool is_old_or_new(struct store *s)
{
	struct store_value v;

	if (store_get(s, STR("key"), &v) != STORE_OK)
		return false;
	if (v.kind == STORE_NOTHING)
		return true;
	if (v.kind == STORE_NUMBER)
		return v.number == 1;
	return v.kind == STORE_TEXT && is_one_letter(v.text) &&
	       v.text.n == (v.text.p[0] == 'a' ? 31 : (v.text.n == 30 ? 30 : 400));
}

/* What the dead one held. */
static bool holds_nothing(struct store *s)
{
	uint32_t n;
	return store_inside(s, STR("held"), &n) == STORE_OK && n == 0;
}

/* A full store, in which the key has 31 times "a". */
static void prepare(struct store *s)
{
	const struct store_value v = text_of(0, 31), long_one = text_of(0, 150);
	char key[32];

	for (unsigned i = 0; i < 40; i++) {
		(void)snprintf(key, sizeof(key), "fill %u", (unsigned)rand() % 1000);
		(void)store_set(s, str_of(key), &long_one, 0, STORE_ALWAYS);
	}
	(void)store_set(s, STR("key"), &v, 0, STORE_ALWAYS);
}

static bool try_each_step(void (*write)(struct store *s), int stride, const char *what)
{
	struct store *s = store_test_new(STORE_BYTES_MIN);
	bool is_whole = true, is_running = true;
	int steps = rand() % stride;

	for (int i = 0; i < 20; i++)
		prepare(s);
	for (; steps < STEPS_MAX && is_running && is_whole; steps += stride) {
		prepare(s);
		is_running = run_steps(s, write, steps);
		is_whole = is_old_or_new(s) && store_test_is_whole(s) && holds_nothing(s);
	}
	store_close(s);
	return check(is_whole, what) && steps > 100;
}

void store_test_steps(void)
{
	srand((unsigned)time(NULL));
	const char *stride = getenv("STORE_STRIDE"); /* 1: after each instruction */
	int n = stride != NULL ? atoi(stride) : 61;

	check_case("killed after so many instructions");
	if (!try_each_step(write_short, n, "while a value is changed in place"))
		return; /* another processor: the random moments must do */
	(void)try_each_step(write_long, n, "while a value is replaced");
	(void)try_each_step(write_number, n, "while it becomes a number");
	(void)try_each_step(delete_it, n, "while it is deleted");
	(void)try_each_step(count_it, n, "while a window counts");
	(void)try_each_step(take_it, n, "while a rate is taken from");
	(void)try_each_step(enter_it, 3 * n, "while it enters");
	(void)try_each_step(leave_it, 3 * n, "while it leaves");
}

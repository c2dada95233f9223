/*
 * The system's clocks, read now. Inside a loop its own time (net/loop.h) costs nothing, but stands
 * still for a turn. These are for code that measures within a turn or runs without a loop.
 */
#ifndef NEAP_BASE_CLOCK_H
#define NEAP_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	(void)clock_gettime(clock, &now); /* cannot fail for the clocks that we ask for */
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Monotonic: for spans. */
static inline int64_t clock_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static inline int64_t clock_now_ms(void)
{
	return clock_now_ns() / 1000000;
}

/* Monotonic in steps of some milliseconds, for a fifth of the price. */
static inline int64_t clock_coarse_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC_COARSE) / 1000000;
}

/* Milliseconds since 1970. */
static inline int64_t clock_wall_ms(void)
{
	return clock_ns(CLOCK_REALTIME) / 1000000;
}

#endif

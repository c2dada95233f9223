#include "shm/store_lock.h"

#include <errno.h>
#include <time.h>

#include "shm/store_recover.h"

enum { TRIES = 100, WAIT_NS = 100000000, SECOND_NS = 1000000000 };

/* A holder needs less than a microsecond: mostly it is quicker to try again than to sleep. */
static int try_lock(pthread_mutex_t *lock)
{
	int sys = pthread_mutex_trylock(lock);

	for (int i = 0; i < TRIES && sys == EBUSY; i++)
		sys = pthread_mutex_trylock(lock);
	return sys;
}

/* By the wall clock, as POSIX has it: if that jumps, this waits for longer or less long, once. */
static int wait_lock(pthread_mutex_t *lock)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until); /* it exists */
	until.tv_nsec += WAIT_NS;
	if (until.tv_nsec >= SECOND_NS) {
		until.tv_nsec -= SECOND_NS;
		until.tv_sec++;
	}
	return pthread_mutex_timedlock(lock, &until);
}

bool store_lock(const struct store *s, const struct store_shard *h)
{
	int sys = try_lock(&h->row->lock);

	if (unlikely(sys == EBUSY))
		sys = wait_lock(&h->row->lock);
	if (likely(sys == 0))
		return true;
	if (sys != EOWNERDEAD)
		return false;
	store_recover(s, h);
	if (pthread_mutex_consistent(&h->row->lock) == 0)
		return true;
	(void)pthread_mutex_unlock(&h->row->lock); /* cannot be: it is ours, and its owner died */
	return false;
}

void store_unlock(const struct store_shard *h)
{
	(void)pthread_mutex_unlock(&h->row->lock); /* it is ours */
}

#include "base/dice.h"

#include <sys/random.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "base/cc.h"

static uint64_t state; /* 0: not seeded yet */

static uint64_t make_seed(void)
{
	uint64_t seed;
	if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == (ssize_t)sizeof seed)
		return seed | 1;
	return dice_spread((uint64_t)time(NULL) << 20 ^ (uint64_t)getpid()) | 1;
}

uint64_t dice_state(void)
{
	if (unlikely(state == 0))
		state = make_seed();
	return state;
}

uint64_t dice_bits(void)
{
	state = dice_state() + 0x9e3779b97f4a7c15ULL;
	return dice_spread(state);
}

double dice_roll(void)
{
	return (double)(dice_bits() >> 11) * 0x1p-53;
}

/*
 * The dice of this process: numbers that need not be secret. Seeded by the system at the first use.
 * The master rolls none before it forks, so each process has its own.
 */
#ifndef NEAP_BASE_DICE_H
#define NEAP_BASE_DICE_H

#include <stdint.h>

/* A number from 0 to below 1. */
double dice_roll(void);

/* 64 random bits, from the same sequence. */
uint64_t dice_bits(void);

/* All that the next rolls depend on: the record of a decision keeps it. */
uint64_t dice_state(void);

/* Spreads every bit over all others: the finaliser of MurmurHash3, 64 bits. */
static inline uint64_t dice_spread(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	return x ^ x >> 33;
}

#endif

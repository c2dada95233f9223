/*
 * SipHash-1-3 (Aumasson, Bernstein) over the words of a key and its length. With a secret key nobody
 * outside can find texts that meet in one bucket.
 */
#ifndef NEAP_SHM_STORE_HASH_H
#define NEAP_SHM_STORE_HASH_H

#include <stdint.h>

struct store_hash {
	uint64_t a, b, c, d;
};

static inline uint64_t store_hash_turn(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static inline void store_hash_round(struct store_hash *h)
{
	h->a += h->b;
	h->c += h->d;
	h->b = store_hash_turn(h->b, 13) ^ h->a;
	h->d = store_hash_turn(h->d, 16) ^ h->c;
	h->a = store_hash_turn(h->a, 32) + h->d;
	h->c += h->b;
	h->d = store_hash_turn(h->d, 21) ^ h->a;
	h->b = store_hash_turn(h->b, 17) ^ h->c;
	h->c = store_hash_turn(h->c, 32);
}

static inline void store_hash_begin(struct store_hash *h, const uint64_t key[2])
{
	h->a = key[0] ^ UINT64_C(0x736f6d6570736575);
	h->b = key[1] ^ UINT64_C(0x646f72616e646f6d);
	h->c = key[0] ^ UINT64_C(0x6c7967656e657261);
	h->d = key[1] ^ UINT64_C(0x7465646279746573);
}

static inline void store_hash_add(struct store_hash *h, uint64_t word)
{
	h->d ^= word;
	store_hash_round(h);
	h->a ^= word;
}

static inline uint64_t store_hash_end(struct store_hash *h, uint64_t n)
{
	store_hash_add(h, n);
	h->c ^= 0xff;
	store_hash_round(h);
	store_hash_round(h);
	store_hash_round(h);
	return h->a ^ h->b ^ h->c ^ h->d;
}

#endif

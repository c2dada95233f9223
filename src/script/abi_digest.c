/* The dice and digests of Lua. */
#include <stdatomic.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/fnv.h"
#include "script/abi.h"
#include "script/digest.h"
#include "script/fate.h"
#include "script/sha256.h"
#include "script/state.h"

/* Spreads every bit over all others (a finaliser of the murmur kind). */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	return x ^ x >> 33;
}

double digest_pair(double a, double b)
{
	return (double)(mix((uint64_t)a << 32 | (uint64_t)b) >> 32);
}

static uint64_t seed(void)
{
	uint64_t s;
	if (getrandom(&s, sizeof s, GRND_NONBLOCK) == (ssize_t)sizeof s)
		return s | 1;
	return mix((uint64_t)time(NULL) << 20 ^ (uint64_t)getpid()) | 1;
}

static uint64_t dice; /* of this process; 0: not seeded yet */

uint64_t fate_dice(void)
{
	if (dice == 0)
		dice = seed();
	return dice;
}

NEAP_API double neap_random(void)
{
	if (unlikely(dice == 0))
		dice = seed();
	dice += 0x9e3779b97f4a7c15ULL;
	return (double)(mix(dice) >> 11) * 0x1p-53;
}

/* FNV-1a over the bytes, spread. */
NEAP_API double neap_hash(const char *bytes, size_t n, double seeded)
{
	uint64_t h = fnv_add(fnv_start ^ mix((uint64_t)(int64_t)seeded), bytes, n);
	return (double)(mix(h) >> 32);
}

static void answer_hex(const uint8_t *bytes, size_t n)
{
	static char text[2 * SHA256_BYTES];
	static const char digits[] = "0123456789abcdef";
	neap_current *current = &vm_current()->current;

	for (size_t i = 0; i < n; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	current->out = text;
	current->out_n = (uint32_t)(2 * n);
}

NEAP_API void neap_hmac(const char *key, size_t key_n, const char *bytes, size_t n)
{
	uint8_t digest[SHA256_BYTES];

	sha256_hmac(key, key_n, bytes, n, digest);
	answer_hex(digest, sizeof digest);
}

/* A word of the secret: whoever comes first makes it, and the board keeps it over restarts. */
static bool secret_word(char number, uint64_t *word)
{
	const char name[] = { '\37', 's', 'e', 'c', 'r', 'e', 't', '\37', number };
	_Atomic uint64_t *cell =
		board_counter(vm_current()->o.board, (struct str){ name, sizeof name });
	uint64_t made = 0;

	if (cell == NULL)
		return false;
	*word = atomic_load(cell);
	if (*word != 0)
		return true;
	if (getrandom(&made, sizeof made, 0) != (ssize_t)sizeof made || made == 0)
		return false;
	if (atomic_compare_exchange_strong(cell, word, made))
		*word = made; /* else *word is now what another process made */
	return true;
}

NEAP_API uint32_t neap_secret(void)
{
	uint64_t words[4];

	for (unsigned i = 0; i < 4; i++) {
		if (!secret_word((char)('0' + i), &words[i]))
			return 0;
	}
	answer_hex((const uint8_t *)words, sizeof words);
	return 1;
}

/* The dice, digests and secrets of Lua. */
#include <stdatomic.h>
#include <sys/random.h>

#include "base/dice.h"
#include "base/digest.h"
#include "crypto/sha256.h"
#include "script/abi.h"
#include "script/policies.h"
#include "shm/board_counter.h"

NEAP_API double neap_random(void)
{
	return dice_roll();
}

NEAP_API double neap_hash(const char *bytes, size_t n, double seed)
{
	return digest_bytes(bytes, n, seed);
}

static void answer_hex(const uint8_t *bytes, size_t n)
{
	static char text[2 * SHA256_BYTES];
	static const char digits[] = "0123456789abcdef";
	neap_current *current = &policies_current()->cos.current;

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

/*
 * A word of the secret. The first process that asks makes it, and the board keeps it over restarts.
 */
static bool secret_word(char number, uint64_t *word)
{
	const char name[] = { '\37', 's', 'e', 'c', 'r', 'e', 't', '\37', number };
	_Atomic uint64_t *cell = board_counter(policies_board(), (struct str){ name, sizeof name });
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

/*
 * Keys that others sign with, as PEM and as the numbers of a JWK, and signatures that are verified with
 * them. Whatever came, there is no key, or one of a kind that neap uses.
 */
#include <openssl/evp.h>

#include "crypto/jws.h"
#include "crypto/public_key.h"
#include "fuzz.h"

static void check_key(EVP_PKEY *key, struct str in)
{
	const char *bytes = in.n > 0 ? in.p : "";
	if (key == NULL)
		return;
	must(public_key_kind(key) != PUBLIC_KEY_OTHER);
	for (uint32_t way = JWS_PKCS1; way <= JWS_EDDSA; way++) {
		for (uint32_t bits = 256; bits <= 512; bits += 128)
			(void)jws_verify(key, way, bits, bytes, in.n, bytes, in.n);
	}
	EVP_PKEY_free(key);
}

/* The first half and the second. */
static void check_numbers(struct str in)
{
	size_t half = in.n / 2;
	const char *second = in.p + half;
	check_key(public_key_rsa(in.p, half, second, in.n - half), in);
	if (in.n >= 3)
		check_key(public_key_rsa(in.p, in.n - 3, in.p + in.n - 3, 3), in);
	for (uint32_t kind = PUBLIC_KEY_OTHER; kind <= PUBLIC_KEY_ED25519 + 1U; kind++)
		check_key(public_key_ec(kind, in.p, half, second, in.n - half), in);
	check_key(public_key_ed25519(in.p, in.n), in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { SIZE_MOST = 4096 };
	if (size > SIZE_MOST)
		return -1;
	char *copy = exact(data, size);
	struct str in = { copy, size };
	check_key(public_key_pem(in.p, in.n), in);
	check_numbers(in);
	free(copy);
	return 0;
}

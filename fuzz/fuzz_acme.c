/* What ACME brings from elsewhere to C: base64url, a private key, and the entries on the board. */
#include <openssl/evp.h>

#include "crypto/acme_leaf.h"
#include "crypto/base64url.h"
#include "crypto/ec_key.h"
#include "crypto/jose.h"
#include "fuzz.h"
#include "shm/board_acme.h"

static bool is_within(struct str part, struct str whole)
{
	return part.p >= whole.p && part.p + part.n <= whole.p + whole.n;
}

static void check_entries(struct str in)
{
	struct str rest = in;
	struct acme_entry entry;

	while (acme_entry_next(&rest, &entry)) {
		must(is_within(entry.kind, in) && is_within(entry.name, in));
		must(is_within(entry.bytes, in) && is_within(rest, in));
	}
}

/* What is read is written as it was. */
static void check_base64url(struct str in)
{
	char bytes[4096], text[4096];
	struct out read, written;

	out_init(&read, bytes, sizeof(bytes));
	out_init(&written, text, sizeof(text));
	if (base64url_read(&read, in, NULL) != ERR_OK)
		return;
	base64url_write(&written, (struct str){ read.p, read.n });
	must(!read.full && !written.full && str_eq((struct str){ written.p, written.n }, in));
}

static void check_pem(struct str in)
{
	char text[4096];
	struct acme_leaf leaf;
	struct out out;
	EVP_PKEY *key;

	(void)acme_leaf_read(&leaf, in, "a.test", NULL);
	if (ec_key_read(&key, in, NULL) != ERR_OK)
		return;
	out_init(&out, text, sizeof(text));
	must(jose_jwk(&out, key, NULL) == ERR_OK);
	EVP_PKEY_free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 2048)
		return -1;
	char *copy = exact(data, size);
	struct str in = { copy, size };
	check_entries(in);
	check_base64url(in);
	check_pem(in);
	free(copy);
	return 0;
}

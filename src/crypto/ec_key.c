#include "crypto/ec_key.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "crypto/pem_text.h"

enum err ec_key_create(EVP_PKEY **key, struct error *e)
{
	*key = EVP_EC_gen("P-256");
	if (*key != NULL)
		return ERR_OK;
	ERR_clear_error();
	return err_set(e, ERR_MEMORY, "a key on P-256 cannot be made");
}

static bool is_on_p256(const EVP_PKEY *key)
{
	char name[32];
	size_t n;

	return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
	       EVP_PKEY_get_group_name(key, name, sizeof(name), &n) == 1 &&
	       strcmp(name, "prime256v1") == 0;
}

enum err ec_key_read(EVP_PKEY **key, struct str pem, struct error *e)
{
	BIO *bio = pem_text_open(pem);

	*key = bio == NULL ? NULL
			   : PEM_read_bio_PrivateKey(bio, NULL, pem_text_no_passphrase, NULL);
	BIO_free(bio);
	ERR_clear_error();
	if (*key == NULL)
		return err_set(e, ERR_INVALID, "has no private key that can be read");
	if (is_on_p256(*key))
		return ERR_OK;
	EVP_PKEY_free(*key);
	*key = NULL;
	return err_set(e, ERR_INVALID, "its private key is not one on P-256");
}

enum err ec_key_write(struct out *out, EVP_PKEY *key, struct error *e)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool is_written = bio != NULL &&
			  PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
	char *text = NULL;
	long n = is_written ? BIO_get_mem_data(bio, &text) : 0;

	if (n > 0)
		out_str(out, (struct str){ text, (size_t)n });
	BIO_free(bio);
	ERR_clear_error();
	if (n <= 0 || out->full)
		return err_set(e, ERR_MEMORY, "the key cannot be written");
	return ERR_OK;
}

/* What the agent's Lua needs for certificates from a CA: keys, signatures, files, the board. */
#include "script/abi_acme.h"
#include "base/kept_file.h"
#include "crypto/acme_certificate.h"
#include "crypto/acme_leaf.h"
#include "crypto/base64url.h"
#include "crypto/csr.h"
#include "crypto/ec_key.h"
#include "crypto/jose.h"
#include "script/policies.h"
#include "shm/board_acme.h"

enum { NAME_BYTES = 256, PATH_BYTES = 4096, ANSWER_BYTES = 1024 * 1024 };

/* The memory of answers, which stay until the next call. */
static struct out answer_begin(void)
{
	static char memory[ANSWER_BYTES];
	struct out out;

	out_init(&out, memory, sizeof(memory));
	return out;
}

/* The answer, or why there is none. */
static uint32_t answer_end(const struct out *out, enum err err, const struct error *e)
{
	static char why[sizeof(e->text)];
	neap_current *current = &policies_current()->cos.current;

	if (err == ERR_OK) {
		current->out = out->p;
		current->out_n = (uint32_t)out->n;
		return 1;
	}
	(void)str_copy(why, sizeof(why), str_of(e->text)); /* as long as what it copies */
	current->out = why;
	current->out_n = (uint32_t)strlen(why);
	return 0;
}

static struct str text_of(const char *p, size_t n)
{
	return (struct str){ p, n };
}

static enum err copy_name(char *to, size_t size, struct str name, struct error *e)
{
	if (memchr(name.p, '\0', name.n) == NULL && str_copy(to, size, name))
		return ERR_OK;
	return err_set(e, ERR_INVALID, "the name is too long, or has a zero byte");
}

NEAP_API uint32_t neap_acme_base64url(const char *bytes, size_t n)
{
	struct out out = answer_begin();
	struct error e;

	base64url_write(&out, text_of(bytes, n));
	return answer_end(&out, out.full ? err_set(&e, ERR_LIMIT, "it is too long") : ERR_OK, &e);
}

NEAP_API uint32_t neap_acme_bytes(const char *text, size_t n)
{
	struct out out = answer_begin();
	struct error e;
	enum err err = base64url_read(&out, text_of(text, n), &e);

	return answer_end(&out, err, &e);
}

NEAP_API uint32_t neap_acme_digest(const char *bytes, size_t n)
{
	struct out out = answer_begin();
	struct error e;
	enum err err = jose_digest(&out, text_of(bytes, n), &e);

	return answer_end(&out, err, &e);
}

NEAP_API uint32_t neap_acme_mac(const char *secret, size_t secret_n, const char *bytes, size_t n)
{
	struct out out = answer_begin();
	struct error e;
	enum err err = jose_mac(&out, text_of(secret, secret_n), text_of(bytes, n), &e);

	return answer_end(&out, err, &e);
}

NEAP_API uint32_t neap_acme_key(void)
{
	struct out out = answer_begin();
	struct error e;
	EVP_PKEY *key;
	enum err err = ec_key_create(&key, &e);

	if (err == ERR_OK) {
		err = ec_key_write(&out, key, &e);
		EVP_PKEY_free(key);
	}
	return answer_end(&out, err, &e);
}

NEAP_API uint32_t neap_acme_jwk(const char *pem, size_t pem_n)
{
	struct out out = answer_begin();
	struct error e;
	EVP_PKEY *key;
	enum err err = ec_key_read(&key, text_of(pem, pem_n), &e);

	if (err == ERR_OK) {
		err = jose_jwk(&out, key, &e);
		EVP_PKEY_free(key);
	}
	return answer_end(&out, err, &e);
}

NEAP_API uint32_t neap_acme_sign(const char *pem, size_t pem_n, const char *bytes, size_t n)
{
	struct out out = answer_begin();
	struct error e;
	EVP_PKEY *key;
	enum err err = ec_key_read(&key, text_of(pem, pem_n), &e);

	if (err == ERR_OK) {
		err = jose_sign(&out, key, text_of(bytes, n), &e);
		EVP_PKEY_free(key);
	}
	return answer_end(&out, err, &e);
}

NEAP_API uint32_t neap_acme_request(const char *pem, size_t pem_n, const char *name, size_t n)
{
	struct out out = answer_begin();
	char domain[NAME_BYTES];
	struct error e;
	EVP_PKEY *key;
	enum err err = copy_name(domain, sizeof(domain), text_of(name, n), &e);

	if (err == ERR_OK)
		err = ec_key_read(&key, text_of(pem, pem_n), &e);
	if (err == ERR_OK) {
		err = csr_write(&out, key, domain, &e);
		EVP_PKEY_free(key);
	}
	return answer_end(&out, err, &e);
}

NEAP_API uint32_t neap_acme_proof(const char *name, size_t name_n, const char *bytes, size_t n)
{
	struct out out = answer_begin();
	char domain[NAME_BYTES];
	struct error e;
	enum err err = copy_name(domain, sizeof(domain), text_of(name, name_n), &e);

	if (err == ERR_OK)
		err = acme_certificate_write(&out, domain, text_of(bytes, n), &e);
	return answer_end(&out, err, &e);
}

NEAP_API uint32_t neap_acme_leaf(const char *pem, size_t pem_n, const char *name, size_t n,
				 double dates[2])
{
	struct out out = answer_begin();
	struct acme_leaf leaf;
	char domain[NAME_BYTES];
	struct error e;
	enum err err = copy_name(domain, sizeof(domain), text_of(name, n), &e);

	if (err == ERR_OK)
		err = acme_leaf_read(&leaf, text_of(pem, pem_n), domain, &e);
	if (err == ERR_OK) {
		dates[0] = (double)leaf.not_before;
		dates[1] = (double)leaf.not_after;
	}
	return answer_end(&out, err, &e);
}

static enum err read_trust(struct out *out, const struct conf *c, uint32_t service, struct error *e)
{
	struct bundle *const *secrets = policies_current()->o.secrets;
	struct str bytes;

	if (secrets == NULL || *secrets == NULL || service >= c->services_n ||
	    c->services[service].tls.acme.ca == NULL)
		return err_set(e, ERR_GONE, "there is no such file");
	enum err err = bundle_read_as(*secrets, BUNDLE_PUBLIC, c->services[service].tls.acme.ca,
				      &bytes, e);
	if (err == ERR_OK)
		out_str(out, bytes);
	return err == ERR_OK && out->full ? err_set(e, ERR_LIMIT, "the file is too large") : err;
}

NEAP_API uint32_t neap_acme_trust(uint32_t service)
{
	struct out out = answer_begin();
	struct error e;
	enum err err = read_trust(&out, policies_current()->cos.conf, service, &e);

	return answer_end(&out, err, &e);
}

NEAP_API uint32_t neap_acme_publish(const char *text, size_t n)
{
	struct out out = answer_begin();
	struct error e;
	enum err err = board_acme_write(policies_board(), text_of(text, n), &e);

	return answer_end(&out, err, &e);
}

NEAP_API uint32_t neap_acme_load(const char *path, size_t n)
{
	struct out out = answer_begin();
	char name[PATH_BYTES];
	struct error e;
	enum err err = copy_name(name, sizeof(name), text_of(path, n), &e);

	if (err == ERR_OK)
		err = kept_file_read(name, &out, &e);
	return err == ERR_GONE ? NEAP_ACME_ABSENT : answer_end(&out, err, &e);
}

NEAP_API uint32_t neap_acme_store(const char *path, size_t path_n, const char *bytes, size_t n)
{
	struct out out = answer_begin();
	char name[PATH_BYTES];
	struct error e;
	enum err err = copy_name(name, sizeof(name), text_of(path, path_n), &e);

	if (err == ERR_OK)
		err = kept_file_write(name, text_of(bytes, n), &e);
	return answer_end(&out, err, &e);
}

NEAP_API uint32_t neap_acme_folder(const char *path, size_t n)
{
	struct out out = answer_begin();
	char name[PATH_BYTES];
	struct error e;
	enum err err = copy_name(name, sizeof(name), text_of(path, n), &e);

	if (err == ERR_OK)
		err = kept_file_folder(name, &e);
	return answer_end(&out, err, &e);
}

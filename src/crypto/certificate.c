#include "crypto/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/binary.h"
#include "crypto/epoch.h"
#include "crypto/fault.h"
#include "crypto/pem_reader.h"
#include "crypto/pem_text.h"
#include "crypto/staple.h"

struct certificate {
	unsigned references;
	enum certificate_order order;
	X509 *leaf;
	EVP_PKEY *key;
	STACK_OF(X509) * issuers;
	struct str staple;
	int64_t staple_until; /* seconds since 1970 */
	char *where;

	/* Borrowed, of one that is deferred: it has no leaf yet. */
	struct certificate_facts facts;
	struct certificate_text text;
	struct str ocsp;
};

/* ---- reading ---- */

static const char *or_what(const char *where, const char *what)
{
	return where != NULL ? where : what;
}

/* The first one is the leaf, as a rule, and nobody else's. */
static enum err read_all(STACK_OF(X509) * to, struct pem_reader *r, BIO *from, const char *where,
			 struct error *e)
{
	X509 *one;

	while ((one = pem_reader_certificate(r, from, sk_X509_num(to) > 0)) != NULL) {
		if (sk_X509_num(to) < CERTIFICATE_CHAIN_MAX && sk_X509_push(to, one) > 0)
			continue;
		X509_free(one);
		return err_set(e, ERR_INVALID, "%s: more than %d certificates in a chain", where,
			       CERTIFICATE_CHAIN_MAX);
	}
	if (!pem_text_is_at_end())
		return fault_set(e, ERR_INVALID, "%s: a certificate cannot be read", where);
	fault_drop();
	if (sk_X509_num(to) == 0)
		return err_set(
			e, ERR_INVALID,
			"%s: no certificate in it (expected PEM: \"-----BEGIN CERTIFICATE-----\")",
			where);
	return ERR_OK;
}

static enum err read_chain(struct certificate *c, struct pem_reader *r,
			   const struct certificate_text *t, struct error *e)
{
	const char *advice = binary_advice(t->chain);
	if (advice != NULL)
		return err_set(e, ERR_INVALID, "%s: %s", or_what(t->chain_where, "certificate"),
			       advice);
	BIO *from = pem_text_open(t->chain);
	c->issuers = sk_X509_new_null();
	enum err err =
		from == NULL || c->issuers == NULL
			? err_set(e, ERR_MEMORY, "no memory for a certificate")
			: read_all(c->issuers, r, from, or_what(t->chain_where, "certificate"), e);
	BIO_free(from);
	return err;
}

static bool has_text(struct str text, const char *word)
{
	return memmem(text.p, text.n, word, strlen(word)) != NULL;
}

static enum err refuse_key(struct str text, const char *where, struct error *e)
{
	const char *advice = binary_advice(text);
	if (advice != NULL)
		return err_set(e, ERR_INVALID, "%s: %s", where, advice);
	if (has_text(text, "BEGIN ENCRYPTED PRIVATE KEY") ||
	    has_text(text, "Proc-Type: 4,ENCRYPTED"))
		return err_set(e, ERR_INVALID,
			       "%s: the private key has a passphrase, and nobody is asked for it "
			       "(expected a key without one: openssl pkey -in … -out …)",
			       where);
	if (!has_text(text, "PRIVATE KEY-----"))
		return err_set(e, ERR_INVALID,
			       "%s: no private key in it (expected PEM: \"-----BEGIN PRIVATE "
			       "KEY-----\")",
			       where);
	return fault_set(e, ERR_INVALID, "%s: the private key cannot be read", where);
}

static enum err read_key(struct certificate *c, struct pem_reader *r,
			 const struct certificate_text *t, struct error *e)
{
	bool is_apart = t->key.n > 0;
	BIO *from = pem_text_open(is_apart ? t->key : t->chain);
	if (from != NULL)
		c->key = pem_reader_key(r, from);
	BIO_free(from);
	if (c->key != NULL)
		return ERR_OK;
	const char *where = is_apart ? or_what(t->key_where, "key")
				     : or_what(t->chain_where, "certificate");
	return refuse_key(is_apart ? t->key : t->chain, where, e);
}

/* ---- order ---- */

/* The leaf stood where others are shared. */
static void make_own(struct certificate *c)
{
	X509 *shared = c->leaf;

	c->order = CERTIFICATE_REORDERED;
	c->leaf = X509_dup(shared);
	X509_free(shared);
}

static bool move_to_leaf(struct certificate *c)
{
	for (int i = 0; i < sk_X509_num(c->issuers); i++) {
		if (X509_check_private_key(sk_X509_value(c->issuers, i), c->key) != 1)
			continue;
		c->leaf = sk_X509_delete(c->issuers, i);
		if (i > 0)
			make_own(c);
		break;
	}
	fault_drop();
	return c->leaf != NULL;
}

static int place_of_issuer(const struct certificate *c, X509 *of, int from)
{
	for (int i = from; i < sk_X509_num(c->issuers); i++) {
		if (X509_check_issued(sk_X509_value(c->issuers, i), of) == X509_V_OK)
			return i;
	}
	return -1;
}

/* Each is the issuer of the one before it (RFC 5246 §7.4.2). */
static void put_in_order(struct certificate *c)
{
	X509 *last = c->leaf;
	for (int next = 0; next < sk_X509_num(c->issuers); next++) {
		int at = place_of_issuer(c, last, next);
		if (at < 0) {
			c->order = CERTIFICATE_STRANGERS;
			break;
		}
		last = sk_X509_value(c->issuers, at);
		if (at == next)
			continue;
		(void)sk_X509_delete(c->issuers, at);
		(void)sk_X509_insert(c->issuers, last, next);
		c->order = CERTIFICATE_REORDERED;
	}
	fault_drop();
}

/* ---- the leaf knows whose it is ---- */

static int leaf_index(void)
{
	static int index = -1;
	if (index < 0)
		index = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

const struct certificate *certificate_of_leaf(const X509 *leaf)
{
	return leaf == NULL ? NULL : X509_get_ex_data(leaf, leaf_index());
}

static enum err fill(struct certificate *c, struct pem_reader *r, const struct certificate_text *t,
		     struct error *e)
{
	enum err err = read_chain(c, r, t, e);
	if (err == ERR_OK)
		err = read_key(c, r, t, e);
	if (err != ERR_OK)
		return err;
	if (!move_to_leaf(c))
		return err_set(e, ERR_INVALID, "%s: the key does not belong to the certificate%s%s",
			       or_what(t->key.n > 0 ? t->key_where : t->chain_where, "key"),
			       t->chain_where != NULL ? " of " : "",
			       t->chain_where != NULL ? t->chain_where : "");
	put_in_order(c);
	return X509_set_ex_data(c->leaf, leaf_index(), c) == 1
		       ? ERR_OK
		       : err_set(e, ERR_MEMORY, "no memory for a certificate");
}

static struct certificate *create(const char *where)
{
	struct certificate *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->references = 1;
	c->where = strdup(where);
	if (c->where != NULL)
		return c;
	free(c);
	return NULL;
}

enum err certificate_read_by(struct pem_reader *r, struct certificate **made,
			     const struct certificate_text *text, struct error *e)
{
	struct certificate *c = create(or_what(text->chain_where, "certificate"));

	*made = NULL;
	enum err err = c == NULL ? err_set(e, ERR_MEMORY, "no memory for a certificate")
				 : fill(c, r, text, e);
	fault_drop();
	if (err != ERR_OK)
		certificate_drop(c);
	else
		*made = c;
	return err;
}

enum err certificate_read(struct certificate **made, const struct certificate_text *text,
			  struct error *e)
{
	return certificate_read_by(NULL, made, text, e);
}

/* ---- later ---- */

enum err certificate_defer(struct certificate **made, const struct certificate_text *text,
			   struct str ocsp, const struct certificate_facts *facts, struct error *e)
{
	struct certificate *c = create(or_what(text->chain_where, "certificate"));

	*made = c;
	if (c == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a certificate");
	c->facts = *facts;
	c->text = (struct certificate_text){ .chain = text->chain, .key = text->key };
	c->ocsp = ocsp;
	return ERR_OK;
}

static void unread(struct certificate *c)
{
	X509_free(c->leaf);
	EVP_PKEY_free(c->key);
	sk_X509_pop_free(c->issuers, X509_free);
	c->leaf = NULL;
	c->key = NULL;
	c->issuers = NULL;
}

bool certificate_load(struct certificate *c)
{
	struct error e;

	if (c->leaf != NULL)
		return true;
	bool is_read = fill(c, NULL, &c->text, &e) == ERR_OK;
	if (!is_read)
		unread(c); /* for another try */
	else if (c->ocsp.n > 0)
		(void)certificate_staple(c, c->ocsp, &e); /* it was judged before */
	fault_drop();
	return is_read;
}

struct certificate *certificate_keep(struct certificate *c)
{
	c->references++;
	return c;
}

void certificate_drop(struct certificate *c)
{
	if (c == NULL || --c->references > 0)
		return;
	if (c->leaf != NULL)
		(void)X509_set_ex_data(c->leaf, leaf_index(), NULL);
	unread(c);
	free((void *)(uintptr_t)c->staple.p);
	free(c->where);
	free(c);
}

/* ---- OCSP ---- */

enum err certificate_staple(struct certificate *c, struct str der, struct error *e)
{
	enum err err = staple_judge(c->leaf, der, &c->staple_until, e);
	if (err != ERR_OK)
		return err;
	char *copy = malloc(der.n);
	if (copy == NULL)
		return err_set(e, ERR_MEMORY, "no memory for an OCSP answer");
	memcpy(copy, der.p, der.n);
	free((void *)(uintptr_t)c->staple.p);
	c->staple = (struct str){ copy, der.n };
	return ERR_OK;
}

struct str certificate_stapled(const struct certificate *c, int64_t now_s)
{
	return now_s < c->staple_until ? c->staple : (struct str){ NULL, 0 };
}

/* ---- what it is ---- */

enum certificate_kind certificate_kind(const struct certificate *c)
{
	if (c->leaf == NULL)
		return c->facts.kind;
	switch (EVP_PKEY_get_base_id(c->key)) {
	case EVP_PKEY_EC:
		return CERTIFICATE_ECDSA;
	case EVP_PKEY_ED25519:
	case EVP_PKEY_ED448:
		return CERTIFICATE_EDWARDS;
	default:
		return CERTIFICATE_RSA;
	}
}

const char *certificate_where(const struct certificate *c)
{
	return c->where;
}

enum certificate_order certificate_order(const struct certificate *c)
{
	return c->order;
}

bool certificate_is_for(const struct certificate *c, enum certificate_side side)
{
	uint32_t use = side == CERTIFICATE_OF_SERVER ? XKU_SSL_SERVER : XKU_SSL_CLIENT;
	/* All are set when none is named. */
	return (X509_get_extended_key_usage(c->leaf) & (use | XKU_ANYEKU)) != 0;
}

int64_t certificate_not_before(const struct certificate *c)
{
	return epoch_seconds(X509_get0_notBefore(c->leaf));
}

int64_t certificate_not_after(const struct certificate *c)
{
	return epoch_seconds(X509_get0_notAfter(c->leaf));
}

void certificate_fingerprint(const struct certificate *c,
			     uint8_t digest[CERTIFICATE_FINGERPRINT_BYTES])
{
	unsigned n = CERTIFICATE_FINGERPRINT_BYTES;
	(void)X509_digest(c->leaf, EVP_sha256(), digest, &n);
}

/* ---- names ---- */

static void tell_name(const ASN1_STRING *name, void (*fn)(void *ctx, struct str name), void *ctx)
{
	char lower[256];
	const char *bytes = (const char *)ASN1_STRING_get0_data(name);
	size_t n = (size_t)ASN1_STRING_length(name);

	if (n > 0 && bytes[n - 1] == '.')
		n--;
	if (n == 0 || n >= sizeof(lower))
		return;
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)bytes[i] <= ' ')
			return; /* nobody asks for such a host */
		lower[i] = str_lower_char(bytes[i]);
	}
	fn(ctx, (struct str){ lower, n });
}

static void tell_common_name(const struct certificate *c, void (*fn)(void *ctx, struct str name),
			     void *ctx)
{
	X509_NAME *subject = X509_get_subject_name(c->leaf);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (at >= 0)
		tell_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), fn, ctx);
}

static void tell_known(struct str names, void (*fn)(void *ctx, struct str name), void *ctx)
{
	struct str name;

	while (names.n > 0 && str_split(&names, ' ', &name)) {
		if (name.n > 0)
			fn(ctx, name);
	}
}

void certificate_each_name(const struct certificate *c, void (*fn)(void *ctx, struct str name),
			   void *ctx)
{
	if (c->leaf == NULL) {
		tell_known(c->facts.names, fn, ctx);
		return;
	}
	GENERAL_NAMES *names = X509_get_ext_d2i(c->leaf, NID_subject_alt_name, NULL, NULL);
	unsigned told = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type != GEN_DNS)
			continue;
		tell_name(name->d.dNSName, fn, ctx);
		told++;
	}
	GENERAL_NAMES_free(names);
	fault_drop();
	if (told == 0)
		tell_common_name(c, fn, ctx);
}

X509 *certificate_leaf(const struct certificate *c)
{
	return c->leaf;
}

EVP_PKEY *certificate_key(const struct certificate *c)
{
	return c->key;
}

STACK_OF(X509) * certificate_issuers(const struct certificate *c)
{
	return c->issuers;
}

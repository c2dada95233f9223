#include "crypto/authority.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/common_name.h"
#include "crypto/fault.h"
#include "crypto/pem_text.h"

static bool has_issuer_of(STACK_OF(X509) * all, X509 *one)
{
	for (int i = 0; i < sk_X509_num(all); i++) {
		if (X509_check_issued(sk_X509_value(all, i), one) == X509_V_OK)
			return true;
	}
	return false;
}

/* False: there is none. */
static bool find_fault(STACK_OF(X509) * all, X509 *one, enum authority_fault *fault)
{
	bool is_own = X509_check_issued(one, one) == X509_V_OK ||
		      X509_NAME_cmp(X509_get_subject_name(one), X509_get_issuer_name(one)) == 0;
	if (X509_check_ca(one) == 0)
		*fault = is_own ? AUTHORITY_PINNED : AUTHORITY_NONE;
	else if (!is_own && !has_issuer_of(all, one))
		*fault = AUTHORITY_NO_ROOT;
	else
		return false;
	return true;
}

static STACK_OF(X509) * read_all(struct str pem)
{
	BIO *from = pem_text_open(pem);
	STACK_OF(X509) *all = sk_X509_new_null();
	X509 *one;

	while (from != NULL && all != NULL &&
	       (one = PEM_read_bio_X509(from, NULL, pem_text_no_passphrase, NULL)) != NULL) {
		if (sk_X509_push(all, one) <= 0)
			X509_free(one);
	}
	BIO_free(from);
	return all;
}

void authority_each_fault(struct str pem,
			  void (*fn)(void *ctx, enum authority_fault fault, const char *name),
			  void *ctx)
{
	STACK_OF(X509) *all = read_all(pem);
	char name[AUTHORITY_NAME_BYTES];
	enum authority_fault fault;

	for (int i = 0; i < sk_X509_num(all); i++) {
		X509 *one = sk_X509_value(all, i);
		if (!find_fault(all, one, &fault))
			continue;
		name[common_name_write(name, sizeof(name) - 1, one)] = '\0';
		fn(ctx, fault, name);
	}
	sk_X509_pop_free(all, X509_free);
	fault_drop();
}

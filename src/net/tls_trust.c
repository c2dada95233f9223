#include "net/tls_trust.h"

#include <dirent.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/fault.h"
#include "crypto/pem_text.h"
#include "net/tls_verdict.h"

static enum err no_memory(struct error *e)
{
	fault_drop();
	return err_set(e, ERR_MEMORY, "no memory for TLS");
}

static enum err judge_end(unsigned count, const char *what, const char *where, struct error *e)
{
	if (!pem_text_is_at_end())
		return fault_set(e, ERR_INVALID, "%s: %s cannot be read", where, what);
	fault_drop();
	if (count > 0)
		return ERR_OK;
	return err_set(e, ERR_INVALID, "%s: %s is expected in it, PEM", where, what);
}

/* Also told to clients, when *openssl is that of a server. */
static bool add_authority(SSL_CTX *openssl, X509 *one, bool is_server)
{
	bool is_added = X509_STORE_add_cert(SSL_CTX_get_cert_store(openssl), one) == 1 &&
			(!is_server || SSL_CTX_add_client_CA(openssl, one) == 1);
	X509_free(one);
	return is_added;
}

static enum err add_authorities(SSL_CTX *openssl, struct str ca, bool is_server, const char *where,
				struct error *e)
{
	BIO *from = pem_text_open(ca);
	X509 *one;
	unsigned count = 0;
	enum err err = from == NULL ? no_memory(e) : ERR_OK;

	while (err == ERR_OK &&
	       (one = PEM_read_bio_X509(from, NULL, pem_text_no_passphrase, NULL)) != NULL) {
		if (!add_authority(openssl, one, is_server))
			err = no_memory(e);
		count++;
	}
	BIO_free(from);
	return err == ERR_OK ? judge_end(count, "a certificate", where, e) : err;
}

static enum err add_lists(SSL_CTX *openssl, struct str crl, const char *where, struct error *e)
{
	BIO *from = pem_text_open(crl);
	X509_CRL *one;
	unsigned count = 0;
	enum err err = from == NULL ? no_memory(e) : ERR_OK;

	while (err == ERR_OK &&
	       (one = PEM_read_bio_X509_CRL(from, NULL, pem_text_no_passphrase, NULL)) != NULL) {
		if (X509_STORE_add_crl(SSL_CTX_get_cert_store(openssl), one) != 1)
			err = no_memory(e);
		X509_CRL_free(one);
		count++;
	}
	BIO_free(from);
	return err == ERR_OK ? judge_end(count, "a revocation list", where, e) : err;
}

/* The leaf's authority must have a list; those above it need none, but theirs are obeyed. */
static int forgive(int is_good, X509_STORE_CTX *ctx)
{
	if (is_good == 1)
		return 1;
	if (X509_STORE_CTX_get_error(ctx) != X509_V_ERR_UNABLE_TO_GET_CRL ||
	    X509_STORE_CTX_get_error_depth(ctx) == 0)
		return tls_verdict_note(0, ctx);
	X509_STORE_CTX_set_error(ctx, X509_V_OK); /* else the chain would count as a bad one */
	return 1;
}

static const char *place(const char *said, const char *where, const char *key, char own[256])
{
	if (said != NULL)
		return said;
	(void)snprintf(own, 256, "%s.%s", where, key);
	return own;
}

/* As openssl rehash names files: eight hexadecimal digits, a dot, a number. */
static bool is_hashed_name(const char *name)
{
	return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' && name[9] == '0';
}

static bool is_hashed(const char *folder)
{
	const struct dirent *entry;
	bool found = false;
	DIR *d = opendir(folder);

	if (d == NULL)
		return false;
	while (!found && (entry = readdir(d)) != NULL)
		found = is_hashed_name(entry->d_name);
	(void)closedir(d);
	return found;
}

/*
 * The system's authorities. One file of all takes 30 ms to read, in a hook perhaps; a folder of
 * hashed names is asked for one of them when a chain needs it.
 */
static void trust_system(SSL_CTX *openssl)
{
	const char *folder = getenv(X509_get_default_cert_dir_env());

	if (folder == NULL)
		folder = X509_get_default_cert_dir();
	if (getenv(X509_get_default_cert_file_env()) == NULL && is_hashed(folder))
		(void)SSL_CTX_set_default_verify_dir(openssl);
	else
		(void)SSL_CTX_set_default_verify_paths(openssl);
}

static enum err fill(SSL_CTX *openssl, const struct tls_trust *t, bool is_server, const char *where,
		     struct error *e)
{
	char own[256];
	enum err err = ERR_OK;

	if (t->ca.n > 0)
		err = add_authorities(openssl, t->ca, is_server,
				      place(t->ca_where, where, "ca", own), e);
	else
		trust_system(openssl);
	fault_drop();
	if (err == ERR_OK && t->crl.n > 0) {
		err = add_lists(openssl, t->crl, place(t->crl_where, where, "crl", own), e);
		(void)X509_STORE_set_flags(SSL_CTX_get_cert_store(openssl),
					   X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	}
	if (is_server)
		SSL_CTX_set_verify_depth(openssl, t->depth);
	return err;
}

enum err tls_trust_clients(SSL_CTX *openssl, const struct tls_trust *t, const char *where,
			   struct error *e)
{
	if (t->verify == TLS_VERIFY_OFF)
		return ERR_OK;
	SSL_CTX_set_verify(openssl,
			   SSL_VERIFY_PEER | (t->verify == TLS_VERIFY_REQUIRE
						      ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT
						      : 0),
			   t->crl.n > 0 ? forgive : tls_verdict_note);
	return fill(openssl, t, true, where, e);
}

enum err tls_trust_servers(SSL_CTX *openssl, const struct tls_trust *t, const char *where,
			   struct error *e)
{
	if (t->verify == TLS_VERIFY_OFF)
		return ERR_OK;
	SSL_CTX_set_verify(openssl, SSL_VERIFY_PEER, t->crl.n > 0 ? forgive : tls_verdict_note);
	return fill(openssl, t, false, where, e);
}

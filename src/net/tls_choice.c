#include "net/tls_choice.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/certificate_trial.h"

static const unsigned char challenge_protocol[] = "\x0a"
						  "acme-tls/1";

/* ---- what the hello says ---- */

static size_t two_bytes(const unsigned char *at)
{
	return (size_t)(at[0] << 8 | at[1]);
}

/* The host name of a server_name extension (RFC 6066 §3): a list of one. OpenSSL judges its form. */
static struct str host_name(const unsigned char *p, size_t n)
{
	if (n < 5 || p[2] != TLSEXT_NAMETYPE_host_name)
		return (struct str){ "", 0 };
	size_t length = two_bytes(p + 3);
	if (length == 0 || length > n - 5)
		return (struct str){ "", 0 };
	return (struct str){ (const char *)p + 5, length };
}

struct str tls_choice_plain_name(struct str name, char *in)
{
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n >= TLS_NAME_BYTES)
		name.n = 0;
	for (size_t i = 0; i < name.n; i++)
		in[i] = str_lower_char(name.p[i]);
	return (struct str){ in, name.n };
}

struct str tls_choice_hello_name(SSL *ssl, char *in)
{
	const unsigned char *p = NULL;
	size_t n = 0;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &n) != 1)
		n = 0;
	return tls_choice_plain_name(host_name(p, n), in);
}

bool tls_choice_is_challenge(const unsigned char *protocols, size_t n)
{
	size_t length = sizeof(challenge_protocol) - 1;
	return n == length && memcmp(protocols, challenge_protocol, length) == 0;
}

static bool offers_challenge(SSL *ssl)
{
	const unsigned char *p = NULL;
	size_t n = 0;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &p,
				      &n) != 1)
		return false;
	return n > 2 && tls_choice_is_challenge(p + 2, n - 2);
}

/* ---- what was said before ---- */

/* The first hello of a connection. */
struct heard {
	bool is_challenge;
	size_t n;
	char name[]; /* n bytes */
};

static void free_heard(void *ssl, void *heard, CRYPTO_EX_DATA *all, int index, long n, void *ctx)
{
	(void)ssl, (void)all, (void)index, (void)n, (void)ctx;
	free(heard);
}

/* The place in an SSL where it is noted; -1: none could be had. */
static int place(void)
{
	static int index = -2;
	if (index == -2)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_heard);
	return index;
}

/* NULL: this is the first one. */
static const struct heard *heard_before(const SSL *ssl)
{
	return SSL_get_ex_data(ssl, place());
}

struct str tls_choice_heard_name(const SSL *ssl)
{
	const struct heard *heard = heard_before(ssl);
	return heard != NULL ? (struct str){ heard->name, heard->n } : STR("");
}

static bool note_heard(SSL *ssl, struct str name, bool is_challenge)
{
	struct heard *heard = malloc(sizeof(*heard) + name.n);
	if (heard == NULL)
		return false;
	heard->is_challenge = is_challenge;
	heard->n = name.n;
	memcpy(heard->name, name.p, name.n);
	if (SSL_set_ex_data(ssl, place(), heard) == 1)
		return true;
	free(heard);
	return false;
}

/* The certificate was chosen for what the first one said, perhaps by a policy. */
static bool is_other(const struct heard *heard, struct str name, bool is_challenge)
{
	return heard->is_challenge != is_challenge ||
	       !str_eq((struct str){ heard->name, heard->n }, name);
}

/* A hello that comes again finds what its context says, not what the one before it set. */
static void restore(SSL *ssl)
{
	const SSL_CTX *openssl = SSL_get_SSL_CTX(ssl);
	SSL_set_verify(ssl, SSL_CTX_get_verify_mode(openssl), SSL_CTX_get_verify_callback(openssl));
	(void)SSL_set_num_tickets(ssl, SSL_CTX_get_num_tickets(openssl));
	if ((SSL_CTX_get_options(openssl) & SSL_OP_NO_TICKET) == 0)
		(void)SSL_clear_options(ssl, SSL_OP_NO_TICKET);
}

/* ---- choosing ---- */

/* One that is shown for the first time is read now. */
static bool show(SSL *ssl, struct certificate *c)
{
	return certificate_load(c) &&
	       SSL_use_cert_and_key(ssl, certificate_leaf(c), certificate_key(c),
				    certificate_issuers(c), 1) == 1;
}

static int broken(int *alert)
{
	*alert = SSL_AD_INTERNAL_ERROR;
	return SSL_CLIENT_HELLO_ERROR;
}

static int refuse(int *alert)
{
	*alert = SSL_AD_UNRECOGNIZED_NAME;
	return SSL_CLIENT_HELLO_ERROR;
}

/* RFC 8446 §4.1.2: a second hello says what the first one said. */
static int refuse_change(int *alert)
{
	*alert = SSL_AD_ILLEGAL_PARAMETER;
	return SSL_CLIENT_HELLO_ERROR;
}

static int show_only(SSL *ssl, struct certificate *c, int *alert)
{
	SSL_certs_clear(ssl);
	return show(ssl, c) ? SSL_CLIENT_HELLO_SUCCESS : broken(alert);
}

static int show_row(SSL *ssl, const struct tls_name_row *row, int *alert)
{
	SSL_certs_clear(ssl);
	for (unsigned i = 0; i < CERTIFICATE_KINDS; i++) {
		if (row->kinds[i] != NULL && !show(ssl, row->kinds[i]))
			return broken(alert);
	}
	return SSL_CLIENT_HELLO_SUCCESS;
}

/* The first certificates are those of the context; they are there, unless a hello came before. */
static int show_first(const struct tls_choice *t, SSL *ssl, bool again, int *alert)
{
	return again ? show_row(ssl, &t->names.first, alert) : SSL_CLIENT_HELLO_SUCCESS;
}

static int choose_configured(const struct tls_choice *t, SSL *ssl, struct str name, bool again,
			     int *alert)
{
	const struct tls_name_row *row = tls_names_find(&t->names, name);
	if (row == NULL)
		return t->unknown == TLS_UNKNOWN_REFUSE || t->names.certificate_count == 0
			       ? refuse(alert)
			       : show_first(t, ssl, again, alert);
	if (memcmp(row->kinds, t->names.first.kinds, sizeof(row->kinds)) == 0)
		return show_first(t, ssl, again, alert);
	return show_row(ssl, row, alert);
}

static int choose(const struct tls_choice *t, SSL *ssl, struct str name, bool again, int *alert)
{
	struct certificate *c = NULL;
	enum tls_sourced sourced = TLS_SOURCED_NONE;

	if (t->source.ask != NULL)
		sourced = t->source.ask(t->source.ctx, ssl, name, &c);
	switch (sourced) {
	case TLS_SOURCED:
		return show_only(ssl, c, alert);
	case TLS_SOURCED_LATER:
		return SSL_CLIENT_HELLO_RETRY;
	case TLS_SOURCED_REFUSE:
		return refuse(alert);
	default:
		return choose_configured(t, ssl, name, again, alert);
	}
}

/*
 * Who comes to look at a challenge has no certificate of a client. So its session must lead nowhere,
 * and none may lead here.
 */
static bool set_apart(SSL *ssl)
{
	SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
	(void)SSL_set_options(ssl, SSL_OP_NO_TICKET);
	return SSL_set_num_tickets(ssl, 0) == 1 &&
	       SSL_set_session_id_context(ssl, challenge_protocol,
					  sizeof(challenge_protocol) - 1) == 1;
}

static int show_challenge(const struct tls_choice *t, SSL *ssl, struct str name, int *alert)
{
	struct certificate *c = NULL;
	switch (t->challenge.ask(t->challenge.ctx, ssl, name, &c)) {
	case TLS_SOURCED:
		return set_apart(ssl) ? show_only(ssl, c, alert) : broken(alert);
	case TLS_SOURCED_LATER:
		return SSL_CLIENT_HELLO_RETRY;
	default:
		return refuse(alert);
	}
}

/* Called again after LATER, and for the second hello, which comes after a HelloRetryRequest. */
static int on_hello(SSL *ssl, int *alert, void *ctx)
{
	const struct tls_choice *t = ctx;
	char in[TLS_NAME_BYTES];
	struct str name = tls_choice_hello_name(ssl, in);
	bool is_challenge = t->challenge.ask != NULL && offers_challenge(ssl);
	const struct heard *before = heard_before(ssl);

	if (before == NULL && !note_heard(ssl, name, is_challenge))
		return broken(alert);
	if (before != NULL && is_other(before, name, is_challenge))
		return refuse_change(alert);
	if (before != NULL)
		restore(ssl);
	return is_challenge ? show_challenge(t, ssl, name, alert)
			    : choose(t, ssl, name, before != NULL, alert);
}

/* The name was taken: it is noted in the session, so that it is resumed under this name only. */
static int accept_name(SSL *ssl, int *alert, void *ctx)
{
	(void)ssl, (void)alert, (void)ctx;
	return SSL_TLSEXT_ERR_OK;
}

/* OpenSSL says by its present certificate which one it will show. */
static int staple(SSL *ssl, void *ctx)
{
	const struct certificate *c = certificate_of_leaf(SSL_get_certificate(ssl));
	struct str answer = c != NULL ? certificate_stapled(c, time(NULL))
				      : (struct str){ NULL, 0 };
	(void)ctx;
	if (answer.n == 0)
		return SSL_TLSEXT_ERR_NOACK;
	unsigned char *copy = OPENSSL_memdup(answer.p, answer.n);
	if (copy == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	(void)SSL_set_tlsext_status_ocsp_resp(ssl, copy, (int)answer.n);
	return SSL_TLSEXT_ERR_OK;
}

static enum err use(SSL_CTX *openssl, struct certificate *c, struct error *e)
{
	if (!certificate_load(c))
		return err_set(e, ERR_MEMORY, "no memory for a certificate");
	return certificate_use(c, openssl, e);
}

static enum err use_first(const struct tls_name_row *row, SSL_CTX *openssl, struct error *e)
{
	enum err err = ERR_OK;
	for (unsigned i = 0; i < CERTIFICATE_KINDS && err == ERR_OK; i++) {
		if (row->kinds[i] != NULL)
			err = use(openssl, row->kinds[i], e);
	}
	return err;
}

enum err tls_choice_install(struct tls_choice *t, SSL_CTX *openssl, struct error *e)
{
	enum err err = use_first(&t->names.first, openssl, e);
	SSL_CTX_set_client_hello_cb(openssl, on_hello, t);
	(void)SSL_CTX_set_tlsext_servername_callback(openssl, accept_name);
	(void)SSL_CTX_set_tlsext_status_cb(openssl, staple);
	return err;
}

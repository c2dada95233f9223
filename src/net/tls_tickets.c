#include "net/tls_tickets.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#include "crypto/crl.h"
#include "net/tls_choice.h"

enum { AES_AT = TLS_TICKET_NAME_BYTES, HMAC_AT = AES_AT + 32, HMAC_BYTES = 32 };

/* What the ticket callback answers; OpenSSL's numbers. */
enum { TICKET_FAILED = -1, TICKET_UNKNOWN = 0, TICKET_GOOD = 1, TICKET_OLD = 2 };

static int context_index(void)
{
	static int index = -1;
	if (index < 0)
		index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

static struct tls_tickets *tickets_of(SSL *ssl)
{
	return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index());
}

static bool set_mac(EVP_MAC_CTX *mac, struct tls_ticket_key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->bytes + HMAC_AT,
						  HMAC_BYTES),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int begin_ticket(struct tls_tickets *t, unsigned char *name, unsigned char *iv,
			EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	struct tls_ticket_key key;
	if (!t->source.newest(t->source.ctx, &key))
		return TICKET_UNKNOWN;
	memcpy(name, key.bytes, TLS_TICKET_NAME_BYTES);
	bool is_set = RAND_bytes(iv, EVP_CIPHER_get_iv_length(t->cipher)) == 1 &&
		      EVP_EncryptInit_ex2(cipher, t->cipher, key.bytes + AES_AT, iv, NULL) == 1 &&
		      set_mac(mac, &key);
	OPENSSL_cleanse(&key, sizeof(key));
	return is_set ? TICKET_GOOD : TICKET_FAILED;
}

static bool is_newest(struct tls_tickets *t, const unsigned char *name)
{
	struct tls_ticket_key newest;
	bool is = t->source.newest(t->source.ctx, &newest) &&
		  memcmp(newest.bytes, name, TLS_TICKET_NAME_BYTES) == 0;
	OPENSSL_cleanse(&newest, sizeof(newest));
	return is;
}

static int open_ticket(struct tls_tickets *t, unsigned char *name, unsigned char *iv,
		       EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	struct tls_ticket_key key;
	if (!t->source.find(t->source.ctx, name, &key))
		return TICKET_UNKNOWN;
	bool is_set = EVP_DecryptInit_ex2(cipher, t->cipher, key.bytes + AES_AT, iv, NULL) == 1 &&
		      set_mac(mac, &key);
	OPENSSL_cleanse(&key, sizeof(key));
	if (!is_set)
		return TICKET_FAILED;
	return is_newest(t, name) ? TICKET_GOOD : TICKET_OLD;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
		     EVP_MAC_CTX *mac, int is_new)
{
	struct tls_tickets *t = tickets_of(ssl);
	return is_new == 1 ? begin_ticket(t, name, iv, cipher, mac)
			   : open_ticket(t, name, iv, cipher, mac);
}

/* ---- which sessions may be resumed ---- */

static int64_t seconds_left(const X509 *certificate)
{
	int days = 0, seconds = 0;
	if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) != 1)
		return 0;
	return (int64_t)days * 86400 + seconds;
}

/* Who vouched for the client may do so no longer than this, in seconds since 1970. */
static int64_t end_of_chain(const STACK_OF(X509) * chain)
{
	int64_t now = time(NULL), end = INT64_MAX;
	for (int i = 0; i < sk_X509_num(chain); i++) {
		int64_t own = now + seconds_left(sk_X509_value(chain, i));
		end = own < end ? own : end;
	}
	return end;
}

/* A list of revoked certificates that has expired lets nobody in. */
static int64_t end_of_lists(SSL *ssl, const X509 *client)
{
	int64_t end;
	X509_STORE *store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
	return crl_last_end(store, client, &end) ? end : INT64_MAX;
}

static int64_t end_of_verdict(SSL *ssl, const X509 *client)
{
	int64_t end = end_of_chain(SSL_get0_verified_chain(ssl)), lists = end_of_lists(ssl, client);
	return lists < end ? lists : end;
}

/*
 * The end of a session is kept in it, for one that is resumed knows only the client's own
 * certificate. INT64_MIN: none is kept, as in a session of an older version of neap.
 */
static int64_t kept_end(SSL_SESSION *session)
{
	void *data = NULL;
	size_t n = 0;
	int64_t end = INT64_MIN;
	if (SSL_SESSION_get0_ticket_appdata(session, &data, &n) == 1 && n == sizeof(end))
		memcpy(&end, data, n);
	return end;
}

static int64_t end_of_session(SSL *ssl, SSL_SESSION *session)
{
	const X509 *client = SSL_SESSION_get0_peer(session);
	if (client == NULL)
		return INT64_MAX;
	return SSL_session_reused(ssl) == 1 ? kept_end(session) : end_of_verdict(ssl, client);
}

/*
 * A session ends no later than any certificate that vouched for the client, and than the list that
 * says it is not revoked, renewed or not.
 */
static int shorten(SSL *ssl, void *ctx)
{
	SSL_SESSION *session = SSL_get_session(ssl);
	int64_t end = end_of_session(ssl, session), now = time(NULL);
	int64_t left = end > now ? end - now : 0;
	(void)ctx;
	if (left < SSL_SESSION_get_timeout(session))
		(void)SSL_SESSION_set_timeout(session, (long)left);
	return end == INT64_MAX || SSL_SESSION_set1_ticket_appdata(session, &end, sizeof(end)) == 1;
}

static bool is_of_name(SSL *ssl, const SSL_SESSION *session)
{
	char in[TLS_NAME_BYTES], was_in[TLS_NAME_BYTES];
	const char *was = SSL_SESSION_get0_hostname(session);
	struct str name = tls_choice_hello_name(ssl, in);
	return str_eq(tls_choice_plain_name(str_of(was != NULL ? was : ""), was_in), name);
}

static bool is_peer_valid(SSL_SESSION *session)
{
	X509 *peer = SSL_SESSION_get0_peer(session);
	return peer == NULL || (seconds_left(peer) > 0 && kept_end(session) > time(NULL));
}

/* A session in which nobody was verified does not lead in where clients must be. */
static bool lacks_peer(SSL *ssl, SSL_SESSION *session)
{
	return (SSL_get_verify_mode(ssl) & SSL_VERIFY_FAIL_IF_NO_PEER_CERT) != 0 &&
	       SSL_SESSION_get0_peer(session) == NULL;
}

/*
 * A session leads to the service and the name where it was made, and not past the end of a
 * certificate that vouched for the client. What is not resumed is shaken in full.
 */
static SSL_TICKET_RETURN judge(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
			       size_t name_n, SSL_TICKET_STATUS status, void *ctx)
{
	(void)name, (void)name_n, (void)ctx;
	bool is_open = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
	if (!is_open)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	if (lacks_peer(ssl, session) || !is_peer_valid(session) || !is_of_name(ssl, session))
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

enum err tls_tickets_install(struct tls_tickets *t, SSL_CTX *openssl)
{
	(void)SSL_CTX_set_num_tickets(openssl, 1);
	(void)SSL_CTX_set_timeout(openssl, TLS_SESSION_SECONDS);
	(void)SSL_CTX_set_session_ticket_cb(openssl, shorten, judge, NULL);
	if (t->source.newest == NULL)
		return ERR_OK;
	t->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	if (t->cipher == NULL || SSL_CTX_set_ex_data(openssl, context_index(), t) != 1)
		return ERR_MEMORY;
	(void)SSL_CTX_set_tlsext_ticket_key_evp_cb(openssl, on_ticket);
	return ERR_OK;
}

void tls_tickets_free(struct tls_tickets *t)
{
	EVP_CIPHER_free(t->cipher);
	t->cipher = NULL;
}

void tls_tickets_refuse(SSL_CTX *openssl)
{
	(void)SSL_CTX_set_options(openssl, SSL_OP_NO_TICKET);
	(void)SSL_CTX_set_num_tickets(openssl, 0);
}

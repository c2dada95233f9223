#include "net/tls_sessions.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

/* The place in an SSL where its store is found; -1: none could be had. */
static int place(void)
{
	static int index = -2;

	if (index == -2)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

/* The same of how often its store had been emptied when the connection began. */
static int drops_place(void)
{
	static int index = -2;

	if (index == -2)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

static bool note_store(SSL *ssl, struct tls_sessions *kept)
{
	return SSL_set_ex_data(ssl, drops_place(), (void *)(uintptr_t)kept->drops) == 1 &&
	       SSL_set_ex_data(ssl, place(), kept) == 1;
}

/* NULL: there is none, or it has those of another server since then. */
static struct tls_sessions *store_of(const SSL *ssl)
{
	struct tls_sessions *kept = SSL_get_ex_data(ssl, place());

	if (kept == NULL || (uintptr_t)SSL_get_ex_data(ssl, drops_place()) != kept->drops)
		return NULL;
	return kept;
}

static void forget_oldest(struct tls_sessions *kept)
{
	SSL_SESSION_free(kept->kept[0]);
	kept->n--;
	memmove(&kept->kept[0], &kept->kept[1], kept->n * sizeof(kept->kept[0]));
}

/* 1: the session is ours from now on. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_sessions *kept = store_of(ssl);

	if (kept == NULL)
		return 0;
	if (kept->n == TLS_SESSIONS_KEPT)
		forget_oldest(kept);
	kept->kept[kept->n++] = session;
	return 1;
}

void tls_sessions_install(SSL_CTX *openssl)
{
	(void)SSL_CTX_set_session_cache_mode(openssl,
					     SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(openssl, keep_session);
}

static bool has_expired(const SSL_SESSION *session)
{
	time_t now = time(NULL);
	X509 *peer = SSL_SESSION_get0_peer((SSL_SESSION *)(uintptr_t)session);

	if (SSL_SESSION_get_time(session) + SSL_SESSION_get_timeout(session) <= (long)now)
		return true;
	return peer != NULL && X509_cmp_time(X509_get0_notAfter(peer), &now) <= 0;
}

/* Our own reference; NULL: none is good. */
static SSL_SESSION *take(struct tls_sessions *kept)
{
	while (kept->n > 0) {
		SSL_SESSION *newest = kept->kept[kept->n - 1];
		bool is_good = SSL_SESSION_is_resumable(newest) == 1 && !has_expired(newest);

		if (is_good && SSL_SESSION_get_protocol_version(newest) < TLS1_3_VERSION &&
		    SSL_SESSION_up_ref(newest) == 1)
			return newest;
		kept->n--;
		if (is_good)
			return newest;
		SSL_SESSION_free(newest);
	}
	return NULL;
}

void tls_sessions_use(struct tls_sessions *kept, SSL *ssl)
{
	SSL_SESSION *session = take(kept);

	if (session != NULL)
		(void)SSL_set_session(ssl, session); /* else a full handshake follows */
	SSL_SESSION_free(session);
	(void)note_store(ssl, kept); /* else nothing is kept */
	ERR_clear_error();
}

void tls_sessions_drop(struct tls_sessions *kept)
{
	kept->drops++;
	while (kept->n > 0)
		forget_oldest(kept);
}

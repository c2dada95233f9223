#include "net/tls_notes.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

struct notes {
	struct ja4_note *hello;
	struct identity *peer;
	char ja4[JA4_CHARS + 1]; /* "": it was not asked for */
};

static void free_notes(void *ssl, void *data, CRYPTO_EX_DATA *all, int index, long n, void *ctx)
{
	struct notes *notes = data;
	(void)ssl, (void)all, (void)index, (void)n, (void)ctx;
	if (notes == NULL)
		return;
	free(notes->hello);
	identity_destroy(notes->peer);
	free(notes);
}

static int notes_index(void)
{
	static int index = -1;
	if (index < 0)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_notes);
	return index;
}

/* Those of the connection, made when they are needed; NULL: no memory. */
static struct notes *notes_of(SSL *ssl)
{
	struct notes *notes = SSL_get_ex_data(ssl, notes_index());
	if (notes != NULL)
		return notes;
	notes = calloc(1, sizeof(*notes));
	if (notes == NULL || SSL_set_ex_data(ssl, notes_index(), notes) == 1)
		return notes;
	free(notes);
	return NULL;
}

/* ---- the ClientHello ---- */

static void note_hello(SSL *ssl, const char *message, size_t n)
{
	struct client_hello hello;
	if (!client_hello_read_message(message, n, &hello))
		return; /* OpenSSL judges it */
	struct notes *notes = notes_of(ssl);
	if (notes != NULL && notes->hello == NULL)
		notes->hello = ja4_note_create(&hello, message);
}

static tls_on_message *next_on_message;

/* The first message of a connection is the ClientHello; the rest is none of our business. */
static void on_message(int is_sent, int version, int type, const void *bytes, size_t n, SSL *ssl,
		       void *ctx)
{
	const char *message = bytes;
	(void)version, (void)ctx;
	if (is_sent || type != SSL3_RT_HANDSHAKE || n == 0)
		return;
	SSL_set_msg_callback(ssl, next_on_message);
	if (message[0] == SSL3_MT_CLIENT_HELLO)
		note_hello(ssl, message, n);
}

void tls_notes_take_hellos(SSL_CTX *openssl, tls_on_message *next)
{
	next_on_message = next;
	SSL_CTX_set_msg_callback(openssl, on_message);
}

bool tls_notes_ja4(const SSL *ssl, char to[JA4_CHARS + 1])
{
	struct notes *notes = ssl != NULL ? SSL_get_ex_data(ssl, notes_index()) : NULL;
	to[0] = '\0';
	if (notes == NULL || notes->hello == NULL)
		return false;
	if (notes->ja4[0] == '\0')
		ja4_note_write(notes->ja4, notes->hello);
	memcpy(to, notes->ja4, sizeof(notes->ja4));
	return true;
}

/* ---- the peer ---- */

const struct identity *tls_notes_peer(SSL *ssl)
{
	X509 *certificate = ssl != NULL ? SSL_get0_peer_certificate(ssl) : NULL;
	struct notes *notes = certificate != NULL ? notes_of(ssl) : NULL;
	if (notes == NULL)
		return NULL;
	if (notes->peer == NULL)
		notes->peer = identity_create(certificate);
	return notes->peer;
}

const struct identity *tls_notes_verified(SSL *ssl)
{
	if (ssl == NULL || SSL_get_verify_result(ssl) != X509_V_OK)
		return NULL;
	return tls_notes_peer(ssl);
}

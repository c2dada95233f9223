#define _GNU_SOURCE
#include "wire.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SESSIONS_MAX = 4096 };

static SSL_CTX *context; /* NULL: no TLS */
static bool is_server;

/* Of TLS 1.3: each is good for one connection. */
static SSL_SESSION *sessions[SESSIONS_MAX];
static unsigned sessions_n;

static void die(const char *what)
{
	(void)fprintf(stderr, "%s: ", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	if (sessions_n == SESSIONS_MAX)
		return 0;
	sessions[sessions_n++] = session;
	return 1;
}

static void make_context(const SSL_METHOD *method)
{
	context = SSL_CTX_new(method);
	if (!context)
		die("TLS");
	(void)SSL_CTX_set_mode(context,
			       SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

void wire_be_client(enum wire_client how)
{
	if (how == WIRE_PLAIN)
		return;
	make_context(TLS_client_method());
	/* What a peer chooses depends on the CPU otherwise. */
	if (SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1)
		die("ciphersuites");
	if (how != WIRE_TLS_RESUMED)
		return;
	(void)SSL_CTX_set_session_cache_mode(context,
					     SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(context, keep_session);
}

void wire_be_server(const char *pem)
{
	is_server = true;
	make_context(TLS_server_method());
	if (SSL_CTX_use_certificate_chain_file(context, pem) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, pem, SSL_FILETYPE_PEM) != 1)
		die(pem);
}

static void take_session(SSL *ssl)
{
	if (sessions_n == 0)
		return;
	(void)SSL_set_session(ssl, sessions[--sessions_n]);
	SSL_SESSION_free(sessions[sessions_n]);
}

bool wire_open(struct wire *w, int fd)
{
	*w = (struct wire){ .fd = fd };
	if (!context)
		return true;
	w->ssl = SSL_new(context);
	if (!w->ssl || SSL_set_fd(w->ssl, fd) != 1)
		return false;
	if (is_server) {
		SSL_set_accept_state(w->ssl);
		return true;
	}
	SSL_set_connect_state(w->ssl);
	(void)SSL_set_tlsext_host_name(w->ssl, "bench.example");
	take_session(w->ssl);
	return true;
}

void wire_close(struct wire *w)
{
	if (w->ssl) {
		SSL_set_shutdown(w->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_free(w->ssl);
		w->ssl = NULL;
	}
	(void)close(w->fd);
	w->fd = -1;
}

static ssize_t tls_failed(struct wire *w, int n)
{
	int error = SSL_get_error(w->ssl, n), sys = errno;

	ERR_clear_error();
	w->wants_read = error == SSL_ERROR_WANT_READ;
	if (error == SSL_ERROR_ZERO_RETURN)
		return 0;
	errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN
		: error == SSL_ERROR_SYSCALL && sys != 0		      ? sys
									      : EPROTO;
	return -1;
}

ssize_t wire_receive(struct wire *w, void *to, size_t n)
{
	int got;

	if (!w->ssl)
		return recv(w->fd, to, n, MSG_DONTWAIT);
	got = SSL_read(w->ssl, to, (int)n);
	return got > 0 ? got : tls_failed(w, got);
}

ssize_t wire_send(struct wire *w, const void *p, size_t n, int flags)
{
	int sent;

	if (!w->ssl)
		return send(w->fd, p, n, flags | MSG_NOSIGNAL | MSG_DONTWAIT);
	sent = SSL_write(w->ssl, p, (int)n);
	if (sent <= 0)
		return tls_failed(w, sent);
	w->wants_read = false;
	return sent;
}

bool wire_has_more(const struct wire *w)
{
	return w->ssl && SSL_pending(w->ssl) > 0;
}

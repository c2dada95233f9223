#include "net/tls_stream.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/fault.h"
#include "net/plain_stream.h"
#include "net/sock.h"
#include "net/tls_choice.h"
#include "net/tls_notes.h"
#include "net/tls_shake.h"
#include "net/tls_verdict.h"
#include "net/tls_write.h"

enum { MESSAGES_MAX = 16 }; /* of TLS itself, in one read */

/* ---- reading ---- */

static ssize_t read_ended(struct tls_conn *c, int result)
{
	int error = SSL_get_error(c->ssl, result);

	switch (error) {
	case SSL_ERROR_WANT_READ:
		return IO_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return IO_EOF;
	default:
		return tls_conn_break(c, tls_conn_trouble(c, error, TLS_REASON_CUT));
	}
}

/*
 * After a message of TLS itself OpenSSL comes back: may it go on with the bytes at hand? Messages cost
 * far more than their bytes (a KeyUpdate makes new keys), so a turn of the loop has few of them.
 */
static bool goes_on(const struct tls_conn *c, int result, unsigned *messages)
{
	return SSL_get_error(c->ssl, result) == SSL_ERROR_WANT_READ && c->io.in_n > 0 &&
	       ++*messages < MESSAGES_MAX;
}

/* As many records as there are and as the owner has room for. */
static ssize_t read_records(struct tls_conn *c, char *to, size_t n)
{
	size_t total = 0, got = 0;
	unsigned messages = 0;

	fault_drop();
	do {
		int result = SSL_read_ex(c->ssl, to + total, n - total, &got);

		if (result != 1 && goes_on(c, result, &messages))
			continue;
		if (result != 1) {
			ssize_t end = read_ended(c, result);
			return total > 0 ? (ssize_t)total : end;
		}
		total += got;
	} while (total < n && (c->io.in_n > 0 || SSL_pending(c->ssl) > 0));
	return (ssize_t)total;
}

/* Why there is no content. */
static ssize_t detached_ended(struct tls_conn *c)
{
	const struct tls_records *r = c->records;

	if (r->state == TLS_RECORDS_BROKEN)
		return tls_conn_break(c, r->trouble);
	if (r->state == TLS_RECORDS_ENDED)
		return IO_EOF;
	if (c->io.state == TLS_IO_ENDED)
		return tls_conn_break(c, tls_trouble_of(TLS_REASON_CUT));
	if (c->io.state == TLS_IO_FAILED)
		return tls_conn_break(c, (struct tls_trouble){ TLS_REASON_LEFT,
							       sock_err_text(c->io.sys) });
	return IO_AGAIN;
}

static ssize_t read_detached(struct tls_conn *c, char *to, size_t n)
{
	size_t got = tls_records_read(c->records, &c->io, to, n);

	return got > 0 ? (ssize_t)got : detached_ended(c);
}

static ssize_t tls_read(struct stream *s, void *to, size_t n)
{
	struct tls_conn *c = tls_conn_use(s);
	ssize_t got;

	if (c->state != TLS_CONN_OPEN)
		return IO_ERROR;
	tls_io_begin_read(&c->io, n);
	got = c->ssl == NULL ? read_detached(c, to, n) : read_records(c, to, n);
	if (!tls_io_end_read(&c->io))
		got = tls_conn_break(c, tls_trouble_of(TLS_REASON_MEMORY));
	tls_conn_flush(c); /* answers of TLS itself; the rest is kept */
	tls_conn_arm(c);
	return got;
}

/* What OpenSSL makes of the bytes at hand: messages of TLS itself are no input. */
static bool peek_has_input(struct tls_conn *c)
{
	unsigned messages = 0;
	char byte;
	int n;

	fault_drop();
	do {
		n = SSL_peek(c->ssl, &byte, 1);
	} while (n <= 0 && goes_on(c, n, &messages));
	bool is_input = n > 0 || SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ;
	fault_drop();
	return is_input;
}

static bool detached_has_input(struct tls_conn *c)
{
	tls_io_begin_read(&c->io, 1);
	return tls_records_have_input(c->records, &c->io);
}

/* Mostly there is nothing: then the socket alone is asked. */
static bool tls_has_input(const struct stream *s)
{
	struct tls_conn *c = tls_conn_of(s);

	if (c->state != TLS_CONN_OPEN)
		return c->state == TLS_CONN_BROKEN;
	if (c->ssl != NULL && SSL_has_pending(c->ssl) == 0 && !tls_io_receive(&c->io, 1))
		return false;
	bool is_input = c->ssl == NULL ? detached_has_input(c) : peek_has_input(c);
	if (!tls_io_end_read(&c->io))
		(void)tls_conn_break(c, tls_trouble_of(TLS_REASON_MEMORY));
	tls_conn_flush(c);
	tls_conn_arm(c);
	return is_input;
}

static bool tls_has_ended(const struct stream *s)
{
	return tls_conn_has_ended(tls_conn_of(s)) || sock_has_ended(s->fd);
}

/* ---- the rest of the row ---- */

static ssize_t tls_writev(struct stream *s, const struct iovec *iov, int count, int flags)
{
	struct tls_conn *c = tls_conn_use(s);
	ssize_t n;

	if (c->state != TLS_CONN_OPEN)
		return IO_ERROR;
	n = tls_write(c, iov, count, flags);
	tls_conn_arm(c);
	return n;
}

static void tls_shutdown_write(struct stream *s)
{
	tls_conn_shutdown(tls_conn_use(s));
}

static void tls_close(struct stream *s)
{
	tls_conn_leave(tls_conn_use(s));
}

static void tls_reset(struct stream *s)
{
	sock_set_reset(s->fd);
	tls_conn_end(tls_conn_use(s)); /* the peer is to see that something is lost */
}

static void tls_watch(struct stream *s, uint8_t bits)
{
	struct tls_conn *c = tls_conn_use(s);

	s->watched = c->watched = bits;
	tls_conn_arm(c);
}

static struct stream_failure tls_failure(const struct stream *s)
{
	const struct tls_conn *c = tls_conn_of(s);

	if (c->io.state == TLS_IO_FAILED || tls_io_write_failed(&c->io))
		return (struct stream_failure){ STREAM_FAILURE_SYSTEM, c->io.sys,
						sock_err_text(c->io.sys) };
	if (c->trouble.reason == TLS_REASON_NONE)
		return stream_system_failure(s);
	return (struct stream_failure){ STREAM_FAILURE_TLS, EPROTO, c->trouble.words };
}

static void tls_local(const struct stream *s, struct peer *p)
{
	sock_local(s->fd, p);
}

static void tls_peer(const struct stream *s, struct peer *p)
{
	sock_peer(s->fd, p);
}

static void tls_probe_silence(struct stream *s, uint32_t silent_ms)
{
	sock_set_keepalive(s->fd, silent_ms);
}

static const struct stream_ops tls_ops = {
	.read = tls_read,
	.writev = tls_writev,
	.shutdown_write = tls_shutdown_write,
	.close = tls_close,
	.reset = tls_reset,
	.watch = tls_watch,
	.has_input = tls_has_input,
	.has_ended = tls_has_ended,
	.failure = tls_failure,
	.local = tls_local,
	.peer = tls_peer,
	.probe_silence = tls_probe_silence,
	.is_secure = true,
};

/* ---- opening ---- */

static enum stream_opened fail_opening(struct stream *s, const struct tls_start *start)
{
	SSL_free(start->ssl);
	(void)close(start->fd); /* nothing was written to it */
	stream_init(s, start->loop);
	(void)stream_fail(s, ENOMEM); /* its result is ours */
	return STREAM_FAILED;
}

enum stream_opened tls_stream_open(struct stream *s, const struct tls_start *start,
				   const struct stream_owner *owner)
{
	struct tls_conn *c = start->ssl != NULL ? tls_conn_create(start->loop, start->fd,
								  start->ssl, start->first)
						: NULL;

	if (c == NULL)
		return fail_opening(s, start);
	stream_set_row(s, start->loop, &tls_ops, tls_shake_ready);
	s->fd = start->fd;
	s->watcher.data = c;
	c->stream = s;
	tls_shake_start(c, owner);
	return STREAM_OPENING;
}

/* ---- what is known of it ---- */

SSL *tls_stream_ssl(const struct stream *s)
{
	return s->ops == &tls_ops ? tls_conn_of(s)->ssl : NULL;
}

bool tls_stream_facts(const struct stream *s, struct tls_facts *facts)
{
	struct tls_conn *c = s->ops == &tls_ops ? tls_conn_of(s) : NULL;

	if (c == NULL)
		return false;
	if (c->ssl != NULL && c->sni == NULL)
		c->sni = tls_facts_sni(c->ssl);
	if (c->ssl != NULL)
		tls_facts_read(c->ssl, facts);
	else
		*facts = *c->facts;
	facts->sni = str_of(c->sni != NULL ? c->sni : "");
	return true;
}

bool tls_stream_ja4(const struct stream *s, char to[JA4_CHARS + 1])
{
	const struct tls_conn *c = s->ops == &tls_ops ? tls_conn_of(s) : NULL;

	if (c == NULL || c->facts == NULL)
		return tls_notes_ja4(c != NULL ? c->ssl : NULL, to);
	memcpy(to, c->facts->ja4, sizeof(c->facts->ja4));
	return to[0] != '\0';
}

void tls_stream_set_client(struct stream *s, const struct peer *client)
{
	if (s->ops == &tls_ops)
		tls_conn_of(s)->client = client;
}

void tls_stream_client(const struct stream *s, struct peer *client)
{
	const struct tls_conn *c = tls_conn_of(s);
	if (c->client != NULL)
		*client = *c->client;
	else
		sock_peer(s->fd, client);
}

enum tls_reason tls_stream_reason(const struct stream *s)
{
	return s->ops == &tls_ops ? tls_conn_of(s)->trouble.reason : TLS_REASON_NONE;
}

void tls_stream_claim(const struct stream *s, char *to, size_t size)
{
	const SSL *ssl = tls_stream_ssl(s);
	enum tls_reason reason = tls_stream_reason(s);

	to[0] = '\0';
	if (ssl == NULL)
		return;
	struct str name = tls_choice_heard_name(ssl);
	const char *who = tls_verdict_who(ssl);
	if (reason == TLS_REASON_NAME && name.n == 0)
		(void)snprintf(to, size, " (it asked for no name)");
	else if (reason == TLS_REASON_NAME)
		(void)snprintf(to, size, ": \"%.*s\"", (int)name.n, name.p);
	else if (reason == TLS_REASON_CERTIFICATE && who[0] != '\0')
		(void)snprintf(to, size, " (%s)", who);
}

struct tls_trouble tls_stream_broke(const struct stream *s)
{
	const struct tls_conn *c = s->ops == &tls_ops ? tls_conn_of(s) : NULL;
	if (c == NULL || !c->was_open)
		return (struct tls_trouble){ TLS_REASON_NONE, "" };
	return c->trouble;
}

void tls_stream_pardon_cut(struct stream *s)
{
	struct tls_conn *c = s->ops == &tls_ops ? tls_conn_of(s) : NULL;
	if (c != NULL && c->trouble.reason == TLS_REASON_CUT)
		c->trouble = (struct tls_trouble){ TLS_REASON_NONE, "" };
}

void tls_stream_go_plain(struct stream *s, void (*on_ready)(struct stream *s, int events))
{
	struct loop *l = s->loop;
	int fd = s->fd;

	stream_leave(s);
	tls_conn_free(tls_conn_of(s));
	plain_stream_open(s, l, fd, on_ready);
}

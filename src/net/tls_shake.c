#include "net/tls_shake.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/tls_detach.h"

/* Nothing of it is pending any more; the owner is told from now on. */
static void end_handshake(struct tls_conn *c, enum tls_conn_state state)
{
	if (SSL_is_server(c->ssl))
		tls_worker_remove(c->worker, c->loop, &c->node);
	else
		list_remove(&c->node);
	stream_watch(c->stream, 0);
	tls_conn_settle(c, state);
	c->stream->on_ready = c->owner->on_ready;
}

static void tell_open(struct tls_conn *c)
{
	end_handshake(c, TLS_CONN_OPEN);
	c->was_open = true;
	tls_detach_soon(c);
	c->owner->on_open(c->stream, true); /* may free c */
}

static void fail_handshake(struct tls_conn *c, struct tls_trouble trouble)
{
	end_handshake(c, TLS_CONN_BROKEN);
	c->trouble = trouble;
	c->owner->on_open(c->stream, false); /* may free c */
}

/*
 * Of a server. RFC 8446 §5.1: a handshake record begins with 22; a method of HTTP with a letter, and
 * an empty line may come before it (RFC 9112 §2.2).
 */
static bool begins_as_http(const struct tls_io *io)
{
	if (io->in_n == 0)
		return false;
	unsigned first = (unsigned char)io->in[0], lower = first | 0x20;
	return (lower >= 'a' && lower <= 'z') || first == '\r' || first == '\n';
}

static void shake_failed(struct tls_conn *c, int result)
{
	int error = SSL_get_error(c->ssl, result);

	switch (error) {
	case SSL_ERROR_WANT_READ:
		stream_watch(c->stream, STREAM_READABLE);
		tls_conn_arm(c);
		break;
	case SSL_ERROR_WANT_X509_LOOKUP:
	case SSL_ERROR_WANT_CLIENT_HELLO_CB:
		c->state = TLS_CONN_WAITS;
		stream_watch(c->stream, 0);
		tls_conn_arm(c);
		break;
	default:
		fail_handshake(c, tls_conn_trouble(c, error, TLS_REASON_LEFT));
	}
}

/* As far as the bytes at hand allow. c may be gone on return. */
static void shake(struct tls_conn *c)
{
	int result;

	ERR_clear_error();
	c->state = TLS_CONN_SHAKES;
	if (c->io.in_n == 0) /* else the socket was read just now, or is told again */
		tls_io_begin_read(&c->io, TLS_SHARED_BYTES);
	result = SSL_do_handshake(c->ssl);
	if (!tls_io_end_read(&c->io)) {
		fail_handshake(c, tls_trouble_of(TLS_REASON_MEMORY));
		return;
	}
	(void)tls_io_flush(&c->io, false); /* an alert, too; the rest is kept */
	if (result == 1)
		tell_open(c);
	else
		shake_failed(c, result);
}

/* A server looks at the first byte: a client that speaks HTTP in the clear gets an answer. */
static void begin_shake(struct tls_conn *c)
{
	(void)tls_io_receive(&c->io, TLS_SHARED_BYTES);
	if (begins_as_http(&c->io))
		fail_handshake(c, tls_trouble_of(TLS_REASON_PLAIN));
	else if (c->io.in_n == 0 && c->io.state == TLS_IO_OPEN)
		stream_watch(c->stream, STREAM_READABLE);
	else
		shake(c);
}

static void step(struct tls_conn *c)
{
	if (c->state == TLS_CONN_FIRST)
		begin_shake(c);
	else if (c->state == TLS_CONN_SHAKES)
		shake(c);
}

static void on_turn(struct deferred *d)
{
	step(container_of(d, struct tls_conn, next));
}

void tls_shake_ready(struct stream *s, int events)
{
	struct tls_conn *c = tls_conn_use(s);

	(void)events;
	if (tls_worker_may_step(c->worker, c->loop))
		step(c);
	else
		loop_yield(c->loop, &c->next);
}

static struct tls_conn *conn_of_ssl(const SSL *ssl)
{
	return container_of(BIO_get_data(SSL_get_rbio(ssl)), struct tls_conn, io);
}

struct stream *tls_shake_stream(const SSL *ssl)
{
	return conn_of_ssl(ssl)->stream;
}

void tls_shake_resume(SSL *ssl)
{
	struct tls_conn *c = conn_of_ssl(ssl);

	if (c->state != TLS_CONN_WAITS)
		return;
	c->state = TLS_CONN_SHAKES;
	loop_yield(c->loop, &c->next);
}

void tls_limit_handshakes(struct loop *l, uint32_t n)
{
	struct tls_worker *w = tls_worker_of(l, sizeof(struct tls_conn));

	if (w != NULL)
		w->accepting_max = n;
}

bool tls_shed(struct loop *l)
{
	struct list *node = l->tls != NULL ? list_first(&l->tls->accepting) : NULL;

	if (node == NULL)
		return false;
	fail_handshake(container_of(node, struct tls_conn, node), tls_trouble_of(TLS_REASON_SHED));
	return true;
}

static void count_accepting(struct tls_conn *c)
{
	struct tls_worker *w = c->worker;

	while (w->accepting_n >= w->accepting_max && tls_shed(c->loop))
		;
	tls_worker_add(w, &c->node);
}

/* A client's connection has data mostly, for neap listens with TCP_DEFER_ACCEPT. */
static void start_shaking(struct tls_conn *c)
{
	deferred_init(&c->next, on_turn);
	if (tls_worker_may_step(c->worker, c->loop))
		loop_defer(c->loop, &c->next);
	else
		loop_yield(c->loop, &c->next);
}

void tls_shake_start(struct tls_conn *c, const struct stream_owner *owner)
{
	c->owner = owner;
	c->state = SSL_is_server(c->ssl) ? TLS_CONN_FIRST : TLS_CONN_SHAKES;
	if (c->state == TLS_CONN_FIRST)
		count_accepting(c);
	start_shaking(c);
}

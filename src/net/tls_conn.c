#include "net/tls_conn.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sock.h"
#include "net/tls_verdict.h"

enum { LEAVING_MS = 5000 }; /* so long close_notify may take to go out, whatever the peer does */

/* ---- what is watched ---- */

bool tls_conn_has_ended(const struct tls_conn *c)
{
	if (c->io.state != TLS_IO_OPEN || c->state == TLS_CONN_BROKEN)
		return true;
	return c->ssl == NULL ? c->records->state != TLS_RECORDS_OPEN
			      : (SSL_get_shutdown(c->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

/* Is there something to read that no poll announces? */
static bool holds_input(const struct tls_conn *c)
{
	if (tls_conn_has_ended(c))
		return true;
	return c->ssl == NULL ? tls_records_hold_input(c->records, &c->io)
			      : c->io.in_n > 0 || SSL_pending(c->ssl) > 0;
}

/* A message of TLS itself was read in part: OpenSSL writes when it has read the rest. */
static bool writes_by_reading(const struct tls_conn *c)
{
	return c->ssl != NULL && c->state == TLS_CONN_OPEN && SSL_in_init(c->ssl) == 1 &&
	       c->io.in_n == 0 && !tls_conn_has_ended(c);
}

static int polled_to_write(const struct tls_conn *c)
{
	int kept = tls_io_has_kept(&c->io) ? EV_WRITE : 0;

	if ((c->watched & STREAM_WRITABLE) == 0)
		return kept;
	return writes_by_reading(c) ? kept | EV_READ : EV_WRITE;
}

static int polled(const struct tls_conn *c)
{
	int events = polled_to_write(c);

	if ((c->watched & STREAM_READABLE) != 0 && !tls_conn_has_ended(c))
		events |= EV_READ;
	return events;
}

/* The events of the watcher when it runs. */
static int active_events(const struct tls_conn *c)
{
	return ev_is_active(&c->watcher) ? c->watcher.events & (EV_READ | EV_WRITE) : 0;
}

static void poll_anew(struct tls_conn *c)
{
	int events = polled(c);

	if (events == active_events(c))
		return;
	ev_io_stop(c->loop->ev, &c->watcher);
	ev_io_modify(&c->watcher, events);
	if (events != 0)
		ev_io_start(c->loop->ev, &c->watcher);
}

void tls_conn_arm(struct tls_conn *c)
{
	poll_anew(c);
	if (c->state != TLS_CONN_OPEN && c->state != TLS_CONN_BROKEN)
		return; /* next is the handshake's */
	if ((c->watched & STREAM_READABLE) != 0 && holds_input(c))
		loop_next(c->loop, &c->next);
	else
		loop_defer_cancel(&c->next);
}

static void tell_held(struct deferred *d)
{
	struct tls_conn *c = container_of(d, struct tls_conn, next);

	stream_note(c->stream, STREAM_READABLE);
	loop_next(c->loop, &c->next);
}

void tls_conn_settle(struct tls_conn *c, enum tls_conn_state state)
{
	loop_defer_cancel(&c->next);
	deferred_init(&c->next, tell_held);
	c->state = (uint8_t)state;
}

/* ---- failures ---- */

ssize_t tls_conn_break(struct tls_conn *c, struct tls_trouble trouble)
{
	c->state = TLS_CONN_BROKEN;
	c->trouble = trouble;
	return IO_ERROR;
}

struct tls_trouble tls_conn_trouble(struct tls_conn *c, int error, enum tls_reason at_end)
{
	if (error == SSL_ERROR_SYSCALL && c->io.state == TLS_IO_ENDED)
		return tls_trouble_of(at_end);
	if (c->io.state == TLS_IO_FAILED ||
	    (error == SSL_ERROR_SYSCALL && tls_io_write_failed(&c->io)))
		return (struct tls_trouble){ TLS_REASON_LEFT, sock_err_text(c->io.sys) };
	struct tls_trouble t =
		tls_trouble_take(SSL_get_verify_result(c->ssl), SSL_is_server(c->ssl));
	const char *words = tls_verdict_words(c->ssl);
	if (t.reason == TLS_REASON_CERTIFICATE && words != NULL)
		t.words = words;
	return t;
}

/* ---- the end ---- */

static void finish_output(struct tls_conn *c)
{
	if (c->after == TLS_AFTER_SHUTDOWN)
		(void)shutdown(c->io.fd, SHUT_WR); /* fails when the peer is gone: reading tells */
	c->after = TLS_AFTER_NOTHING;
}

void tls_conn_flush(struct tls_conn *c)
{
	if (tls_io_has_output(&c->io) && tls_io_flush(&c->io, false))
		finish_output(c);
}

/* close_notify, unless it was sent; true: it is with the kernel. */
static bool say_close(struct tls_conn *c)
{
	if (c->state != TLS_CONN_OPEN || (c->ssl != NULL && SSL_in_init(c->ssl)))
		return true;
	if (c->ssl == NULL)
		tls_records_close(c->records, &c->io);
	else
		(void)SSL_shutdown(c->ssl); /* the state of io tells whether it goes */
	ERR_clear_error();
	return tls_io_flush(&c->io, false) || tls_io_write_failed(&c->io);
}

void tls_conn_shutdown(struct tls_conn *c)
{
	c->after = TLS_AFTER_SHUTDOWN;
	if (say_close(c))
		finish_output(c);
	tls_conn_arm(c);
}

void tls_conn_drop_ssl(struct tls_conn *c)
{
	if (c->ssl == NULL)
		return;
	SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* keeps its session */
	SSL_free(c->ssl);
	c->ssl = NULL;
	ERR_clear_error();
}

void tls_conn_free(struct tls_conn *c)
{
	struct tls_worker *w = c->worker;

	if (c->state < TLS_CONN_OPEN && SSL_is_server(c->ssl) && !list_is_empty(&c->node))
		tls_worker_remove(w, c->loop, &c->node);
	else
		list_remove(&c->node);
	ev_io_stop(c->loop->ev, &c->watcher);
	loop_defer_cancel(&c->next);
	w->light_n -= c->ssl == NULL;
	tls_conn_drop_ssl(c);
	tls_records_free(c->records);
	free(c->facts);
	tls_io_fini(&c->io);
	free(c->sni);
	slab_put(&w->conns, c);
}

void tls_conn_end(struct tls_conn *c)
{
	int fd = c->io.fd;

	tls_conn_free(c);
	(void)close(fd); /* nothing that was written can still be lost by us */
}

static void arm_leaving(struct tls_worker *w, const struct tls_conn *first)
{
	int64_t ms = first->leaves_ms - loop_now_ms(first->loop);

	ev_timer_set(&w->leaving_timer, (double)(ms > 0 ? ms : 0) / 1000, 0.);
	ev_timer_start(first->loop->ev, &w->leaving_timer);
}

/* The oldest come first. */
static void leaving_cb(struct ev_loop *ev, ev_timer *timer, int events)
{
	struct tls_worker *w = container_of(timer, struct tls_worker, leaving_timer);
	struct list *node;

	(void)ev, (void)events;
	while ((node = list_first(&w->leaving)) != NULL) {
		struct tls_conn *c = container_of(node, struct tls_conn, node);

		if (c->leaves_ms > loop_now_ms(c->loop)) {
			arm_leaving(w, c);
			return;
		}
		tls_conn_end(c);
	}
}

/* The kernel's buffer is full: close_notify follows when it is not, or the peer is given up. */
static void leave(struct tls_conn *c)
{
	struct tls_worker *w = c->worker;

	c->leaves_ms = loop_now_ms(c->loop) + LEAVING_MS;
	c->state = TLS_CONN_LEAVING;
	c->stream = NULL;
	list_remove(&c->node);
	list_append(&w->leaving, &c->node);
	if (!ev_is_active(&w->leaving_timer)) {
		ev_set_cb(&w->leaving_timer, leaving_cb);
		arm_leaving(w, c);
	}
	loop_defer_cancel(&c->next);
	poll_anew(c);
}

static void go_on_leaving(struct tls_conn *c)
{
	if (tls_io_flush(&c->io, false) || tls_io_write_failed(&c->io))
		tls_conn_end(c);
}

/* What the owner did not see go out is lost, so then there is no clean end. */
void tls_conn_leave(struct tls_conn *c)
{
	c->watched = 0;
	if (c->owes > 0 || say_close(c))
		tls_conn_end(c);
	else
		leave(c);
}

/* ---- what libev tells ---- */

static void note_events(struct tls_conn *c, int revents)
{
	int events = (revents & EV_READ) != 0 ? STREAM_READABLE : 0;

	if ((revents & EV_READ) != 0 && writes_by_reading(c))
		events |= STREAM_WRITABLE;
	if ((revents & EV_WRITE) != 0) {
		tls_conn_flush(c);
		if (!tls_io_has_kept(&c->io))
			events |= STREAM_WRITABLE;
	}
	if (tls_io_write_failed(&c->io))
		events |= c->watched;
	if ((events & c->watched) != 0)
		stream_note(c->stream, events & c->watched);
	poll_anew(c);
}

static void socket_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	struct tls_conn *c = container_of(w, struct tls_conn, watcher);

	(void)ev;
	if (c->state == TLS_CONN_LEAVING)
		go_on_leaving(c);
	else
		note_events(c, revents);
}

/* ---- life ---- */

static struct tls_conn *take_conn(struct loop *l)
{
	struct tls_worker *w = tls_worker_of(l, sizeof(struct tls_conn));
	struct tls_conn *c = w != NULL ? slab_take(&w->conns) : NULL;

	if (c != NULL)
		*c = (struct tls_conn){ .worker = w, .loop = l };
	return c;
}

/*
 * SSL_MODE_RELEASE_BUFFERS: an idle connection has no record buffer. Without SSL_MODE_AUTO_RETRY a read
 * comes back after each message of TLS itself.
 */
static bool set_up_ssl(struct tls_conn *c)
{
	BIO *bio = tls_io_bio(&c->io);

	if (bio == NULL)
		return false;
	SSL_set_bio(c->ssl, bio, bio);
	if (SSL_is_server(c->ssl)) /* by the context's method */
		SSL_set_accept_state(c->ssl);
	else
		SSL_set_connect_state(c->ssl);
	SSL_set_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_clear_mode(c->ssl, SSL_MODE_AUTO_RETRY);
	SSL_clear_options(c->ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_set_options(c->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	return true;
}

static void set_up_watcher(struct tls_conn *c, int fd)
{
	ev_io_init(&c->watcher, socket_cb, fd, EV_READ);
	ev_set_priority(&c->watcher, LOOP_FIRST);
	list_init(&c->node);
}

struct tls_conn *tls_conn_create(struct loop *l, int fd, SSL *ssl, struct str first)
{
	struct tls_conn *c = take_conn(l);

	if (c == NULL)
		return NULL;
	c->ssl = ssl;
	set_up_watcher(c, fd);
	if (tls_io_init(&c->io, c->worker->shared, fd, first.p, first.n) && set_up_ssl(c))
		return c;
	tls_io_fini(&c->io);
	slab_put(&c->worker->conns, c);
	return NULL;
}

void tls_end(struct loop *l)
{
	struct tls_worker *w = l->tls;
	struct list *node;

	if (w == NULL)
		return;
	while ((node = list_first(&w->leaving)) != NULL)
		tls_conn_end(container_of(node, struct tls_conn, node));
	ev_timer_stop(l->ev, &w->leaving_timer);
	ev_timer_stop(l->ev, &w->trim_timer);
	ev_timer_stop(l->ev, &w->fresh_timer);
	slab_fini(&w->conns);
	tls_shared_destroy(w->shared);
	free(w);
	l->tls = NULL;
}

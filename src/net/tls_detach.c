#include "net/tls_detach.h"

#include <openssl/ssl.h>
#include <string.h>

#include "net/tls_facts.h"

enum {
	FRESH_MS = 250, /* those that end sooner are left as they are */
	REST_MS = 5,
	AT_ONCE = 8,
	TRIES_MAX = 20,
};

static struct tls_conn *conn_of_ssl(const SSL *ssl)
{
	struct tls_io *io = tls_io_of(SSL_get_rbio(ssl));

	return io != NULL ? container_of(io, struct tls_conn, io) : NULL;
}

/* ---- what the handshake makes ---- */

static int hex_digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10; /* OpenSSL's own: lower case */
}

/* How many bytes it had; 0: too many. */
static uint8_t read_hex(const char *from, uint8_t *to, size_t max)
{
	size_t n = strlen(from) / 2;

	if (n > max)
		return 0;
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)(hex_digit(from[2 * i]) << 4 | hex_digit(from[2 * i + 1]));
	return (uint8_t)n;
}

static struct record_keys *keys_of(struct tls_records *r, bool is_of_server)
{
	return is_of_server == r->is_server ? &r->out : &r->in;
}

/*
 * A line of the form of NSS (SSLKEYLOGFILE). It comes when the keys begin to hold; nothing of it is
 * written anywhere.
 */
static void on_secret(const SSL *ssl, const char *line)
{
	static const char label[] = "_TRAFFIC_SECRET_0 "; /* after CLIENT or SERVER */
	struct tls_conn *c = conn_of_ssl(ssl);
	const char *secret = strrchr(line, ' ');

	if (c == NULL || secret == NULL || strlen(line) < 6 ||
	    strncmp(line + 6, label, sizeof(label) - 1) != 0)
		return;
	SSL_CTX_set_keylog_callback(SSL_get_SSL_CTX(ssl), NULL);
	if (c->records == NULL)
		c->records = tls_records_create(SSL_is_server(ssl) == 1);
	if (c->records == NULL)
		return;
	struct record_keys *keys = keys_of(c->records, line[0] == 'S');
	keys->sequence = 0;
	keys->secret_n = read_hex(secret + 1, keys->secret, sizeof(keys->secret));
	if (keys == &c->records->in)
		c->half_read = 0; /* a message ends where new keys begin (RFC 8446 §5.1) */
}

/* OpenSSL's object is kept: nobody needs the secrets. */
static void stay(struct tls_conn *c)
{
	tls_records_free(c->records);
	c->records = NULL;
}

/* Each record under the keys counts: its number is a part of what protects it. */
static void count_record(struct tls_conn *c, bool is_sent, const uint8_t *header)
{
	if (c->records == NULL || header[0] != RECORD_DATA)
		return;
	if (is_sent) {
		c->records->out.sequence++;
		return;
	}
	c->records->in.sequence++;
	c->record_n = (header[3] << 8 | header[4]) - 1 - RECORD_TAG_BYTES;
}

/*
 * OpenSSL writes each secret as text, which costs as much as a few requests: it is asked to do so only
 * after the messages that make those of the traffic. It does not tell all its versions' next secrets,
 * so after a KeyUpdate its object is kept.
 */
static void note_message(struct tls_conn *c, SSL *ssl, bool is_sent, const uint8_t *message,
			 size_t n)
{
	if (!is_sent)
		c->half_read -= (int32_t)n;
	if (message[0] == SSL3_MT_FINISHED)
		SSL_CTX_set_keylog_callback(SSL_get_SSL_CTX(ssl), on_secret);
	else if (message[0] == SSL3_MT_KEY_UPDATE)
		stay(c);
}

void tls_detach_on_message(int is_sent, int version, int type, const void *bytes, size_t n,
			   SSL *ssl, void *ctx)
{
	struct tls_conn *c = conn_of_ssl(ssl);
	const uint8_t *p = bytes;

	(void)ctx;
	if (c == NULL || n == 0)
		return;
	if (type == SSL3_RT_HEADER && n >= RECORD_HEADER_BYTES)
		count_record(c, is_sent != 0, p);
	else if (type == SSL3_RT_INNER_CONTENT_TYPE && is_sent == 0 && p[0] == RECORD_HANDSHAKE)
		c->half_read += c->record_n;
	else if (type == SSL3_RT_HANDSHAKE && version == TLS1_3_VERSION)
		note_message(c, ssl, is_sent != 0, p, n);
}

void tls_detach_prepare(SSL_CTX *openssl)
{
	SSL_CTX_set_msg_callback(openssl, tls_detach_on_message);
}

/* ---- the moment ---- */

/*
 * Nothing is half read: no record, and no message that is cut over records, of which OpenSSL keeps the
 * beginning to itself. A backend sends its tickets before anything else: they are wanted.
 */
static bool is_quiet(const struct tls_conn *c)
{
	return c->state == TLS_CONN_OPEN && SSL_in_init(c->ssl) == 0 &&
	       SSL_has_pending(c->ssl) == 0 && SSL_get_shutdown(c->ssl) == 0 &&
	       strcmp(SSL_rstate_string(c->ssl), "RH") == 0 && c->half_read == 0 &&
	       (c->records->is_server || c->records->in.sequence > 0);
}

static bool has_client_certificate(const SSL *ssl)
{
	return SSL_is_server(ssl) == 1 && SSL_get0_peer_certificate(ssl) != NULL;
}

static bool may_detach(const struct tls_conn *c)
{
	return c->records != NULL && c->records->in.secret_n > 0 && c->records->out.secret_n > 0 &&
	       SSL_version(c->ssl) == TLS1_3_VERSION && !has_client_certificate(c->ssl);
}

static void detach(struct tls_conn *c)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(c->ssl);
	const struct record_suite *suite =
		cipher != NULL ? record_suite_of(SSL_CIPHER_get_protocol_id(cipher)) : NULL;

	if (c->sni == NULL)
		c->sni = tls_facts_sni(c->ssl);
	if (suite != NULL && tls_records_begin(c->records, suite))
		c->facts = tls_facts_keep(c->ssl);
	if (c->facts == NULL) { /* memory is short */
		stay(c);
		return;
	}
	tls_conn_drop_ssl(c);
	c->worker->light_n++;
}

static void watch_fresh(struct tls_worker *w, struct loop *l);

/* Each costs as much as a few requests: a turn of the loop has time for few of them. */
static void fresh_cb(struct ev_loop *ev, ev_timer *timer, int events)
{
	struct tls_worker *w = container_of(timer, struct tls_worker, fresh_timer);
	struct list *node;
	struct tls_conn *c = NULL;

	(void)ev, (void)events;
	for (int i = 0; i < AT_ONCE && (node = list_first(&w->fresh)) != NULL; i++) {
		c = container_of(node, struct tls_conn, node);
		int64_t now_ms = loop_now_ms(c->loop);
		if (c->fresh_ms > now_ms)
			break;
		list_remove(node);
		if (c->records == NULL)
			continue;
		if (is_quiet(c)) {
			detach(c);
		} else if (++c->tries < TRIES_MAX) {
			c->fresh_ms = now_ms + FRESH_MS;
			list_append(&w->fresh, node);
		} else {
			stay(c);
		}
	}
	if (c != NULL)
		watch_fresh(w, c->loop);
}

/* The oldest is due first. */
static void watch_fresh(struct tls_worker *w, struct loop *l)
{
	struct list *node = list_first(&w->fresh);

	if (node == NULL)
		return;
	int64_t ms = container_of(node, struct tls_conn, node)->fresh_ms - loop_now_ms(l);
	ev_timer_stop(l->ev, &w->fresh_timer); /* it may be pending */
	ev_set_cb(&w->fresh_timer, fresh_cb);
	ev_timer_set(&w->fresh_timer, (double)(ms > REST_MS ? ms : REST_MS) / 1000, 0.);
	ev_timer_start(l->ev, &w->fresh_timer);
}

void tls_detach_soon(struct tls_conn *c)
{
	struct tls_worker *w = c->worker;

	if (!may_detach(c)) {
		stay(c);
		return;
	}
	c->fresh_ms = loop_now_ms(c->loop) + FRESH_MS;
	list_append(&w->fresh, &c->node);
	if (!ev_is_active(&w->fresh_timer))
		watch_fresh(w, c->loop);
}

/*
 * Messages of TLS itself that are cut over records, before and after a connection goes on without
 * OpenSSL's object: a client that seals its records itself.
 */
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/record_keys.h"
#include "net/stream_open.h"
#include "net/tls_worker.h"
#include "net_support.h"

enum { WAIT_MS = 20000 };

struct pair {
	struct stream stream; /* the server's side */
	bool is_open;
	char got[64];
	size_t got_n;
	ssize_t last;
	int fd; /* the client's side */
	SSL *ssl;
	struct record_keys out;
};

/* ---- the server ---- */

static void on_ready(struct stream *s, int events)
{
	struct pair *p = container_of(s, struct pair, stream);
	ssize_t n = stream_read(s, p->got + p->got_n, sizeof(p->got) - p->got_n);

	(void)events;
	if (n > 0)
		p->got_n += (size_t)n;
	else if (n != IO_AGAIN)
		stream_watch_read(s, false);
	p->last = n;
}

static void on_open(struct stream *s, bool is_open)
{
	container_of(s, struct pair, stream)->is_open = is_open;
	stream_watch_read(s, true);
}

static const struct stream_owner owning = { on_ready, on_open };

/* ---- the client ---- */

static uint8_t secret[RECORD_SECRET_MAX];
static size_t secret_n;

static void on_secret(const SSL *ssl, const char *line)
{
	long n = 0;

	(void)ssl;
	if (strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) != 0)
		return;
	unsigned char *bytes = OPENSSL_hexstr2buf(strrchr(line, ' ') + 1, &n);
	secret_n = (size_t)n;
	memcpy(secret, bytes, secret_n);
	OPENSSL_free(bytes);
}

static void begin_keys(struct pair *p)
{
	uint16_t suite = SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(p->ssl));

	memcpy(p->out.secret, secret, secret_n);
	p->out.secret_n = (uint8_t)secret_n;
	check(record_keys_begin(&p->out, record_suite_of(suite), true), "the client's keys");
}

static void open_one(struct pair *p, struct loop *l, struct tls_context *server, SSL_CTX *client)
{
	int fds[2];

	*p = (struct pair){ .ssl = SSL_new(client) };
	pair_unix(fds);
	p->fd = fds[1];
	check(stream_accept(&p->stream, l, fds[0], server, &owning) == STREAM_OPENING, "opens");
	(void)SSL_set_fd(p->ssl, p->fd);
	for (int i = 0; i < WAIT_MS && !(p->is_open && SSL_is_init_finished(p->ssl)); i++) {
		(void)SSL_connect(p->ssl);
		run_turn(l);
	}
	check(p->is_open, "is open");
	begin_keys(p);
}

static void close_one(struct pair *p)
{
	stream_close(&p->stream);
	record_keys_end(&p->out);
	SSL_free(p->ssl);
	(void)close(p->fd);
}

static void send_record(struct pair *p, enum record_type type, const char *bytes, size_t n)
{
	char record[64 + RECORD_MORE_BYTES];
	struct iovec piece = { (void *)(uintptr_t)bytes, n };

	check(record_seal(&p->out, type, &piece, n, record), "a record is sealed");
	check(send(p->fd, record, n + RECORD_MORE_BYTES, 0) == (ssize_t)n + RECORD_MORE_BYTES,
	      "and sent");
}

/* ---- tests ---- */

static bool comes(struct loop *l, struct pair *p, const char *text)
{
	size_t n = strlen(text);

	p->got_n = 0;
	send_record(p, RECORD_DATA, text, n);
	for (int64_t end = loop_now_ms(l) + WAIT_MS; p->got_n < n && loop_now_ms(l) < end;)
		run_turn(l);
	return p->got_n == n && memcmp(p->got, text, n) == 0;
}

static bool becomes_light(struct loop *l, uint32_t n)
{
	for (int64_t end = loop_now_ms(l) + WAIT_MS;
	     tls_worker_light(l) != n && loop_now_ms(l) < end;)
		run_turn(l);
	return tls_worker_light(l) == n;
}

static void run_turns(struct loop *l)
{
	for (int i = 0; i < 20; i++)
		run_turn(l);
}

static void finish_key_update(struct loop *l, struct pair *p, const char *rest, size_t n)
{
	send_record(p, RECORD_HANDSHAKE, rest, n);
	check(record_keys_update(&p->out), "the client has new keys");
	check(comes(l, p, "after it"), "data come under the new keys");
}

/* They are looked at in the order in which they were opened. */
static void test_before(struct loop *l, struct tls_context *server, SSL_CTX *client)
{
	struct pair first, second, third;

	check_case("a part of a KeyUpdate before OpenSSL's object would go");
	open_one(&first, l, server, client);
	send_record(&first, RECORD_HANDSHAKE, "\x18\0", 2);
	run_turns(l);
	open_one(&second, l, server, client);
	check(becomes_light(l, 1), "keeps the object, while that of another one goes");
	finish_key_update(l, &first, "\0\1\0", 3);
	open_one(&third, l, server, client);
	check(becomes_light(l, 2), "also after it");
	check(comes(l, &first, "more") && comes(l, &second, "more"), "and both go on");
	close_one(&first);
	close_one(&third);
	check_case("parts of a KeyUpdate after it went");
	send_record(&second, RECORD_HANDSHAKE, "\x18\0", 2);
	run_turns(l);
	send_record(&second, RECORD_HANDSHAKE, "\0\1", 2);
	run_turns(l);
	finish_key_update(l, &second, "\0", 1);
	check_case("data between parts");
	send_record(&second, RECORD_HANDSHAKE, "\x18\0\0", 3);
	send_record(&second, RECORD_DATA, "x", 1);
	second.got_n = 0;
	for (int i = 0; i < WAIT_MS && second.last != IO_ERROR; i++)
		run_turn(l);
	check(second.last == IO_ERROR && second.got_n == 0, "are an error, and do not come");
	close_one(&second);
	check(tls_worker_light(l) == 0, "closed ones are not counted");
}

void net_tls_parts_tests(struct loop *l, struct tls_context *server)
{
	SSL_CTX *client = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set_keylog_callback(client, on_secret);
	test_before(l, server, client);
	SSL_CTX_free(client);
}

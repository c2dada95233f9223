/*
 * The row of TLS, driven by the calls that owners make: a server and a client in one process, over a
 * pair of sockets.
 */
#include <errno.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/plain_stream.h"
#include "net/stream_open.h"
#include "net/tls_context.h"
#include "net/tls_shake.h"
#include "net/tls_stream.h"
#include "net_support.h"

enum { BULK_BYTES = 1024 * 1024, TURNS_MAX = 20000 };

/* ---- contexts ---- */

static struct certificate *make_certificate(void)
{
	static char text[4096];
	struct certificate_text pem = { .chain = { text, 0 } };
	struct certificate *c = NULL;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	BIO *b = BIO_new(BIO_s_mem());
	struct error e;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
				   (const unsigned char *)"localhost", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_sign(x, key, EVP_sha256());
	PEM_write_bio_X509(b, x);
	PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL);
	pem.chain.n = (size_t)BIO_read(b, text, sizeof(text));
	if (!check(certificate_read(&c, &pem, &e) == ERR_OK, "a certificate"))
		c = NULL;
	BIO_free(b);
	X509_free(x);
	EVP_PKEY_free(key);
	return c;
}

static struct tls_context *server, *client;

static bool make_contexts(void)
{
	struct certificate *certificate = make_certificate();
	struct tls_settings serve = { .name = "test",
				      .where = "test",
				      .certificates = &certificate,
				      .certificate_count = 1 };
	struct tls_client_settings dial = { .where = "test",
					    .server = { .verify = TLS_VERIFY_OFF } };
	struct error e;
	bool made = check(tls_context_serve(&server, &serve, &e) == ERR_OK, "a server's side") &&
		    check(tls_context_dial(&client, &dial, &e) == ERR_OK, "a client's side");

	certificate_drop(certificate);
	return made;
}

/* ---- two owners ---- */

struct owner {
	struct stream stream;
	int opened;   /* calls */
	bool is_open; /* what the last said */
	int calls, events;
	size_t got;
	ssize_t last; /* what the last read said, if not a count */
	uint8_t sum;  /* of bytes read */
	size_t takes; /* bytes in each read */
};

static char scratch[64 * 1024];

static void on_ready(struct stream *s, int events)
{
	struct owner *o = container_of(s, struct owner, stream);
	ssize_t n;

	o->calls++;
	o->events |= events;
	if ((events & STREAM_READABLE) == 0)
		return;
	n = stream_read(s, scratch, o->takes);
	if (n <= 0) {
		o->last = n;
		if (n != IO_AGAIN)
			stream_watch_read(s, false);
		return;
	}
	o->got += (size_t)n;
	for (ssize_t i = 0; i < n; i++)
		o->sum = (uint8_t)(o->sum + scratch[i]);
}

static void on_open(struct stream *s, bool is_open)
{
	struct owner *o = container_of(s, struct owner, stream);

	o->opened++;
	o->is_open = is_open;
	if (is_open)
		stream_watch_read(s, true);
}

static const struct stream_owner owning = { on_ready, on_open };

static void open_server(struct owner *o, struct loop *l, int fd)
{
	*o = (struct owner){ .takes = sizeof(scratch) };
	check(stream_accept(&o->stream, l, fd, server, &owning) == STREAM_OPENING, "is opening");
}

static void open_client(struct owner *o, struct loop *l, int fd)
{
	struct tls_start start = { l, fd, tls_context_open(client), { NULL, 0 } };

	*o = (struct owner){ .takes = sizeof(scratch) };
	check(tls_stream_open(&o->stream, &start, &owning) == STREAM_OPENING, "is opening");
}

static void open_pair(struct owner *s, struct owner *c, struct loop *l)
{
	int fds[2];

	pair_unix(fds);
	open_server(s, l, fds[0]);
	open_client(c, l, fds[1]);
	for (int i = 0; i < TURNS_MAX && !(s->is_open && c->is_open); i++)
		run_turn(l);
	check(s->is_open && c->is_open && s->opened == 1 && c->opened == 1, "both are open, once");
}

static void close_pair(struct owner *s, struct owner *c)
{
	stream_close(&s->stream);
	stream_close(&c->stream);
}

static bool runs_until_got(struct loop *l, const struct owner *o, size_t n)
{
	for (int i = 0; i < TURNS_MAX && o->got < n; i++)
		run_turn(l);
	return o->got == n;
}

static ssize_t put(struct owner *o, const char *p, size_t n)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)p, .iov_len = n };

	return stream_writev(&o->stream, &iov, 1, 0);
}

/* ---- tests ---- */

static void test_handshake(struct loop *l)
{
	struct owner s, c;
	struct tls_facts facts;

	check_case("a TLS handshake");
	open_pair(&s, &c, l);
	check(tls_stream_facts(&s.stream, &facts) && strcmp(facts.version, "TLSv1.3") == 0 &&
		      !facts.is_resumed && facts.peer == NULL && facts.sni.n == 0,
	      "its facts are known");
	check(tls_stream_facts(&c.stream, &facts) && facts.peer != NULL, "the certificate as well");
	check(put(&c, "hello", 5) == 5 && runs_until_got(l, &s, 5), "bytes come over");
	check(put(&s, "hi", 2) == 2 && runs_until_got(l, &c, 2), "both ways");
	check(!stream_can_fill(&s.stream) && !stream_can_drain(&s.stream), "not by a pipe");
	run_turn(l);
	run_turn(l);
	check(list_is_empty(&l->next) && list_is_empty(&l->yielded), "then the loop may sleep");
	close_pair(&s, &c);
}

static void test_clean_end(struct loop *l)
{
	struct owner s, c;

	check_case("an end with close_notify");
	open_pair(&s, &c, l);
	c.last = 1;
	stream_shutdown_write(&s.stream);
	for (int i = 0; i < TURNS_MAX && c.last == 1; i++)
		run_turn(l);
	check(c.last == IO_EOF, "is an end");
	check(put(&c, "late", 4) == 4 && runs_until_got(l, &s, 4), "of one way only");
	s.last = 1;
	stream_close(&c.stream);
	for (int i = 0; i < TURNS_MAX && s.last == 1; i++)
		run_turn(l);
	check(s.last == IO_EOF, "closing says it as well");
	close_pair(&s, &c);
}

/* The peer reads nothing for a while: the rest, close_notify and the end of our side wait for it. */
static void test_kept_end(struct loop *l)
{
	static char bulk[128 * 1024];
	struct owner s, c;
	size_t sent = 0;
	ssize_t n;

	check_case("an end that waits for room");
	open_pair(&s, &c, l);
	c.last = 1;
	stream_watch_read(&c.stream, false);
	while ((n = put(&s, bulk, sizeof(bulk))) > 0)
		sent += (size_t)n;
	stream_shutdown_write(&s.stream);
	run_turn(l);
	check(n == IO_AGAIN && c.got == 0, "nothing was read so far");
	stream_watch_read(&c.stream, true);
	for (int i = 0; i < TURNS_MAX && c.last != IO_EOF; i++)
		run_turn(l);
	check(c.got >= sent && c.last == IO_EOF, "comes after all of it");
	close_pair(&s, &c);
}

static void test_cut(struct loop *l)
{
	struct owner s, c;

	check_case("an end without close_notify");
	open_pair(&s, &c, l);
	s.last = 1;
	check(put(&c, "half", 4) == 4, "after some bytes");
	(void)shutdown(c.stream.fd, SHUT_RDWR);
	for (int i = 0; i < TURNS_MAX && s.last == 1; i++)
		run_turn(l);
	check(s.got == 4 && s.last == IO_ERROR, "is an error after them");
	check(stream_failure(&s.stream).kind == STREAM_FAILURE_TLS &&
		      strcmp(stream_failure(&s.stream).words,
			     "the peer cut off without close_notify") == 0 &&
		      tls_stream_reason(&s.stream) == TLS_REASON_CUT,
	      "and says why");
	check(put(&s, "x", 1) == IO_ERROR, "nothing can be written after that");
	close_pair(&s, &c);
}

/* All of it, by writes of that size, while the other side reads so much at a time. */
static void flow(struct loop *l, struct owner *from, struct owner *to, size_t write_bytes)
{
	static char bulk[128 * 1024];
	size_t sent = 0;

	memset(bulk, 'a', sizeof(bulk));
	stream_watch_write(&from->stream, true);
	for (int i = 0; i < TURNS_MAX && to->got < BULK_BYTES; i++) {
		from->events = 0;
		run_turn(l);
		if ((from->events & STREAM_WRITABLE) == 0 || sent == BULK_BYTES)
			continue;
		size_t n = BULK_BYTES - sent < write_bytes ? BULK_BYTES - sent : write_bytes;
		bulk[0] = (char)i;
		ssize_t put_n = put(from, bulk, n);
		if (!check(put_n > 0 || put_n == IO_AGAIN, "a write"))
			return;
		if (put_n <= 0)
			continue;
		sent += (size_t)put_n;
	}
	check(sent == BULK_BYTES && to->got == BULK_BYTES, "all of it comes over");
}

static void test_bulk(struct loop *l)
{
	static const size_t writes[] = { 100, 16 * 1024, 100 * 1024 };
	static const size_t reads[] = { 100, 5000, 64 * 1024 };

	for (size_t i = 0; i < 3; i++) {
		for (size_t j = 0; j < 3; j++) {
			struct owner s, c;
			check_case("a mebibyte over TLS");
			open_pair(&s, &c, l);
			c.takes = reads[j];
			flow(l, &s, &c, writes[i]);
			close_pair(&s, &c);
		}
	}
}

/* A peer that does not read: what was counted is what it reads in the end, byte for byte. */
static void test_counts(struct loop *l)
{
	static char bytes[64 * 1024], expected;
	struct owner s, c;
	size_t sent = 0, got = 0;
	bool same = true;
	ssize_t n;

	check_case("a peer that does not read");
	open_pair(&s, &c, l);
	stream_watch_read(&c.stream, false);
	for (int round = 0; round < 40; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)((sent + i) % 251);
		n = put(&s, bytes, sizeof(bytes));
		if (n == IO_AGAIN)
			break;
		check(n > 0, "a write");
		sent += (size_t)n;
	}
	check(n == IO_AGAIN, "is waited for");
	check(sent % sizeof(bytes) != 0, "after a part");
	for (int i = 0; i < TURNS_MAX && got < sent; i++) {
		run_turn(l);
		n = stream_read(&c.stream, scratch, sizeof(scratch));
		for (ssize_t k = 0; k < n; k++, got++) {
			expected = (char)(got % 251);
			same = same && scratch[k] == expected;
		}
	}
	check(got >= sent && got <= sent + 1 && same, "reads what was counted, and a byte at most");
	bytes[0] = (char)(sent % 251);
	bytes[1] = (char)((sent + 1) % 251);
	check(put(&s, bytes, 2) == 2, "and the rest goes on where it was");
	for (int i = 0; i < TURNS_MAX && got < sent + 2; i++) {
		run_turn(l);
		n = stream_read(&c.stream, scratch, sizeof(scratch));
		for (ssize_t k = 0; k < n; k++, got++)
			same = same && scratch[k] == (char)(got % 251);
	}
	check(got == sent + 2 && same, "without a byte twice");
	close_pair(&s, &c);
}

/* Its last words may say why it takes no more. */
static void test_last_words(struct loop *l)
{
	struct owner s, c;

	check_case("a peer that takes no more");
	open_pair(&s, &c, l);
	stream_watch_read(&c.stream, false);
	check(put(&s, "why", 3) == 3, "says something first");
	(void)shutdown(s.stream.fd, SHUT_RD);
	check(put(&c, "more", 4) == IO_ERROR && stream_failure(&c.stream).sys == EPIPE,
	      "fails writes");
	check(put(&c, "more", 4) == IO_ERROR, "all of them");
	check(stream_read(&c.stream, scratch, sizeof(scratch)) == 3, "and can still be read");
	close_pair(&s, &c);
}

/* ---- a message of TLS itself, read in part ---- */

static int big_ticket(SSL *ssl, void *ctx)
{
	static const char filling[2000];
	(void)ctx;
	return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), filling, sizeof(filling));
}

/* A server over memory, whose tickets take several records. */
static SSL *open_big_server(SSL_CTX *openssl)
{
	(void)SSL_CTX_set_session_ticket_cb(openssl, big_ticket, NULL, NULL);
	(void)SSL_CTX_set_num_tickets(openssl, 0);
	SSL *ssl = SSL_new(openssl);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_accept_state(ssl);
	(void)SSL_set_max_send_fragment(ssl, 512);
	return ssl;
}

/* What the other end of fd sent goes to OpenSSL. */
static void pull(SSL *ssl, int fd)
{
	ssize_t n;

	while ((n = recv(fd, scratch, sizeof(scratch), 0)) > 0)
		(void)BIO_write(SSL_get_rbio(ssl), scratch, (int)n);
}

/* max bytes at most of what OpenSSL wrote go to fd. */
static void push(SSL *ssl, int fd, int max)
{
	int n = BIO_read(SSL_get_wbio(ssl), scratch, max);

	if (n > 0)
		check(send(fd, scratch, (size_t)n, 0) == n, "it is sent");
}

static void shake_with(struct owner *c, SSL *ssl, int fd, struct loop *l)
{
	for (int i = 0; i < TURNS_MAX && !(c->is_open && SSL_is_init_finished(ssl)); i++) {
		run_turn(l);
		pull(ssl, fd);
		(void)SSL_do_handshake(ssl);
		push(ssl, fd, sizeof(scratch));
	}
	check(c->is_open && SSL_is_init_finished(ssl), "both are open");
}

static void check_waits(struct owner *c, struct loop *l)
{
	check(put(c, "x", 1) == IO_AGAIN, "a write waits");
	stream_watch_read(&c->stream, false);
	stream_watch_write(&c->stream, true);
	c->calls = 0;
	for (int i = 0; i < 20; i++)
		run_turn(l);
	check(c->calls == 0, "and nobody is told in vain");
}

static void test_half_message(struct loop *l)
{
	struct owner c;
	int fds[2];
	char byte = 0;

	check_case("half of a message of TLS itself");
	pair_unix(fds);
	SSL *ssl = open_big_server(tls_context_openssl(server));
	open_client(&c, l, fds[0]);
	shake_with(&c, ssl, fds[1], l);
	check(SSL_new_session_ticket(ssl) == 1 && SSL_do_handshake(ssl) == 1, "a ticket");
	push(ssl, fds[1], 600);
	for (int i = 0; i < 20; i++)
		run_turn(l);
	check_waits(&c, l);
	push(ssl, fds[1], sizeof(scratch));
	for (int i = 0; i < TURNS_MAX && c.calls == 0; i++)
		run_turn(l);
	check((c.events & STREAM_WRITABLE) != 0 && put(&c, "x", 1) == 1,
	      "it goes on with the rest");
	pull(ssl, fds[1]);
	check(SSL_read(ssl, &byte, 1) == 1 && byte == 'x', "and arrives");
	stream_close(&c.stream);
	SSL_free(ssl);
	(void)close(fds[1]);
}

/* Each makes new keys: so a turn of the loop has few of them. */
static void test_key_updates(struct loop *l)
{
	struct owner s, c;
	SSL *ssl;
	int before;

	check_case("very many KeyUpdates");
	open_pair(&s, &c, l);
	ssl = tls_stream_ssl(&c.stream);
	for (int i = 0; i < 300; i++)
		check(SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1 &&
			      SSL_do_handshake(ssl) == 1,
		      "a KeyUpdate");
	check(put(&c, "x", 1) == 1, "and a byte");
	before = s.calls;
	check(runs_until_got(l, &s, 1), "it comes");
	check(s.calls - before >= 300 / 16, "after turns for others");
	close_pair(&s, &c);
}

static void test_plain_http(struct loop *l)
{
	struct owner o;
	char answer[64];
	int fds[2];

	check_case("HTTP in the clear on a TLS stream");
	pair_unix(fds);
	open_server(&o, l, fds[0]);
	check(write(fds[1], "GET / HTTP/1.1\r\n", 16) == 16, "a request");
	for (int i = 0; i < TURNS_MAX && o.opened == 0; i++)
		run_turn(l);
	check(!o.is_open && tls_stream_reason(&o.stream) == TLS_REASON_PLAIN, "is seen as that");
	tls_stream_go_plain(&o.stream, on_ready);
	check(put(&o, "no", 2) == 2 && read(fds[1], answer, sizeof(answer)) == 2 &&
		      memcmp(answer, "no", 2) == 0,
	      "and can be answered");
	stream_close(&o.stream);
	(void)close(fds[1]);
}

static void test_nonsense(struct loop *l)
{
	struct owner o;
	int fds[2];

	check_case("nonsense on a TLS stream");
	pair_unix(fds);
	open_server(&o, l, fds[0]);
	check(write(fds[1], "\x16\x03\x01\x00\x05hello", 10) == 10, "a record");
	for (int i = 0; i < TURNS_MAX && o.opened == 0; i++)
		run_turn(l);
	check(!o.is_open && stream_failure(&o.stream).kind == STREAM_FAILURE_TLS, "fails");
	stream_close(&o.stream);
	(void)close(fds[1]);
}

/* What follows a PROXY header has been read already. */
static void test_secured(struct loop *l)
{
	struct owner s, c;
	int fds[2];

	check_case("a stream that becomes TLS");
	pair_unix(fds);
	s = (struct owner){ .takes = 7 };
	plain_stream_open(&s.stream, l, fds[0], on_ready);
	stream_watch_read(&s.stream, true);
	open_client(&c, l, fds[1]);
	check(runs_until_got(l, &s, 7), "a first part");
	s.takes = sizeof(scratch);
	check(stream_secure(&s.stream, server, (struct str){ scratch, 7 }, &owning) ==
		      STREAM_OPENING,
	      "is opening");
	for (int i = 0; i < TURNS_MAX && !(s.is_open && c.is_open); i++)
		run_turn(l);
	s.got = 0;
	check(s.is_open && c.is_open, "opens");
	check(put(&c, "hello", 5) == 5 && runs_until_got(l, &s, 5), "and carries bytes");
	close_pair(&s, &c);
}

static void test_shed(struct loop *l)
{
	struct owner first, second, third;
	int a[2], b[2], c[2];

	check_case("too many handshakes");
	pair_unix(a);
	pair_unix(b);
	pair_unix(c);
	tls_limit_handshakes(l, 2);
	open_server(&first, l, a[0]);
	open_server(&second, l, b[0]);
	check(first.opened == 0, "two may be under way");
	open_server(&third, l, c[0]);
	check(first.opened == 1 && !first.is_open &&
		      tls_stream_reason(&first.stream) == TLS_REASON_SHED,
	      "the oldest gives way to a third");
	stream_close(&first.stream);
	check(tls_shed(l) && second.opened == 1, "the next one to whoever needs the place");
	stream_close(&second.stream);
	stream_close(&third.stream);
	check(!tls_shed(l), "closed ones are not counted");
	tls_limit_handshakes(l, 1000);
	(void)close(a[1]);
	(void)close(b[1]);
	(void)close(c[1]);
}

static void test_moved(struct loop *l)
{
	struct owner s, c, there = { .takes = sizeof(scratch) };

	check_case("a TLS stream that moves");
	open_pair(&s, &c, l);
	stream_move(&there.stream, &s.stream);
	check(put(&c, "hello", 5) == 5 && runs_until_got(l, &there, 5), "is told there");
	check(put(&there, "hi", 2) == 2 && runs_until_got(l, &c, 2), "and written there");
	close_pair(&there, &c);
}

void net_tls_tests(struct loop *l)
{
	int free_fd = fd_lowest_free();

	check_case("TLS");
	if (!make_contexts())
		return;
	test_handshake(l);
	test_clean_end(l);
	test_kept_end(l);
	test_cut(l);
	test_bulk(l);
	test_counts(l);
	test_last_words(l);
	test_plain_http(l);
	test_nonsense(l);
	test_secured(l);
	test_shed(l);
	test_moved(l);
	net_tls_parts_tests(l, server);
	test_key_updates(l);
	test_half_message(l); /* changes the server's context */
	tls_context_free(server);
	tls_context_free(client);
	tls_end(l);
	check_case("TLS");
	check(fd_lowest_free() == free_fd, "no descriptor is leaked");
}

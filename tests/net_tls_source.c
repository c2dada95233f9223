/*
 * Sources of certificates, asked in handshakes between two OpenSSL objects over memory.
 */
#include <openssl/ssl.h>
#include <string.h>

#include "crypto/self_signed.h"
#include "net/tls_context.h"
#include "net_support.h"

/* What a source answers, and what it was asked. */
struct asked {
	enum tls_sourced answer;
	struct certificate *certificate;
	int calls;
	char name[TLS_NAME_BYTES];
};

static enum tls_sourced answer(void *ctx, SSL *ssl, struct str name,
			       struct certificate **certificate)
{
	struct asked *a = ctx;
	(void)ssl;
	a->calls++;
	(void)str_copy(a->name, sizeof(a->name), name);
	*certificate = a->certificate;
	return a->answer;
}

static struct certificate *make_certificate(void)
{
	static char pem[SELF_SIGNED_MAX];
	struct certificate_text text = { 0 };
	struct certificate *c = NULL;
	struct error e;

	check(self_signed_make(pem, sizeof(pem), &text.chain, &e) == ERR_OK &&
		      certificate_read(&c, &text, &e) == ERR_OK,
	      "a certificate");
	return c;
}

/* ---- a client and a server ---- */

struct ends {
	SSL *server, *client;
};

static void open_ends(struct ends *ends, struct tls_context *server, struct tls_context *client)
{
	BIO *a, *b;
	BIO_new_bio_pair(&a, 0, &b, 0);
	ends->server = tls_context_open(server);
	ends->client = tls_context_open(client);
	SSL_set_bio(ends->server, a, a);
	SSL_set_bio(ends->client, b, b);
	SSL_set_accept_state(ends->server);
	SSL_set_connect_state(ends->client);
	SSL_set_tlsext_host_name(ends->client, "A.Test.");
}

/* True when both are done; else server_error says what the server waits for. */
static bool shake(struct ends *ends, int *server_error)
{
	int s = 0, c = 0;
	for (int i = 0; i < 10 && (s != 1 || c != 1); i++) {
		c = SSL_do_handshake(ends->client);
		s = SSL_do_handshake(ends->server);
	}
	*server_error = SSL_get_error(ends->server, s);
	return s == 1 && c == 1;
}

static void close_ends(struct ends *ends)
{
	SSL_free(ends->server);
	SSL_free(ends->client);
}

/* Who shakes hands: contexts of settings that each test fills. */
struct stage {
	struct tls_settings serve;
	struct tls_client_settings dial;
	struct tls_context *server, *client;
	struct ends ends;
};

static void open_stage(struct stage *st)
{
	struct error e;
	st->serve.name = st->serve.where = st->dial.where = "test";
	check(tls_context_serve(&st->server, &st->serve, &e) == ERR_OK &&
		      tls_context_dial(&st->client, &st->dial, &e) == ERR_OK,
	      "contexts");
	open_ends(&st->ends, st->server, st->client);
}

static void close_stage(struct stage *st)
{
	close_ends(&st->ends);
	tls_context_free(st->server);
	tls_context_free(st->client);
}

/* ---- tests ---- */

static void test_later(struct certificate *own)
{
	struct asked a = { .answer = TLS_SOURCED_LATER, .certificate = own };
	struct stage st = { .serve = { .source = { answer, &a } } };
	int error = 0;

	check_case("a source that takes its time");
	open_stage(&st);
	check(!shake(&st.ends, &error) && error == SSL_ERROR_WANT_CLIENT_HELLO_CB, "it waits");
	check(strcmp(a.name, "a.test") == 0, "it is asked for the name, in lower case");
	a.answer = TLS_SOURCED;
	check(shake(&st.ends, &error), "and goes on");
	check(SSL_get_certificate(st.ends.server) == certificate_leaf(own),
	      "with that certificate");
	close_stage(&st);
}

static void test_refusing(enum tls_sourced said, const char *what)
{
	struct asked a = { .answer = said };
	struct stage st = { .serve = { .source = { answer, &a } } };
	int error = 0;

	check_case("a source without a certificate");
	open_stage(&st);
	check(!shake(&st.ends, &error) && error == SSL_ERROR_SSL && a.calls == 1, what);
	close_stage(&st);
}

static void test_none(struct certificate *own)
{
	struct asked a = { .answer = TLS_SOURCED_NONE };
	struct stage st = {
		.serve = { .certificates = &own, .certificate_count = 1, .source = { answer, &a } }
	};
	int error = 0;

	check_case("a source that has none");
	open_stage(&st);
	check(shake(&st.ends, &error) && a.calls == 1, "leaves it to the config's");
	close_stage(&st);
}

static void check_alpn(SSL *ssl, const char *expected)
{
	const unsigned char *p = NULL;
	unsigned n = 0;
	SSL_get0_alpn_selected(ssl, &p, &n);
	check(n == strlen(expected) && memcmp(p, expected, n) == 0, expected);
}

static void test_challenge(struct certificate *own, struct certificate *other)
{
	static const struct str acme = STR_INIT("acme-tls/1"), http = STR_INIT("http/1.1");
	struct asked a = { .answer = TLS_SOURCED, .certificate = other };
	struct stage st = { .serve = { .certificates = &own,
				       .certificate_count = 1,
				       .alpn = &http,
				       .alpn_count = 1,
				       .challenge = { answer, &a } },
			    .dial = { .alpn = &acme, .alpn_count = 1 } };
	int error = 0;

	check_case("a look at a challenge");
	open_stage(&st);
	check(shake(&st.ends, &error) && a.calls == 1, "is let in");
	check_alpn(st.ends.client, "acme-tls/1");
	check(SSL_get_certificate(st.ends.server) == certificate_leaf(other), "by its certificate");
	close_stage(&st);
	a.answer = TLS_SOURCED_NONE;
	open_stage(&st);
	check(!shake(&st.ends, &error) && error == SSL_ERROR_SSL, "not without one");
	close_stage(&st);
	st.dial.alpn = &http;
	a.calls = 0;
	open_stage(&st);
	check(shake(&st.ends, &error) && a.calls == 0, "others do not see it");
	check_alpn(st.ends.client, "http/1.1");
	close_stage(&st);
}

/* ---- no way past client certificates ---- */

static const struct str acme_protocol = STR_INIT("acme-tls/1");

/* A service that demands certificates of clients, with a challenge; its client looks at that. */
static struct stage demanding(struct certificate *const *own, struct asked *a)
{
	return (struct stage){ .serve = { .certificates = own,
					  .certificate_count = 1,
					  .client = { .verify = TLS_VERIFY_REQUIRE },
					  .challenge = { answer, a } },
			       .dial = { .alpn = &acme_protocol, .alpn_count = 1 } };
}

/* What the client would resume with, after all that the server sent; NULL: nothing. */
static SSL_SESSION *ticket_of(struct ends *ends)
{
	char byte;
	(void)SSL_read(ends->client, &byte, 1);
	SSL_SESSION *session = SSL_get1_session(ends->client);
	if (session != NULL && SSL_SESSION_has_ticket(session) == 1)
		return session;
	SSL_SESSION_free(session);
	return NULL;
}

static void test_challenge_gives_no_ticket(struct certificate *own, int version)
{
	struct asked a = { .answer = TLS_SOURCED, .certificate = own };
	struct stage st = demanding(&own, &a);
	int error = 0;

	check_case("a look at a challenge of a service that demands client certificates");
	open_stage(&st);
	(void)SSL_set_max_proto_version(st.ends.client, version);
	check(shake(&st.ends, &error), "is let in without one");
	SSL_SESSION *session = ticket_of(&st.ends);
	check(session == NULL, "and gets no ticket");
	SSL_SESSION_free(session);
	close_stage(&st);
}

static void test_session_without_peer(struct certificate *own, int version)
{
	struct asked a = { .answer = TLS_SOURCED_NONE };
	struct stage st = demanding(&own, &a);
	int error = 0;

	check_case("a session without a client's certificate");
	st.dial.alpn_count = 0;
	open_stage(&st);
	SSL_set_verify(st.ends.server, SSL_VERIFY_NONE, NULL);
	(void)SSL_set_max_proto_version(st.ends.client, version);
	check(shake(&st.ends, &error), "is made");
	SSL_SESSION *session = ticket_of(&st.ends);
	check(session != NULL, "and has a ticket");
	close_ends(&st.ends);
	open_ends(&st.ends, st.server, st.client);
	(void)SSL_set_max_proto_version(st.ends.client, version);
	check(session != NULL && SSL_set_session(st.ends.client, session) == 1 &&
		      !shake(&st.ends, &error) && SSL_session_reused(st.ends.server) == 0,
	      "that does not lead in where one is demanded");
	SSL_SESSION_free(session);
	close_stage(&st);
}

/* The second hello offers another protocol. */
static void change_protocol(int is_sent, int version, int type, const void *bytes, size_t n,
			    SSL *ssl, void *ctx)
{
	(void)version, (void)ctx;
	if (!is_sent && type == SSL3_RT_HANDSHAKE && n > 0 &&
	    *(const unsigned char *)bytes == SSL3_MT_SERVER_HELLO)
		(void)SSL_set_alpn_protos(ssl, (const unsigned char *)"\x08http/1.1", 9);
}

/* The server knows none of the groups of the first hello's keys: it asks for a second one. */
static void test_second_hello(struct certificate *own)
{
	struct asked a = { .answer = TLS_SOURCED, .certificate = own };
	struct stage st = demanding(&own, &a);
	int error = 0;

	check_case("a second hello");
	open_stage(&st);
	(void)SSL_set1_groups_list(st.ends.client, "P-521:X25519");
	check(shake(&st.ends, &error) && a.calls == 2, "may look at a challenge, as the first");
	close_ends(&st.ends);
	open_ends(&st.ends, st.server, st.client);
	(void)SSL_set1_groups_list(st.ends.client, "P-521:X25519");
	SSL_set_msg_callback(st.ends.client, change_protocol);
	check(!shake(&st.ends, &error) && error == SSL_ERROR_SSL, "but not be something else");
	close_stage(&st);
}

static void test_second_certificate(struct certificate *own, struct certificate *other)
{
	struct asked a = { .answer = TLS_SOURCED, .certificate = other };
	struct stage st = {
		.serve = { .certificates = &own, .certificate_count = 1, .source = { answer, &a } }
	};
	int error = 0;

	check_case("a second hello after a source's certificate");
	open_stage(&st);
	(void)SSL_set1_groups_list(st.ends.client, "P-521:X25519");
	(void)SSL_do_handshake(st.ends.client);
	(void)SSL_do_handshake(st.ends.server);
	a.answer = TLS_SOURCED_NONE;
	check(shake(&st.ends, &error) && a.calls == 2, "asks again");
	check(SSL_get_certificate(st.ends.server) == certificate_leaf(own),
	      "and gets the config's, when the source has none any more");
	close_stage(&st);
}

static void test_bypasses(struct certificate *own, struct certificate *other)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (unsigned i = 0; i < 2; i++) {
		test_challenge_gives_no_ticket(own, versions[i]);
		test_session_without_peer(own, versions[i]);
	}
	test_second_hello(own);
	test_second_certificate(own, other);
}

void net_tls_source_tests(void)
{
	struct certificate *own = make_certificate(), *other = make_certificate();

	if (own != NULL && other != NULL) {
		test_later(own);
		test_refusing(TLS_SOURCED_REFUSE, "refuses the name");
		test_refusing(TLS_SOURCED_NONE, "and nobody else has one");
		test_none(own);
		test_challenge(own, other);
		test_bypasses(own, other);
	}
	certificate_drop(own);
	certificate_drop(other);
}

#include "net/tls_context.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/certificate_trial.h"
#include "crypto/fault.h"
#include "crypto/sha256.h"
#include "net/tls_detach.h"
#include "net/tls_notes.h"
#include "net/tls_sessions.h"
#include "net/tls_ticket_file.h"
#include "net/tls_words.h"

/* Mozilla's "intermediate" profile. */
static const char default_ciphers[] =
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
	"DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305";
static const char default_ciphersuites[] =
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char default_groups[] = "X25519:P-256:P-384";

/*
 * Early data is not read. A client that counts on another server's word has sent some (RFC 8446
 * §4.2.10): so much is skipped before its handshake is ended.
 */
enum { EARLY_BYTES_SKIPPED = 1 << 20 };

enum { ALPN_BYTES = 128 };

struct tls_context {
	SSL_CTX *openssl;
	unsigned alpn_bytes;
	unsigned char alpn[ALPN_BYTES]; /* as on the wire: a length before each (RFC 7301 §3.1) */
	struct tls_choice choice;
	struct tls_tickets tickets;
	struct tls_ticket_file ticket_file;
};

/* ---- what both sides have ---- */

static enum err no_memory(struct error *e)
{
	fault_drop();
	return err_set(e, ERR_MEMORY, "no memory for TLS");
}

static enum err make(struct tls_context **made, const SSL_METHOD *method, struct error *e)
{
	struct tls_context *c = calloc(1, sizeof(*c));
	*made = c;
	if (c == NULL)
		return no_memory(e);
	c->openssl = SSL_CTX_new(method);
	if (c->openssl == NULL)
		return no_memory(e);
	(void)SSL_CTX_set_options(c->openssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	(void)SSL_CTX_set_mode(c->openssl, SSL_MODE_RELEASE_BUFFERS |
						   SSL_MODE_ENABLE_PARTIAL_WRITE |
						   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_session_cache_mode(c->openssl, SSL_SESS_CACHE_OFF);
	return ERR_OK;
}

/* After an error there is none. */
static enum err end_making(struct tls_context **c, enum err err)
{
	if (err != ERR_OK) {
		tls_context_free(*c);
		*c = NULL;
	}
	return err;
}

static int version_number(enum tls_version version, int otherwise)
{
	switch (version) {
	case TLS_VERSION_1_2:
		return TLS1_2_VERSION;
	case TLS_VERSION_1_3:
		return TLS1_3_VERSION;
	default:
		return otherwise;
	}
}

static enum err set_versions(struct tls_context *c, enum tls_version min, enum tls_version max,
			     const char *where, struct error *e)
{
	int from = version_number(min, TLS1_2_VERSION), to = version_number(max, TLS1_3_VERSION);
	if (from > to)
		return err_set(e, ERR_INVALID, "%s: min_version is higher than max_version", where);
	(void)SSL_CTX_set_min_proto_version(c->openssl, from);
	(void)SSL_CTX_set_max_proto_version(c->openssl, to);
	return ERR_OK;
}

static enum err set_alpn(struct tls_context *c, const struct str *list, unsigned count,
			 const char *where, struct error *e)
{
	for (unsigned i = 0; i < count; i++) {
		if (list[i].n == 0 || list[i].n > 255 ||
		    c->alpn_bytes + 1 + list[i].n > sizeof(c->alpn))
			return err_set(e, ERR_INVALID, "%s: the list for ALPN is too long", where);
		c->alpn[c->alpn_bytes++] = (unsigned char)list[i].n;
		memcpy(c->alpn + c->alpn_bytes, list[i].p, list[i].n);
		c->alpn_bytes += (unsigned)list[i].n;
	}
	return ERR_OK;
}

/* ---- the server's side ---- */

static const char *or_default(const char *text, const char *otherwise)
{
	return text != NULL ? text : otherwise;
}

static enum err unknown(const char *where, const char *key, const char *value, struct error *e)
{
	fault_drop();
	return err_set(e, ERR_INVALID,
		       "%s.%s: OpenSSL knows none of that name: \"%s\" (names are parted by \":\")",
		       where, key, value != NULL ? value : "the default");
}

static enum err bad_word(struct tls_context *c, const struct tls_settings *s, struct str bad,
			 enum tls_words_kind kind, struct error *e)
{
	static const char *const keys[] = { "ciphers", "ciphersuites", "groups" };
	const char *advice = tls_words_advice(c->openssl, bad, kind);

	if (advice == NULL)
		return err_set(e, ERR_INVALID,
			       "%s.%s: OpenSSL does not know \"%.*s\" (names are parted by \":\")",
			       s->where, keys[kind], (int)bad.n, bad.p);
	if (strchr(advice, ' ') == NULL)
		return err_set(e, ERR_INVALID,
			       "%s.%s: OpenSSL does not know \"%.*s\" (it is called \"%s\" there)",
			       s->where, keys[kind], (int)bad.n, bad.p, advice);
	return err_set(e, ERR_INVALID, "%s.%s: \"%.*s\" is no name for this key: %s", s->where,
		       keys[kind], (int)bad.n, bad.p, advice);
}

static enum err check_words(struct tls_context *c, const struct tls_settings *s, struct error *e)
{
	struct str bad = { NULL, 0 };

	if (s->ciphers != NULL)
		bad = tls_words_bad_cipher(c->openssl, s->ciphers);
	if (bad.n > 0)
		return bad_word(c, s, bad, TLS_WORDS_CIPHERS, e);
	if (s->ciphersuites != NULL)
		bad = tls_words_bad_suite(c->openssl, s->ciphersuites);
	if (bad.n > 0)
		return bad_word(c, s, bad, TLS_WORDS_SUITES, e);
	if (s->groups != NULL)
		bad = tls_words_bad_group(c->openssl, s->groups);
	return bad.n > 0 ? bad_word(c, s, bad, TLS_WORDS_GROUPS, e) : ERR_OK;
}

static enum err set_ciphers(struct tls_context *c, const struct tls_settings *s, struct error *e)
{
	enum err err = check_words(c, s, e);
	if (err != ERR_OK)
		return err;
	if (SSL_CTX_set_cipher_list(c->openssl, or_default(s->ciphers, default_ciphers)) != 1)
		return unknown(s->where, "ciphers", s->ciphers, e);
	if (SSL_CTX_set_ciphersuites(c->openssl,
				     or_default(s->ciphersuites, default_ciphersuites)) != 1)
		return unknown(s->where, "ciphersuites", s->ciphersuites, e);
	if (SSL_CTX_set1_groups_list(c->openssl, or_default(s->groups, default_groups)) != 1)
		return unknown(s->where, "groups", s->groups, e);
	(void)SSL_CTX_set_dh_auto(c->openssl, 1);
	(void)SSL_CTX_set_recv_max_early_data(c->openssl, EARLY_BYTES_SKIPPED);
	return ERR_OK;
}

static int take_protocol(const unsigned char **out, unsigned char *n, const unsigned char *from)
{
	*n = from[0];
	*out = from + 1;
	return SSL_TLSEXT_ERR_OK;
}

/*
 * A client that offers none is fine: then this is not called (RFC 7301 §3.2). One that looks at a
 * challenge got here because there is one for it.
 */
static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *n,
		       const unsigned char *in, unsigned in_n, void *ctx)
{
	const struct tls_context *c = ctx;
	unsigned char *chosen = NULL;
	(void)ssl;
	if (c->choice.challenge.ask != NULL && tls_choice_is_challenge(in, in_n))
		return take_protocol(out, n, in);
	if (c->alpn_bytes == 0)
		return SSL_TLSEXT_ERR_NOACK;
	if (SSL_select_next_proto(&chosen, n, c->alpn, c->alpn_bytes, in, in_n) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static enum err set_choice(struct tls_context *c, const struct tls_settings *s, struct error *e)
{
	c->choice.unknown = s->unknown;
	c->choice.source = s->source;
	c->choice.challenge = s->challenge;
	enum err err = tls_names_init(&c->choice.names, s->certificates, s->certificate_count);
	return err != ERR_OK ? no_memory(e) : tls_choice_install(&c->choice, c->openssl, e);
}

static void add_text(struct sha256 *sum, struct str text)
{
	sha256_add(sum, &text.n, sizeof(text.n));
	sha256_add(sum, text.p, text.n);
}

/* Sessions are resumed only where this is the same: in this service, under these settings. */
static void set_id(struct tls_context *c, const struct tls_settings *s)
{
	const int32_t numbers[] = { (int32_t)s->client.verify, s->client.depth };
	uint8_t id[SHA256_BYTES];
	struct sha256 sum;

	sha256_init(&sum);
	add_text(&sum, str_of(s->name));
	if (s->client.verify != TLS_VERIFY_OFF) {
		add_text(&sum, (struct str){ (const char *)numbers, sizeof(numbers) });
		add_text(&sum, s->client.ca);
		add_text(&sum, s->client.crl);
	}
	sha256_end(&sum, id);
	(void)SSL_CTX_set_session_id_context(c->openssl, id, sizeof(id));
}

static enum err set_resumption(struct tls_context *c, const struct tls_settings *s, struct error *e)
{
	set_id(c, s);
	if (s->resumption == TLS_RESUME_NEVER) {
		tls_tickets_refuse(c->openssl);
		return ERR_OK;
	}
	c->tickets.source = s->tickets;
	if (s->ticket_file.n > 0) {
		enum err err = tls_ticket_file_read(&c->ticket_file, s->ticket_file, e);
		if (err != ERR_OK)
			return err_set(e, err, "%s: %s", or_default(s->ticket_file_where, s->where),
				       e->text);
		c->tickets.source = tls_ticket_file_source(&c->ticket_file);
	}
	return tls_tickets_install(&c->tickets, c->openssl) == ERR_OK ? ERR_OK : no_memory(e);
}

static enum err fill_server(struct tls_context *c, const struct tls_settings *s, struct error *e)
{
	enum err err = set_versions(c, s->min_version, s->max_version, s->where, e);
	if (err == ERR_OK)
		err = set_ciphers(c, s, e);
	if (err == ERR_OK)
		err = set_alpn(c, s->alpn, s->alpn_count, s->where, e);
	if (err == ERR_OK)
		err = set_choice(c, s, e);
	if (err == ERR_OK)
		err = tls_trust_clients(c->openssl, &s->client, s->where, e);
	if (err == ERR_OK)
		err = set_resumption(c, s, e);
	SSL_CTX_set_alpn_select_cb(c->openssl, choose_alpn, c);
	tls_detach_prepare(c->openssl);
	if (s->hellos == TLS_HELLOS_NOTED)
		tls_notes_take_hellos(c->openssl, tls_detach_on_message);
	return err;
}

enum err tls_context_serve(struct tls_context **c, const struct tls_settings *settings,
			   struct error *e)
{
	enum err err = make(c, TLS_server_method(), e);
	if (err == ERR_OK)
		err = fill_server(*c, settings, e);
	return end_making(c, err);
}

/* ---- the client's side ---- */

static enum err fill_client(struct tls_context *c, const struct tls_client_settings *s,
			    struct error *e)
{
	enum err err = set_versions(c, s->min_version, TLS_VERSION_DEFAULT, s->where, e);
	if (err == ERR_OK)
		err = set_alpn(c, s->alpn, s->alpn_count, s->where, e);
	if (err == ERR_OK)
		err = tls_trust_servers(c->openssl, &s->server, s->where, e);
	if (err == ERR_OK && s->certificate != NULL)
		err = certificate_use(s->certificate, c->openssl, e);
	tls_sessions_install(c->openssl);
	tls_detach_prepare(c->openssl);
	if (c->alpn_bytes > 0)
		(void)SSL_CTX_set_alpn_protos(c->openssl, c->alpn, c->alpn_bytes);
	return err;
}

enum err tls_context_dial(struct tls_context **c, const struct tls_client_settings *settings,
			  struct error *e)
{
	enum err err = make(c, TLS_client_method(), e);
	if (err == ERR_OK)
		err = fill_client(*c, settings, e);
	return end_making(c, err);
}

void tls_context_free(struct tls_context *c)
{
	if (c == NULL)
		return;
	SSL_CTX_free(c->openssl);
	tls_names_free(&c->choice.names);
	tls_tickets_free(&c->tickets);
	tls_ticket_file_free(&c->ticket_file);
	free(c);
}

SSL *tls_context_open(struct tls_context *c)
{
	SSL *ssl = SSL_new(c->openssl);
	if (ssl == NULL)
		fault_drop();
	return ssl;
}

SSL_CTX *tls_context_openssl(struct tls_context *c)
{
	return c->openssl;
}

const struct tls_names *tls_context_names(const struct tls_context *c)
{
	return &c->choice.names;
}

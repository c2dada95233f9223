#include "exchange/service_tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/grow.h"
#include "base/log.h"
#include "conf/secrets.h"
#include "net/tls_words.h"
#include "shm/board_tickets.h"

_Static_assert((int)TLS_TICKET_KEY_BYTES == (int)BOARD_TICKET_KEY_BYTES &&
		       (int)TLS_TICKET_NAME_BYTES == (int)BOARD_TICKET_NAME_BYTES,
	       "the board keeps keys as TLS takes them");

/* ---- ticket keys of the board ---- */

static bool newest_key(void *board, struct tls_ticket_key *key)
{
	return board_tickets_newest(board, time(NULL), key->bytes);
}

static bool find_key(void *board, const uint8_t name[TLS_TICKET_NAME_BYTES],
		     struct tls_ticket_key *key)
{
	return board_tickets_find(board, name, key->bytes);
}

/* ---- certificates ---- */

struct certificates {
	struct certificate **of;
	uint32_t n, room;
};

static enum err add_certificate(void *ctx, const struct secret_certificate *s, struct error *e)
{
	struct certificates *all = ctx;
	const struct certificate_text text = { s->chain, s->key, s->chain_where, s->key_where };
	struct certificate *c;

	struct certificate **of = grow(all->of, all->n, &all->room, sizeof(struct certificate *));
	if (of == NULL)
		return err_set(e, ERR_MEMORY, "no memory for certificates");
	all->of = of;
	enum err err = s->facts != NULL ? certificate_defer(&c, &text, s->ocsp, s->facts, e)
					: certificate_read(&c, &text, e);
	if (err != ERR_OK)
		return err;
	all->of[all->n++] = c;
	if (s->facts != NULL || s->ocsp.n == 0 || certificate_staple(c, s->ocsp, e) == ERR_OK)
		return ERR_OK;
	return err_set(e, ERR_INVALID, "%s: %s", s->ocsp_where, e->text);
}

static void drop_certificates(struct certificates *all)
{
	for (unsigned i = 0; i < all->n; i++)
		certificate_drop(all->of[i]);
	free(all->of);
}

/* ---- settings ---- */

static enum tls_version version_of(enum conf_tls_version version)
{
	switch (version) {
	case CONF_TLS_1_2:
		return TLS_VERSION_1_2;
	case CONF_TLS_1_3:
		return TLS_VERSION_1_3;
	default:
		return TLS_VERSION_DEFAULT;
	}
}

static enum tls_verify verify_of(enum conf_tls_verify verify)
{
	switch (verify) {
	case CONF_TLS_VERIFY_REQUEST:
		return TLS_VERIFY_REQUEST;
	case CONF_TLS_VERIFY_REQUIRE:
		return TLS_VERIFY_REQUIRE;
	default:
		return TLS_VERIFY_OFF;
	}
}

/* Keys and files, for errors. */
enum { PLACE_BYTES = 512 };

struct places {
	char ca[PLACE_BYTES], crl[PLACE_BYTES], keys[PLACE_BYTES];
};

/* The file of a key below where; place: what both are called in an error. */
struct named_file {
	const char *where, *key, *path; /* path NULL: the config names none */
	enum bundle_use use;
	char *place;
};

static enum err read_file(struct bundle *b, const struct named_file *f, const char *tls,
			  struct str *bytes, struct error *e)
{
	char where[256];
	*bytes = (struct str){ NULL, 0 };
	if (f->path == NULL)
		return ERR_OK;
	(void)snprintf(where, sizeof(where), "%s.%s", tls, f->where);
	(void)snprintf(f->place, PLACE_BYTES, "%s.%s: %s", where, f->key, f->path);
	return secrets_file(b, f->use, where, f->key, f->path, bytes, e);
}

static enum err read_files(struct tls_settings *s, const struct conf_tls *t, struct bundle *b,
			   struct places *p, struct error *e)
{
	const struct named_file ca = { "client", "ca", t->client.ca, BUNDLE_PUBLIC, p->ca };
	const struct named_file crl = { "client", "crl", t->client.crl, BUNDLE_PUBLIC, p->crl };
	const struct named_file keys = { "tickets", "keys", t->ticket_keys, BUNDLE_SECRET,
					 p->keys };

	enum err err = read_file(b, &ca, t->where, &s->client.ca, e);
	if (err == ERR_OK)
		err = read_file(b, &crl, t->where, &s->client.crl, e);
	if (err == ERR_OK)
		err = read_file(b, &keys, t->where, &s->ticket_file, e);
	s->client.ca_where = p->ca;
	s->client.crl_where = p->crl;
	s->ticket_file_where = p->keys;
	return err;
}

static void take_tickets(struct tls_settings *s, const struct service_tls_origin *from)
{
	if (!from->conf->tls.tickets)
		s->resumption = TLS_RESUME_NEVER;
	else if (from->board != NULL)
		s->tickets = (struct tls_ticket_source){ newest_key, find_key, from->board };
}

static enum err make(struct tls_context **c, const struct service_tls_origin *from,
		     const struct certificates *all, struct error *e)
{
	static const struct str http[] = { STR_INIT("h2"), STR_INIT("http/1.1") };
	const unsigned first = from->conf->http2 ? 0 : 1;
	const struct conf_tls *t = &from->conf->tls;
	struct tls_settings s = {
		.name = from->conf->name,
		.where = t->where,
		.certificates = all->of,
		.certificate_count = all->n,
		.unknown = t->is_strict ? TLS_UNKNOWN_REFUSE : TLS_UNKNOWN_FIRST,
		.min_version = version_of(t->min_version),
		.max_version = version_of(t->max_version),
		.ciphers = t->ciphers,
		.ciphersuites = t->ciphersuites,
		.groups = t->groups,
		.alpn = http + first,
		.alpn_count = from->conf->is_tcp ? 0 : countof(http) - first,
		.client = { .verify = verify_of(t->client.verify), .depth = (int)t->client.depth },
		.hellos = from->hellos,
		.source = from->source,
		.challenge = from->challenge,
	};
	struct places places;
	enum err err = read_files(&s, t, from->secrets, &places, e);
	take_tickets(&s, from);
	return err == ERR_OK ? tls_context_serve(c, &s, e) : err;
}

/* *all: what it is made of, for the caller to drop. */
static enum err create(struct tls_context **c, const struct service_tls_origin *from,
		       struct certificates *all, struct error *e)
{
	const struct secret_visitor visitor = { add_certificate, NULL, all };

	*c = NULL;
	if (!from->conf->tls.on || from->secrets == NULL)
		return ERR_OK;
	enum err err = secrets_each(from->secrets, &from->conf->tls, &visitor, e);
	return err == ERR_OK ? make(c, from, all, e) : err;
}

enum err service_tls_create(struct tls_context **c, const struct service_tls_origin *from,
			    struct error *e)
{
	struct certificates all = { NULL, 0, 0 };
	enum err err = create(c, from, &all, e);

	drop_certificates(&all);
	return err;
}

/* ---- what is of no use ---- */

static bool any_fits(struct tls_context *c, const struct certificates *all)
{
	for (unsigned i = 0; i < all->n; i++) {
		if (tls_words_fit(tls_context_openssl(c), certificate_kind(all->of[i])))
			return true;
	}
	return all->n == 0;
}

static void warn_of_idle(void *config, const struct certificate *c)
{
	log_warn("%s: %s: certificates before it have each of its names: it is shown to nobody",
		 (const char *)config, certificate_where(c));
}

static void advise(const char *config, const struct conf_tls *t, struct tls_context *c,
		   const struct certificates *all)
{
	if (c == NULL)
		return;
	if (t->min_version != CONF_TLS_1_3 && !any_fits(c, all))
		log_warn(
			"%s: %s.ciphers: none of them goes with a certificate of this service (%s): "
			"clients of TLS 1.2 are refused",
			config, t->where,
			certificate_kind(all->of[0]) == CERTIFICATE_RSA ? "RSA" : "ECDSA");
	tls_names_each_idle(tls_context_names(c), warn_of_idle, (void *)(uintptr_t)config);
}

static enum err try_one(const struct service_tls_origin *from, const char *config, struct error *e)
{
	struct certificates all = { NULL, 0, 0 };
	struct tls_context *c;
	enum err err = create(&c, from, &all, e);

	advise(config, &from->conf->tls, c, &all);
	tls_context_free(c);
	drop_certificates(&all);
	return err;
}

enum err service_tls_try(const struct conf *conf, struct bundle *secrets, const char *config,
			 struct error *e)
{
	enum err err = ERR_OK;
	for (unsigned i = 0; i < conf->services_n && err == ERR_OK; i++) {
		struct service_tls_origin from = { .conf = &conf->services[i], .secrets = secrets };
		err = try_one(&from, config, e);
	}
	return err;
}

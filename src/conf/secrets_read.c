#include "conf/secrets_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "conf/secrets.h"
#include "crypto/authority.h"
#include "crypto/certificate.h"
#include "crypto/certificate_trial.h"
#include "crypto/crl.h"
#include "crypto/pem_reader.h"
#include "crypto/self_signed.h"

enum { SOON_DAYS = 14, CRL_SOON_DAYS = 3, DAY = 24 * 3600 };

/* All errors of a config, one line each, as far as there is room for them. */
struct report {
	struct bundle *b;
	const char *config;
	struct error *to;
	unsigned errors, left_out;
	time_t now;
	const struct secret_facts *facts;
	unsigned service; /* the one that is being read */
	FILE *lines;	  /* what is known of its certificates */
	struct pem_reader *reader;
	struct certificate_trial trial;
};

/* What is at the end when more of them do not fit. */
enum { ROOM_FOR_REST = 200 };

static void add_line(struct report *r, const char *text)
{
	size_t used = r->errors == 0 ? 0 : strlen(r->to->text);
	size_t room = sizeof(r->to->text) - ROOM_FOR_REST;

	r->errors++;
	if (used + strlen(r->config) + strlen(text) + 4 > room && used > 0) {
		r->left_out++;
		return;
	}
	r->to->code = ERR_INVALID;
	(void)snprintf(r->to->text + used, sizeof(r->to->text) - used, "%s%s: %s",
		       used > 0 ? "\n" : "", r->config, text);
}

static enum err on_error(void *ctx, struct error *e)
{
	add_line(ctx, e->text);
	return ERR_OK;
}

static enum err end_report(struct report *r)
{
	size_t used = strlen(r->to->text);

	if (r->left_out > 0)
		(void)snprintf(r->to->text + used, sizeof(r->to->text) - used,
			       "\n%s: and %u more errors", r->config, r->left_out);
	return r->errors == 0 ? ERR_OK : ERR_INVALID;
}

/* ---- what is worth a word ---- */

static void print_date(char to[32], int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm parts;

	to[0] = '\0';
	if (gmtime_r(&t, &parts) != NULL)
		(void)strftime(to, 32, "%Y-%m-%d %H:%M:%S UTC", &parts);
}

static void warn_of_dates(const struct report *r, const char *where, const struct certificate *c)
{
	int64_t from = certificate_not_before(c), to = certificate_not_after(c);
	int64_t days = (to - (int64_t)r->now) / DAY;
	char date[32];

	print_date(date, from > (int64_t)r->now ? from : to);
	if (to < (int64_t)r->now)
		log_warn(
			"%s: %s: this certificate expired on %s; it is served, but clients refuse it",
			r->config, where, date);
	else if (from > (int64_t)r->now)
		log_warn(
			"%s: %s: this certificate is not valid before %s; it is served, but clients "
			"refuse it",
			r->config, where, date);
	else if (days < SOON_DAYS)
		log_warn("%s: %s: this certificate expires on %s, in %d day%s", r->config, where,
			 date, (int)days, days == 1 ? "" : "s");
}

static void warn_of_order(const struct report *r, const char *where, const struct certificate *c)
{
	enum certificate_order order = certificate_order(c);

	if (order == CERTIFICATE_REORDERED)
		log_warn(
			"%s: %s: the certificates are not in order (expected the server's own, then "
			"its issuer, and so on); they are sent in order",
			r->config, where);
	else if (order == CERTIFICATE_STRANGERS)
		log_warn("%s: %s: not every certificate is the issuer of the one before it; the "
			 "others are sent last",
			 r->config, where);
}

static void warn_of_use(const struct report *r, const char *where, const struct certificate *c,
			enum certificate_side side)
{
	bool is_server = side == CERTIFICATE_OF_SERVER;

	if (!certificate_is_for(c, side))
		log_warn("%s: %s: this certificate is not for %s (extendedKeyUsage has no %sAuth); "
			 "it is shown, but %s refuse it",
			 r->config, where, is_server ? "servers" : "clients",
			 is_server ? "server" : "client", is_server ? "clients" : "backends");
}

enum { NAME_MAX_BYTES = 256 };

static void take_first(void *ctx, struct str name)
{
	char *to = ctx;

	if (to[0] == '\0')
		(void)str_copy(to, NAME_MAX_BYTES, name);
}

static void tell_fact(const struct report *r, const char *path, const struct certificate *c,
		      const char *name)
{
	const struct secret_fact fact = { r->service, path, name, certificate_not_after(c) };

	r->facts->tell(r->facts->ctx, &fact);
}

static void warn_of_name(const struct report *r, const char *where, const char *name)
{
	if (name[0] == '\0')
		log_warn(
			"%s: %s: this certificate names no host (subjectAltName), so it can only be "
			"the first of a service",
			r->config, where);
}

static void warn_of_readers(const struct report *r, const struct secret_certificate *s)
{
	if (bundle_is_exposed(r->b, s->key_path) &&
	    secrets_have_key(s->key.n > 0 ? s->key : s->chain))
		log_warn("%s: %s: anybody on this machine may read this private key (chmod o-r)",
			 r->config, s->key_where);
}

static void warn_of_list(const struct report *r, const char *where, const char *path,
			 struct str list)
{
	int64_t end;
	char date[32];

	if (!crl_first_end(list, &end) || end - (int64_t)r->now >= CRL_SOON_DAYS * DAY)
		return;
	print_date(date, end);
	log_warn("%s: %s.crl: %s: this revocation list %s on %s; from then on no client of its "
		 "authority gets in (expected a newer one)",
		 r->config, where, path, end < (int64_t)r->now ? "expired" : "expires", date);
}

/* A text of authorities, and what an error calls it. */
struct authorities {
	const struct report *r;
	const char *where, *path;
};

static void warn_of_authority(void *ctx, enum authority_fault fault, const char *name)
{
	static const char *const words[] = {
		[AUTHORITY_PINNED] = "is no authority (basicConstraints): only who shows this very "
				     "certificate is trusted",
		[AUTHORITY_NONE] = "is no authority (basicConstraints), and nobody is trusted "
				   "because of it (expected the one that issued it, up to a root)",
		[AUTHORITY_NO_ROOT] = "is no root, and its issuer is not in this file: nobody is "
				      "trusted because of it (expected the root as well)",
	};
	const struct authorities *a = ctx;

	log_warn("%s: %s.ca: %s: the certificate \"%s\" %s", a->r->config, a->where, a->path, name,
		 words[fault]);
}

static void warn_of_authorities(const struct report *r, const char *where, const char *path,
				struct str pem)
{
	struct authorities a = { r, where, path };

	authority_each_fault(pem, warn_of_authority, &a);
}

/* ---- reading ---- */

/* *c: for the caller to drop, NULL after an error. */
static enum err read_one(const struct report *r, const struct secret_certificate *s,
			 enum certificate_side side, struct certificate **c, struct error *e)
{
	struct certificate_text text = { s->chain, s->key, s->chain_where, s->key_where };

	warn_of_readers(r, s);
	enum err err = certificate_read_by(r->reader, c, &text, e);

	if (err != ERR_OK)
		return err;
	if (s->ocsp.n > 0 && certificate_staple(*c, s->ocsp, e) != ERR_OK) {
		certificate_drop(*c);
		return err_set(e, ERR_INVALID, "%s: %s", s->ocsp_where, e->text);
	}
	if (s->chain_path != secrets_self_signed) {
		warn_of_dates(r, s->chain_where, *c);
		warn_of_order(r, s->chain_where, *c);
		warn_of_use(r, s->chain_where, *c, side);
	}
	return ERR_OK;
}

/* One that a pool shows to its backends. */
static enum err look_at_pools(void *ctx, const struct secret_certificate *s, struct error *e)
{
	struct certificate *c;
	enum err err = read_one(ctx, s, CERTIFICATE_OF_CLIENT, &c, e);

	if (err == ERR_OK)
		certificate_drop(c);
	return err;
}

static enum err look_at_services(void *ctx, const struct secret_certificate *s, struct error *e)
{
	struct report *r = ctx;
	struct certificate *c;
	char name[NAME_MAX_BYTES] = "";
	enum err err = read_one(r, s, CERTIFICATE_OF_SERVER, &c, e);

	if (err != ERR_OK)
		return err;
	err = certificate_trial_run(&r->trial, c, e);
	certificate_each_name(c, take_first, name);
	warn_of_name(r, s->chain_where, name);
	tell_fact(r, s->chain_path, c, name);
	secrets_write_facts(r->lines, c);
	certificate_drop(c);
	return err;
}

/* Its bytes; n = 0: there are none. */
static struct str read_file(struct report *r, enum bundle_use use, const char *where,
			    const char *key, const char *path)
{
	struct str bytes = { NULL, 0 };
	struct error e;

	if (path != NULL && secrets_file(r->b, use, where, key, path, &bytes, &e) != ERR_OK)
		add_line(r, e.text);
	return bytes;
}

static void read_tickets(struct report *r, const struct conf_tls *t)
{
	char where[256];

	(void)snprintf(where, sizeof(where), "%s.tickets", t->where);
	(void)read_file(r, BUNDLE_SECRET, where, "keys", t->ticket_keys);
	if (t->ticket_keys != NULL && bundle_is_exposed(r->b, t->ticket_keys))
		log_warn("%s: %s.keys: %s: anybody on this machine may read these keys (chmod o-r)",
			 r->config, where, t->ticket_keys);
}

static void read_client(struct report *r, const struct conf_tls *t)
{
	char where[256];

	(void)snprintf(where, sizeof(where), "%s.client", t->where);
	warn_of_authorities(r, where, t->client.ca,
			    read_file(r, BUNDLE_PUBLIC, where, "ca", t->client.ca));
	warn_of_list(r, where, t->client.crl,
		     read_file(r, BUNDLE_PUBLIC, where, "crl", t->client.crl));
}

static void make_self_signed(struct report *r)
{
	struct str bytes;
	struct error e;
	char pem[SELF_SIGNED_MAX];

	if (bundle_keeps(r->b, secrets_self_signed))
		return;
	enum err err = self_signed_make(pem, sizeof(pem), &bytes, &e);
	if (err == ERR_OK)
		err = bundle_put(r->b, secrets_self_signed, bytes, &e);
	self_signed_wipe(pem, sizeof(pem));
	if (err != ERR_OK)
		add_line(r, e.text);
}

/* Each is read here, and so that no other process need read all of them, it says what they are. */
static void read_certificates(struct report *r, const struct conf_tls *t)
{
	struct secret_visitor v = { look_at_services, on_error, r };
	struct error e;
	char *lines = NULL;
	size_t n = 0;

	r->lines = open_memstream(&lines, &n);
	if (r->lines == NULL) {
		add_line(r, "no memory for certificates");
		return;
	}
	(void)secrets_each(r->b, t, &v, &e);
	/* Where they do not fit, each process reads all certificates. */
	if (fclose(r->lines) == 0 && r->errors == 0)
		(void)secrets_put_facts(r->b, t, (struct str){ lines, n }, &e);
	free(lines);
}

static void read_service(struct report *r, const struct conf_tls *t)
{
	char acme[256];

	if (t->self_signed)
		make_self_signed(r);
	read_certificates(r, t);
	read_client(r, t);
	read_tickets(r, t);
	(void)snprintf(acme, sizeof(acme), "%s.acme", t->where);
	warn_of_authorities(r, acme, t->acme.ca,
			    read_file(r, BUNDLE_PUBLIC, acme, "ca", t->acme.ca));
}

static void read_pool(struct report *r, const struct conf_pool_tls *t)
{
	struct conf_tls_certificate one = { t->where, t->certificate, t->key, NULL };
	struct conf_tls as_service = { .certificates = &one, .certificates_n = 1 };
	struct secret_visitor v = { look_at_pools, on_error, r };
	struct error e;

	if (t->skips_verify)
		log_warn("%s: %s.verify: false: whoever answers for a backend is believed "
			 "(expected a ca)",
			 r->config, t->where);
	if (t->is_ambiguous)
		log_warn("%s: %s: certificate and key are what clients get; ca, server_name and "
			 "verify are for the backends (a certificate for backends belongs into tls "
			 "of one of pools)",
			 r->config, t->where);
	warn_of_authorities(r, t->where, t->ca, read_file(r, BUNDLE_PUBLIC, t->where, "ca", t->ca));
	if (t->certificate != NULL)
		(void)secrets_each(r->b, &as_service, &v, &e);
}

static void read_all(struct report *r, const struct conf *c)
{
	for (unsigned i = 0; i < c->services_n; i++) {
		r->service = i;
		if (c->services[i].tls.on)
			read_service(r, &c->services[i].tls);
	}
	for (unsigned i = 0; i < c->pools_n; i++)
		read_pool(r, &c->pools[i].tls);
}

static bool has_certificates(const struct conf *c)
{
	bool has = false;

	for (unsigned i = 0; i < c->services_n; i++)
		has = has || c->services[i].tls.on;
	for (unsigned i = 0; i < c->pools_n; i++)
		has = has || c->pools[i].tls.certificate != NULL;
	return has;
}

/* What makes reading cheaper is not cheap itself. */
static enum err prepare(struct report *r, const struct conf *c, struct error *e)
{
	if (!has_certificates(c))
		return ERR_OK;
	enum err err = certificate_trial_init(&r->trial, e);
	return err == ERR_OK ? pem_reader_create(&r->reader, e) : err;
}

enum err secrets_read(struct bundle *b, const struct conf *c, const char *config,
		      const struct secret_facts *facts, struct error *e)
{
	struct error all = { .code = ERR_OK };
	struct report r = {
		.b = b, .config = config, .to = &all, .now = time(NULL), .facts = facts
	};

	enum err err = prepare(&r, c, e);
	if (err == ERR_OK) {
		read_all(&r, c);
		err = end_report(&r) == ERR_OK ? ERR_OK : err_set(e, ERR_INVALID, "%s", all.text);
	}
	pem_reader_destroy(r.reader);
	certificate_trial_fini(&r.trial);
	return err;
}

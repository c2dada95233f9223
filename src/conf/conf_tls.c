#include "conf/conf_tls.h"

#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"

static void free_certificate(struct conf_tls_certificate *c)
{
	free(c->where);
	free(c->certificate);
	free(c->key);
	free(c->ocsp);
}

static void free_acme(struct conf_tls_acme *a)
{
	for (unsigned i = 0; a->domains != NULL && i < a->domains_n; i++)
		free(a->domains[i]);
	free(a->domains);
	free(a->storage);
	free(a->ca);
}

void conf_tls_fini(struct conf_tls *t)
{
	for (unsigned i = 0; t->certificates != NULL && i < t->certificates_n; i++)
		free_certificate(&t->certificates[i]);
	free(t->certificates);
	free(t->where);
	free(t->ciphers);
	free(t->ciphersuites);
	free(t->groups);
	free(t->client.ca);
	free(t->client.crl);
	free(t->ticket_keys);
	free_acme(&t->acme);
	memset(t, 0, sizeof(*t));
}

void conf_pool_tls_fini(struct conf_pool_tls *t)
{
	free(t->where);
	free(t->ca);
	free(t->server_name);
	free(t->certificate);
	free(t->key);
	memset(t, 0, sizeof(*t));
}

static void add_number(uint64_t *d, uint64_t number)
{
	*d = fnv_add(*d, &number, sizeof(number));
}

/* With its zero, so that texts do not run into each other; none is not the same as an empty one. */
static void add_text(uint64_t *d, const char *text)
{
	add_number(d, text != NULL);
	if (text != NULL)
		*d = fnv_add(*d, text, strlen(text) + 1);
}

static void add_certificate(uint64_t *d, const struct conf_tls_certificate *c)
{
	add_text(d, c->certificate);
	add_text(d, c->key);
	add_text(d, c->ocsp);
}

static void add_client(uint64_t *d, const struct conf_tls_client *c)
{
	add_number(d, c->verify);
	add_text(d, c->ca);
	add_text(d, c->crl);
	add_number(d, c->depth);
}

static void add_acme(uint64_t *d, const struct conf_tls_acme *a)
{
	add_number(d, a->on);
	add_number(d, a->tls_alpn);
	add_text(d, a->storage);
	add_text(d, a->ca);
	add_number(d, a->domains_n);
	for (unsigned i = 0; i < a->domains_n; i++)
		add_text(d, a->domains[i]);
}

void conf_tls_digest(uint64_t *digest, const struct conf_tls *t)
{
	add_number(digest, t->on);
	add_number(digest, t->certificates_n);
	for (unsigned i = 0; i < t->certificates_n; i++)
		add_certificate(digest, &t->certificates[i]);
	add_number(digest, t->self_signed);
	add_number(digest, t->is_strict);
	add_number(digest, t->min_version);
	add_number(digest, t->max_version);
	add_text(digest, t->ciphers);
	add_text(digest, t->ciphersuites);
	add_text(digest, t->groups);
	add_client(digest, &t->client);
	add_number(digest, t->tickets);
	add_text(digest, t->ticket_keys);
	add_acme(digest, &t->acme);
}

void conf_pool_tls_digest(uint64_t *digest, const struct conf_pool_tls *t)
{
	add_number(digest, t->skips_verify);
	add_text(digest, t->ca);
	add_text(digest, t->server_name);
	add_text(digest, t->certificate);
	add_text(digest, t->key);
	add_number(digest, t->min_version);
}

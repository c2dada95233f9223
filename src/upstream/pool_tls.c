#include "upstream/pool_tls.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf/secrets.h"

enum { PLACE_BYTES = 512 };

/* The files, and what they are called in an error. */
struct pool_files {
	struct str ca, certificate, key;
	char ca_where[PLACE_BYTES], certificate_where[PLACE_BYTES], key_where[PLACE_BYTES];
};

/* path NULL: the config names none. */
static enum err read_file(struct bundle *b, const struct conf_pool_tls *t, const char *key,
			  const char *path, struct str *bytes, char place[PLACE_BYTES],
			  struct error *e)
{
	bool is_secret = path == t->key || (path == t->certificate && t->key == NULL);
	*bytes = (struct str){ NULL, 0 };
	if (path == NULL)
		return ERR_OK;
	(void)snprintf(place, PLACE_BYTES, "%s.%s: %s", t->where, key, path);
	return secrets_file(b, is_secret ? BUNDLE_SECRET : BUNDLE_PUBLIC, t->where, key, path,
			    bytes, e);
}

static enum err read_files(struct pool_files *f, const struct conf_pool_tls *t, struct bundle *b,
			   struct error *e)
{
	enum err err = read_file(b, t, "ca", t->ca, &f->ca, f->ca_where, e);
	if (err == ERR_OK)
		err = read_file(b, t, "certificate", t->certificate, &f->certificate,
				f->certificate_where, e);
	if (err == ERR_OK)
		err = read_file(b, t, "key", t->key, &f->key, f->key_where, e);
	return err;
}

static enum err make(struct tls_context **c, const struct conf_pool_tls *t,
		     const struct pool_files *f, struct error *e)
{
	const struct certificate_text own = { f->certificate, f->key, f->certificate_where,
					      f->key_where };
	struct tls_client_settings s = {
		.where = t->where,
		.server = { .verify = t->skips_verify ? TLS_VERIFY_OFF : TLS_VERIFY_REQUIRE,
			    .ca = f->ca,
			    .ca_where = f->ca_where },
		.min_version = t->min_version == CONF_TLS_1_3 ? TLS_VERSION_1_3 : TLS_VERSION_1_2,
	};
	enum err err = t->certificate != NULL ? certificate_read(&s.certificate, &own, e) : ERR_OK;
	if (err == ERR_OK)
		err = tls_context_dial(c, &s, e);
	certificate_drop(s.certificate);
	return err;
}

static enum err create(struct tls_context **c, const struct conf_pool_tls *t, struct bundle *b,
		       struct error *e)
{
	struct pool_files files = { .ca_where = "" };
	enum err err = read_files(&files, t, b, e);
	*c = NULL;
	return err == ERR_OK ? make(c, t, &files, e) : err;
}

enum err pool_tls_init(struct pool_tls *t, const struct conf *conf, struct bundle *secrets,
		       struct error *e)
{
	*t = (struct pool_tls){ conf, secrets,
				calloc(conf->pools_n + 1, sizeof(struct tls_context *)) };
	return t->of != NULL ? ERR_OK : err_set(e, ERR_MEMORY, "no memory for TLS");
}

void pool_tls_fini(struct pool_tls *t)
{
	for (unsigned i = 0; t->of != NULL && i < t->conf->pools_n; i++)
		tls_context_free(t->of[i]);
	free(t->of);
	t->of = NULL;
}

enum err pool_tls_context(struct pool_tls *t, unsigned pool, struct tls_context **c,
			  struct error *e)
{
	*c = NULL;
	if (t->of == NULL || pool >= t->conf->pools_n)
		return err_set(e, ERR_INVALID, "no pool of the config has this backend");
	enum err err = ERR_OK;
	if (t->of[pool] == NULL)
		err = create(&t->of[pool], &t->conf->pools[pool].tls, t->secrets, e);
	*c = t->of[pool];
	return err;
}

const char *pool_tls_name(const struct pool_tls *t, unsigned pool, const char *own,
			  const char *host)
{
	const char *name = t->of != NULL && pool < t->conf->pools_n
				   ? t->conf->pools[pool].tls.server_name
				   : NULL;
	if (own[0] != '\0')
		return own;
	return name != NULL ? name : host;
}

enum err pool_tls_find(void *of, struct str pool, struct tls_context **c, const char **name,
		       struct error *e)
{
	struct pool_tls *t = of;
	unsigned i = 0;
	while (t->of != NULL && i < t->conf->pools_n &&
	       !str_eq(pool, str_of(t->conf->pools[i].name)))
		i++;
	enum err err = pool_tls_context(t, i, c, e);
	if (err == ERR_OK)
		*name = t->conf->pools[i].tls.server_name;
	return err;
}

enum err pool_tls_try(const struct conf *conf, struct bundle *secrets, struct error *e)
{
	enum err err = ERR_OK;
	for (unsigned i = 0; i < conf->pools_n && err == ERR_OK; i++) {
		const struct conf_pool_tls *t = &conf->pools[i].tls;
		struct tls_context *c = NULL;
		if (t->ca != NULL || t->certificate != NULL)
			err = create(&c, t, secrets, e);
		tls_context_free(c);
	}
	return err;
}

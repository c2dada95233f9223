/*
 * The files that the TLS settings of a config name: certificates, keys, authorities. They are in a
 * bundle of their own, apart from the Lua files, and no Lua sees them. None of it is ever logged.
 */
#ifndef NEAP_CONF_SECRETS_H
#define NEAP_CONF_SECRETS_H

#include <stdio.h>

#include "conf/bundle.h"
#include "conf/conf_tls.h"
#include "crypto/certificate.h"

/* The name of the file that a self-signed certificate and its key are kept as (tls.self_signed). */
extern const char secrets_self_signed[];

/* One certificate of a service. Bytes live as long as the bundle, the rest until the call returns. */
struct secret_certificate {
	struct str chain, key, ocsp; /* key: n = 0: it is in the chain's file; ocsp: n = 0: none */
	const char *where;	     /* "tls.certificates[2]" */
	const char *chain_path;	     /* the file; "self-signed" for one of our own */
	const char *key_path;	     /* the file with the key, maybe the same */
	const char *chain_where;     /* key of the config and file, for errors, also below */
	const char *key_where, *ocsp_where;
	/* What whoever read it first wrote down (secrets_put_facts); NULL: nothing yet. */
	const struct certificate_facts *facts;
};

/* Whom each certificate is shown. An error ends it. */
struct secret_visitor {
	enum err (*on_certificate)(void *ctx, const struct secret_certificate *s, struct error *e);
	/* One cannot be read; NULL: that ends it. */
	enum err (*on_error)(void *ctx, struct error *e);
	void *ctx;
};

/*
 * Shows each certificate of a service: in the order of the config, those of a folder in the order of
 * their names, a self-signed one last.
 */
enum err secrets_each(struct bundle *b, const struct conf_tls *t, const struct secret_visitor *v,
		      struct error *e);

/*
 * Keeps what is known of the certificates of a service: a line for each, as secrets_write_facts writes
 * it, in the order in which secrets_each shows them. It shows them with it from then on.
 */
enum err secrets_put_facts(struct bundle *b, const struct conf_tls *t, struct str lines,
			   struct error *e);
void secrets_write_facts(FILE *to, const struct certificate *c);

/* Is this entry of the bundle a file that the config names? Others are neap's own. */
bool secrets_is_file(const char *path);

/* Is a private key in a PEM text? */
bool secrets_have_key(struct str pem);

/* One file that a key of the config names: authorities, lists of revoked certificates, ticket keys. */
enum err secrets_file(struct bundle *b, enum bundle_use use, const char *where, const char *key,
		      const char *path, struct str *bytes, struct error *e);

#endif

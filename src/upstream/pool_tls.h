/*
 * How backends of https:// and tls:// are spoken to: a TLS context for each pool of the config, made
 * when it is first needed from the pool's settings and the files that they name.
 */
#ifndef NEAP_UPSTREAM_POOL_TLS_H
#define NEAP_UPSTREAM_POOL_TLS_H

#include "conf/bundle.h"
#include "conf/conf.h"
#include "net/tls_context.h"

/* Zeroed: there are no pools. */
struct pool_tls {
	const struct conf *conf;
	struct bundle *secrets;	 /* read only */
	struct tls_context **of; /* by the pool's place in the config; NULL: not made yet */
};

/* Both outlive it. ERR_MEMORY. */
enum err pool_tls_init(struct pool_tls *t, const struct conf *conf, struct bundle *secrets,
		       struct error *e);
void pool_tls_fini(struct pool_tls *t); /* harmless on a zeroed one */

/* The context of a pool, for tls_dial. ERR_INVALID: its settings are wrong; the text says which. */
enum err pool_tls_context(struct pool_tls *t, unsigned pool, struct tls_context **c,
			  struct error *e);

/* The name that the pool's backends are known by: a backend's own, the pool's, its host. */
const char *pool_tls_name(const struct pool_tls *t, unsigned pool, const char *own,
			  const char *host);

/* The same by the pool's name. t: a struct pool_tls; name: the pool's server_name, or NULL. */
enum err pool_tls_find(void *t, struct str pool, struct tls_context **c, const char **name,
		       struct error *e);

/* Would the context of each pool be made that names files? The text is of the first that would not. */
enum err pool_tls_try(const struct conf *conf, struct bundle *secrets, struct error *e);

#endif

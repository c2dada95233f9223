/*
 * Certificates that come as texts again and again (from policies), each read once: the ones asked for
 * last are kept, by the digest of their texts.
 */
#ifndef NEAP_CRYPTO_CERTIFICATE_CACHE_H
#define NEAP_CRYPTO_CERTIFICATE_CACHE_H

#include "base/list.h"
#include "crypto/certificate.h"

enum { CERTIFICATE_CACHE_MAX = 1000, CERTIFICATE_CACHE_BUCKETS = 256 };

struct cached_certificate;

struct certificate_cache {
	struct list recent; /* the last used first */
	struct cached_certificate *buckets[CERTIFICATE_CACHE_BUCKETS];
	unsigned n;
};

void certificate_cache_init(struct certificate_cache *c);
void certificate_cache_fini(struct certificate_cache *c);

/*
 * The certificate of these texts: borrowed until the next call, unless it is kept. ERR_INVALID as
 * certificate_read; what cannot be read is read again the next time.
 */
enum err certificate_cache_get(struct certificate_cache *c, const struct certificate_text *text,
			       struct certificate **certificate, struct error *e);

#endif

#include "crypto/certificate_cache.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/sha256.h"

struct cached_certificate {
	struct list node;		  /* in recent */
	struct cached_certificate *after; /* in its bucket */
	struct certificate *certificate;
	uint8_t digest[SHA256_BYTES];
};

static void digest_of(const struct certificate_text *text, uint8_t digest[SHA256_BYTES])
{
	struct sha256 sum;
	sha256_init(&sum);
	sha256_add(&sum, &text->chain.n, sizeof(text->chain.n));
	sha256_add(&sum, text->chain.p, text->chain.n);
	sha256_add(&sum, text->key.p, text->key.n);
	sha256_end(&sum, digest);
}

static struct cached_certificate **bucket_of(struct certificate_cache *c,
					     const uint8_t digest[SHA256_BYTES])
{
	return &c->buckets[digest[0] % CERTIFICATE_CACHE_BUCKETS];
}

static struct cached_certificate *find(struct certificate_cache *c,
				       const uint8_t digest[SHA256_BYTES])
{
	struct cached_certificate *one = *bucket_of(c, digest);
	while (one != NULL && memcmp(one->digest, digest, SHA256_BYTES) != 0)
		one = one->after;
	return one;
}

static void drop(struct certificate_cache *c, struct cached_certificate *one)
{
	struct cached_certificate **at = bucket_of(c, one->digest);
	while (*at != one)
		at = &(*at)->after;
	*at = one->after;
	list_remove(&one->node);
	certificate_drop(one->certificate);
	free(one);
	c->n--;
}

static void drop_oldest(struct certificate_cache *c)
{
	drop(c, container_of(c->recent.prev, struct cached_certificate, node));
}

void certificate_cache_init(struct certificate_cache *c)
{
	*c = (struct certificate_cache){ .n = 0 };
	list_init(&c->recent);
}

void certificate_cache_fini(struct certificate_cache *c)
{
	while (c->n > 0)
		drop_oldest(c);
}

/* The reference to the certificate is the cache's from now on; NULL: no memory. */
static struct cached_certificate *add(struct certificate_cache *c, struct certificate *certificate,
				      const uint8_t digest[SHA256_BYTES])
{
	struct cached_certificate *one = malloc(sizeof(*one));
	if (one == NULL) {
		certificate_drop(certificate);
		return NULL;
	}
	if (c->n == CERTIFICATE_CACHE_MAX)
		drop_oldest(c);
	one->certificate = certificate;
	memcpy(one->digest, digest, SHA256_BYTES);
	one->after = *bucket_of(c, digest);
	*bucket_of(c, digest) = one;
	list_init(&one->node);
	c->n++;
	return one;
}

static enum err read_new(struct certificate_cache *c, const struct certificate_text *text,
			 const uint8_t digest[SHA256_BYTES], struct cached_certificate **one,
			 struct error *e)
{
	struct certificate *certificate;
	enum err err = certificate_read(&certificate, text, e);
	if (err != ERR_OK)
		return err;
	*one = add(c, certificate, digest);
	return *one != NULL ? ERR_OK : err_set(e, ERR_MEMORY, "no memory for a certificate");
}

enum err certificate_cache_get(struct certificate_cache *c, const struct certificate_text *text,
			       struct certificate **certificate, struct error *e)
{
	uint8_t digest[SHA256_BYTES];
	digest_of(text, digest);
	struct cached_certificate *one = find(c, digest);
	enum err err = one != NULL ? ERR_OK : read_new(c, text, digest, &one, e);
	if (err != ERR_OK)
		return err;
	list_remove(&one->node);
	list_prepend(&c->recent, &one->node);
	*certificate = one->certificate;
	return ERR_OK;
}

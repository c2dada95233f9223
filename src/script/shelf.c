#include "script/shelf.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

struct shelf_place {
	unsigned holders; /* the shelf, and each connection */
	uint8_t id[SHA256_BYTES];
	struct tls_sessions sessions;
};

static void let_go(struct shelf_place *p)
{
	if (p == NULL || --p->holders > 0)
		return;
	tls_sessions_drop(&p->sessions);
	free(p);
}

static void on_freed(void *ssl, void *place, CRYPTO_EX_DATA *all, int index, long n, void *ctx)
{
	(void)ssl, (void)all, (void)index, (void)n, (void)ctx;
	let_go(place);
}

static int holder_index(void)
{
	static int index = -1;
	if (index < 0)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_freed);
	return index;
}

static struct shelf_place *put_first(struct shelf *s, unsigned at, struct shelf_place *p)
{
	memmove(&s->places[1], &s->places[0], at * sizeof(s->places[0]));
	s->places[0] = p;
	return p;
}

static struct shelf_place *make(struct shelf *s, const uint8_t id[SHA256_BYTES])
{
	struct shelf_place *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	memcpy(p->id, id, SHA256_BYTES);
	p->holders = 1;
	if (s->n == SHELF_PLACES)
		let_go(s->places[--s->n]);
	return put_first(s, s->n++, p);
}

static struct shelf_place *find(struct shelf *s, const uint8_t id[SHA256_BYTES])
{
	for (unsigned i = 0; i < s->n; i++)
		if (memcmp(s->places[i]->id, id, SHA256_BYTES) == 0)
			return put_first(s, i, s->places[i]);
	return make(s, id);
}

SSL *shelf_open(struct shelf *s, const uint8_t id[SHA256_BYTES], struct tls_goal *goal)
{
	struct shelf_place *p = find(s, id);
	goal->sessions = p != NULL ? &p->sessions : NULL;
	SSL *ssl = tls_dial_open(goal);
	if (ssl == NULL || p == NULL)
		return ssl;
	if (SSL_set_ex_data(ssl, holder_index(), p) == 1) {
		p->holders++;
		return ssl;
	}
	SSL_free(ssl); /* nobody would hold what its sessions are put into */
	return NULL;
}

void shelf_fini(struct shelf *s)
{
	while (s->n > 0)
		let_go(s->places[--s->n]);
}

#include "net/client_tls.h"

#include <stdlib.h>

#include "net/ja4.h"

enum { TEXTS = 6 };

static void each_text(struct client_tls *t, struct str *texts[TEXTS])
{
	struct str *all[TEXTS] = { &t->sni,	&t->alpn,   &t->ja4,
				   &t->version, &t->cipher, &t->common_name };
	memcpy(texts, all, sizeof(all));
}

/* Moves a text to `to`; returns where the next one goes. */
static char *keep_text(struct str *text, char *to)
{
	if (text->p == NULL)
		return to;
	memcpy(to, text->p, text->n);
	text->p = to;
	return to + text->n;
}

struct client_tls *client_tls_copy(const struct client_tls *from)
{
	struct client_tls copy = *from;
	struct str *texts[TEXTS];
	size_t bytes = 0;
	each_text(&copy, texts);
	for (size_t i = 0; i < TEXTS; i++)
		bytes += texts[i]->n;
	struct client_tls *to = malloc(sizeof(*to) + bytes);
	if (to == NULL)
		return NULL;
	char *at = (char *)(to + 1);
	for (size_t i = 0; i < TEXTS; i++)
		at = keep_text(texts[i], at);
	*to = copy;
	return to;
}

struct client_tls *client_tls_of_hello(const struct client_hello *h, const char *p)
{
	char ja4[JA4_CHARS + 1];
	char *alpn = malloc(h->alpn.n + 1);
	if (alpn == NULL)
		return NULL;
	client_hello_copy(&h->alpn, p, alpn);
	(void)ja4_write(ja4, h, p); /* "": it has none */
	struct client_tls said = {
		.sni = str_of(h->sni),
		.alpn = { alpn, h->alpn.n },
		.ja4 = str_of(ja4),
	};
	struct client_tls *copy = client_tls_copy(&said);
	free(alpn);
	return copy;
}

#include "exchange/hello.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "net/tls_shake.h"
#include "net/tls_stream.h"

/* The hook's call, as long as it lasts. */
struct asking {
	struct neap_request view;
	SSL *ssl;
	struct hello *hello;
};

/* What is known of one handshake: while its hook waits, and after that, for it may be asked again. */
struct hello {
	struct asking *asking;		 /* NULL: it is over */
	struct certificate *certificate; /* NULL: the hook gave none */
};

/* ---- it hangs from OpenSSL's object ---- */

static void end_asking(struct hello *h)
{
	h->certificate = h->asking->view.certificate;
	free(h->asking);
	h->asking = NULL;
}

static void free_hello(void *ssl, void *data, CRYPTO_EX_DATA *all, int index, long n, void *ctx)
{
	struct hello *h = data;
	(void)ssl, (void)all, (void)index, (void)n, (void)ctx;
	if (h == NULL)
		return;
	if (h->asking != NULL) {
		hook_cancel(&h->asking->view);
		end_asking(h);
	}
	certificate_drop(h->certificate);
	free(h);
}

static int hello_index(void)
{
	static int index = -1;
	if (index < 0)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_hello);
	return index;
}

static struct hello *create_hello(SSL *ssl)
{
	struct hello *h = calloc(1, sizeof(*h));
	struct asking *asking = calloc(1, sizeof(*asking));
	if (h == NULL || asking == NULL || SSL_set_ex_data(ssl, hello_index(), h) != 1) {
		free(h);
		free(asking);
		return NULL;
	}
	h->asking = asking;
	asking->hello = h;
	asking->ssl = ssl;
	return h;
}

/* ---- asking ---- */

/* Before the deadline of the handshake, so that another certificate can still be shown in time. */
static int64_t deadline_of(const struct hello_place *place, const struct loop *l)
{
	uint32_t ms = place->handshake_ms;
	return ms == 0 ? 0 : loop_now_ms(l) + ms - ms / 10;
}

static void on_resumed(struct neap_request *r, uint32_t verdict)
{
	struct asking *asking = container_of(r, struct asking, view);
	SSL *ssl = asking->ssl;
	(void)verdict; /* what it gave is in the view */
	end_asking(asking->hello);
	tls_shake_resume(ssl);
}

static void fill(struct neap_request *r, const struct hello_place *place, SSL *ssl)
{
	struct stream *s = tls_shake_stream(ssl);
	struct peer client;
	hook_request_init(r);
	tls_stream_client(s, &client);
	memcpy(r->ip, client.ip, sizeof(r->ip));
	r->ip_family = client.family;
	r->port = client.port;
	r->service = place->service;
	r->connection = s;
	r->deadline_ms = deadline_of(place, s->loop);
	r->on_resumed = on_resumed;
}

/* NULL: no memory. */
static struct hello *ask_hook(const struct hello_place *place, SSL *ssl)
{
	struct hello *h = create_hello(ssl);
	if (h == NULL)
		return NULL;
	fill(&h->asking->view, place, ssl);
	if (hook_certificate(place->hooks, &h->asking->view) != NEAP_WAIT)
		end_asking(h);
	return h;
}

enum tls_sourced hello_certificate(void *ctx, SSL *ssl, struct str name,
				   struct certificate **certificate)
{
	const struct hello_place *place = ctx;
	struct hello *h = SSL_get_ex_data(ssl, hello_index());
	if (h == NULL)
		h = ask_hook(place, ssl);
	if (h != NULL && h->asking != NULL)
		return TLS_SOURCED_LATER;
	if (h != NULL && h->certificate != NULL) {
		*certificate = h->certificate;
		return TLS_SOURCED;
	}
	return place->next.ask != NULL ? place->next.ask(place->next.ctx, ssl, name, certificate)
				       : TLS_SOURCED_NONE;
}

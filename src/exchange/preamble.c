#include "exchange/preamble.h"

#include <openssl/x509_vfy.h>

#include "crypto/common_name.h"
#include "net/proxy_header.h"
#include "net/tls_stream.h"
#include "shm/row_backend.h"

/* What a client's own connection tells; its common name goes to TO. */
static void fill(struct client_tls *tls, const struct tls_facts *facts, char to[PROXY_TLV_TEXT_MAX])
{
	*tls = (struct client_tls){
		.is_ended = true,
		.has_certificate = facts->peer != NULL,
		.is_verified = facts->peer != NULL && facts->verify == X509_V_OK,
		.is_resumed = facts->is_resumed,
		.sni = facts->sni,
		.version = str_of(facts->version),
		.cipher = str_of(facts->cipher),
	};
	if (facts->peer != NULL)
		tls->common_name =
			(struct str){ to, common_name_write(to, PROXY_TLV_TEXT_MAX, facts->peer) };
}

/* facts: NULL: its connection is in the clear. */
static bool add(struct attempt *at, const struct peer *local, const struct tls_facts *facts)
{
	const struct request *rq = at->rq;
	char text[PROXY_HEADER_WRITE_MAX], name[PROXY_TLV_TEXT_MAX];
	char protocol[1 + PROXY_TLV_NAME_MAX];
	bool is_told = rq->backend->send_proxy == SEND_PROXY_V2_TLS;
	struct client_tls own;
	if (is_told && facts != NULL) {
		fill(&own, facts, name);
		own.alpn = proxy_tlv_entry(protocol, facts->alpn);
	}
	const struct client_tls *tls = facts != NULL ? &own : rq->view.outer_tls;
	unsigned version = is_told ? 2 : rq->backend->send_proxy;
	size_t n = proxy_header_write(text, version, rq->peer, local, is_told ? tls : NULL);
	return buf_append(&at->leg.out.rest, text, n);
}

bool preamble_add(struct attempt *at, const struct client *client)
{
	struct peer local;
	struct tls_facts facts;
	client->ops->local(client, &local);
	return add(at, &local, client->ops->tls(client, &facts) ? &facts : NULL);
}

bool preamble_add_of_stream(struct attempt *at, const struct stream *client)
{
	struct peer local;
	struct tls_facts facts;
	stream_local(client, &local);
	return add(at, &local, tls_stream_facts(client, &facts) ? &facts : NULL);
}

bool preamble_begin(struct attempt *at, const struct client *client)
{
	const struct backend *b = at->rq->backend;
	return likely(b->send_proxy == SEND_PROXY_NONE) || b->is_tls || preamble_add(at, client);
}

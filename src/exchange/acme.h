/*
 * Certificates that the agent gets from a CA, and answers to the CA's challenges, as a worker has
 * them: a copy of what is on the board (shm/board_acme.h), taken anew when the board has another
 * version. A worker has one of these if a service of it has tls.acme.
 */
#ifndef NEAP_EXCHANGE_ACME_H
#define NEAP_EXCHANGE_ACME_H

#include "conf/conf.h"
#include "net/tls_context.h"

struct acme;
struct board;

/* What belongs to one service. All is borrowed. */
struct acme_place {
	struct acme *acme;
	const struct conf_service *conf;
	uint32_t service; /* its number in the config */
};

enum err acme_create(struct acme **a, const struct board *board, struct error *e);
void acme_destroy(struct acme *a); /* NULL is harmless */

/*
 * What http-01 has to be answered with for a request's path (RFC 8555 §8.3); p = NULL: it is none of
 * ours. Valid until the next call of this header.
 */
struct str acme_answer(const struct acme_place *place, struct str path);

/*
 * Of tls_source.ask; ctx is a struct acme_place. Names that the service gets certificates for are
 * refused until there is one. Of other names the configured certificates are asked, if there are any.
 */
enum tls_sourced acme_certificate(void *ctx, SSL *ssl, struct str name,
				  struct certificate **certificate);

/* The same for the certificate of tls-alpn-01 (RFC 8737 §3). */
enum tls_sourced acme_challenge(void *ctx, SSL *ssl, struct str name,
				struct certificate **certificate);

#endif

/*
 * The TLS side of a service, as its settings and the files that they name make it.
 */
#ifndef NEAP_EXCHANGE_SERVICE_TLS_H
#define NEAP_EXCHANGE_SERVICE_TLS_H

#include "conf/bundle.h"
#include "conf/conf.h"
#include "net/tls_context.h"

struct board;

struct service_tls_origin {
	const struct conf_service *conf;
	struct bundle *secrets; /* read only; outlives the context */
	struct board *board;	/* has the keys of tickets; outlives the context. NULL: a trial */
	enum tls_hellos hellos;
	struct tls_source source, challenge; /* ask NULL: none */
};

/*
 * Makes the context of a service, the caller's to free; NULL when its config has no tls.
 * ERR_INVALID: the text names the key of the config, and the file where there is one.
 */
enum err service_tls_create(struct tls_context **c, const struct service_tls_origin *from,
			    struct error *e);

/*
 * Would each service's be made? The text is of the first that would not. What is of no use to clients
 * is a warning in the log; config: the file, for these.
 */
enum err service_tls_try(const struct conf *conf, struct bundle *secrets, const char *config,
			 struct error *e);

#endif

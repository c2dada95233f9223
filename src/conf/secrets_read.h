/*
 * The first process to load a generation reads all files that the TLS settings of its config name;
 * workers have the same bytes from there (conf/secrets.h).
 */
#ifndef NEAP_CONF_SECRETS_READ_H
#define NEAP_CONF_SECRETS_READ_H

#include "conf/bundle.h"
#include "conf/conf.h"

/* What whoever looks after certificates wants to know of one that a service shows. */
struct secret_fact {
	unsigned service;  /* its number in the config */
	const char *path;  /* of its file */
	const char *name;  /* the first host that it is for; "": none */
	int64_t not_after; /* seconds since 1970 */
};

struct secret_facts {
	void (*tell)(void *ctx, const struct secret_fact *fact);
	void *ctx;
};

/*
 * Reads them into the bundle, which is filling, and checks what certificates and keys are. One line
 * an error, as "FILE: tls.certificates[2].key: certs/a.key: cannot be opened: …"; what is worth a
 * word only, such as an expired certificate, goes to the log.
 */
enum err secrets_read(struct bundle *b, const struct conf *c, const char *config,
		      const struct secret_facts *facts, struct error *e);

#endif

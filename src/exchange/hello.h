/*
 * Asks a service's policy (its hook `certificate`) which certificate a client gets. The hook may wait:
 * so long its handshake waits, and no other.
 */
#ifndef NEAP_EXCHANGE_HELLO_H
#define NEAP_EXCHANGE_HELLO_H

#include "net/tls_choice.h"
#include "script/hook.h"

/* What belongs to one service. All is borrowed. */
struct hello_place {
	struct hooks *hooks;
	uint32_t service;	/* its number in the config */
	uint32_t handshake_ms;	/* timeouts.handshake; 0: none */
	struct tls_source next; /* asked when the hook gives none; ask NULL: none */
};

/* Of tls_source.ask; ctx is a struct hello_place. */
enum tls_sourced hello_certificate(void *ctx, SSL *ssl, struct str name,
				   struct certificate **certificate);

#endif

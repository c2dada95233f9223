/*
 * A client connection of a tcp service: all of it is one tunnel (exchange/tunnel.h), after what the
 * service is to know before it begins.
 */
#ifndef NEAP_PROXY_TCP_FRONT_H
#define NEAP_PROXY_TCP_FRONT_H

#include "exchange/tunnel.h"
#include "proxy/front.h"

enum tcp_front_state {
	TCP_PREFACE, /* a PROXY header is to come */
	TCP_SHAKES,  /* the TLS handshake is under way */
	TCP_HELLO,   /* a ClientHello is to come, where the service sniffs */
	TCP_TUNNEL,
};

struct tcp_front {
	struct front front;
	const struct conf_listen *listen; /* where it came in */
	struct buf in;			  /* what came before the tunnel stands */
	struct tunnel *tunnel;		  /* only in TCP_TUNNEL */
	struct client_hello_progress hello;
	uint8_t state; /* enum tcp_front_state */
};

/* Takes over an accepted connection. */
void tcp_front_open(struct tcp_front *f, struct service *s, const struct conf_listen *listen,
		    int fd, const struct peer *peer);

#endif

/*
 * What the TLS connections of a process share: memory, and the handshakes that are under way. Those
 * are counted, and the oldest ones go first when there are too many: a client that only begins a
 * handshake costs nothing of the places of others. A turn of the loop has time for few of them.
 */
#ifndef NEAP_NET_TLS_WORKER_H
#define NEAP_NET_TLS_WORKER_H

#include "base/slab.h"
#include "net/loop.h"
#include "net/tls_io.h"

struct tls_worker {
	struct tls_shared *shared;
	struct slab conns;	/* struct tls_conn */
	struct list accepting;	/* handshakes with clients, oldest first */
	struct list fresh;	/* open, and soon to be without OpenSSL's object, oldest first */
	struct list leaving;	/* closed by their owners; close_notify has not gone out */
	ev_timer leaving_timer; /* for the oldest of them */
	ev_timer fresh_timer;	/* looks at them */
	uint32_t accepting_n, accepting_max;
	uint32_t light_n;     /* connections without OpenSSL's object */
	uint32_t most;	      /* the most of them at a time, since memory was given back */
	ev_timer trim_timer;  /* until it is, after a flood */
	unsigned turn, steps; /* handshakes in this turn of the loop */
};

/*
 * That of this loop; made when it is asked for first. NULL: no memory. conn_bytes: of a struct
 * tls_conn.
 */
struct tls_worker *tls_worker_of(struct loop *l, size_t conn_bytes);

/* How many TLS connections of this loop do without OpenSSL's object (net/tls_detach.h). */
static inline uint32_t tls_worker_light(const struct loop *l)
{
	return l->tls != NULL ? l->tls->light_n : 0;
}

/* A handshake with a client begins and ends. */
void tls_worker_add(struct tls_worker *w, struct list *node);
void tls_worker_remove(struct tls_worker *w, const struct loop *l, struct list *node);

/* May a handshake go on now, in this turn of the loop? It is counted. Otherwise: loop_yield. */
bool tls_worker_may_step(struct tls_worker *w, const struct loop *l);

#endif

/*
 * A client connection, whatever it speaks, and all of those that a worker has open. What comes on one
 * is the business of a row of functions for each protocol (h1_front.h, tcp_front.h).
 */
#ifndef NEAP_PROXY_FRONT_H
#define NEAP_PROXY_FRONT_H

#include "base/buf.h"
#include "crypto/tls_reason.h"
#include "exchange/plane.h"
#include "exchange/service.h"
#include "net/stream_open.h"
#include "proxy/h2_memory.h"
#include "proxy/outer_tls.h"

enum { FRONT_HEAD_ROOM = 16 * 1024 }; /* after header_bytes: small bodies come in with the head */

enum { FRONT_FAILING = 64 };

/* All client connections of a worker, over its data plane. */
struct fronts {
	struct plane plane;

	struct list open; /* fronts */
	uint32_t n, max;
	void (*on_drained)(void *ctx); /* the last one has closed while the plane drains */
	void *drained_ctx;

	/* Memory: connections and requests of HTTP/1, heads; connections and tunnels of tcp. */
	struct slab h1_fronts, h1_clients, heads;
	struct slab tcp_fronts, tunnels;
	struct slab h2_fronts;
	struct h2_memory h2;
	struct outer_tls outer_tls;

	struct timer_lane *doze; /* so long an idle connection of HTTP/2 keeps all of its memory */
	struct timer_lane *linger; /* a client that may still be there is waited for so long */
	struct log_limit crowded, sniffing, abused;
	struct log_limit failing[FRONT_FAILING]; /* handshakes, by a hash of the words */
};

/* While the plane drains: are no connections left, and no copies of requests? Then says so. */
void fronts_look(struct fronts *all);

struct front;

struct front_ops {
	/* Is a request under way, or does one wait for its turn? */
	bool (*is_busy)(const struct front *f);
	/* The plane drains (its phase says how): the client is told, where its protocol can; an idle
	 * connection gets a moment for a request that is on its way. */
	void (*drain)(struct front *f);
	/* Ends the connection and all that hangs from it. */
	void (*close)(struct front *f, const char *reason);
};

struct front {
	struct stream stream;
	const struct front_ops *ops;
	struct service *service;
	struct list node; /* in fronts.open */
	struct timer timer;
	struct peer peer;   /* the other end, or what a PROXY header said */
	uint32_t outer_tls; /* its number in fronts.outer_tls; 0: nothing is known */
};

static inline struct fronts *front_all(const struct front *f)
{
	return container_of(f->service->plane, struct fronts, plane);
}

/* What others than its stream say of the client's TLS; NULL: nothing. Lives as long as f. */
static inline const struct client_tls *front_outer_tls(const struct front *f)
{
	return likely(f->outer_tls == 0) ? NULL
					 : outer_tls_of(&front_all(f)->outer_tls, f->outer_tls);
}

/* Takes over `tls` (of malloc) as that, instead of what was there. false: NULL, or no memory. */
bool front_keep_outer_tls(struct front *f, struct client_tls *tls);

/* Did the client come by TLS? */
bool front_is_secure(const struct front *f);

static inline struct plane *front_plane(const struct front *f)
{
	return f->service->plane;
}

/* What a front of a protocol is told. */
struct front_start {
	const struct front_ops *ops;
	struct stream_owner stream;
	void (*on_due)(struct timer *t); /* front.timer */
};

/* Sets up everything but the stream. It is counted; what comes first has the time of a head. */
void front_init(struct front *f, struct service *s, const struct peer *peer,
		const struct front_start *start);

/*
 * Takes over the accepted socket. start->stream.on_open is called, at once where nothing is to be
 * done. listen: where it came in. Where that is TLS and no PROXY header comes first, the stream is
 * open after the handshake, which has timeouts.handshake from now on; else in the clear.
 */
void front_open(struct front *f, int fd, const struct conf_listen *listen,
		const struct front_start *start);

/*
 * After the PROXY header: the handshake begins, with what was read already. on_open is called again,
 * at once when memory is short.
 */
void front_secure(struct front *f, struct str first, const struct front_start *start);

/* Does the handshake come first, or only after a PROXY header? */
static inline bool front_begins_with_tls(const struct conf_listen *listen)
{
	return listen->is_tls && !listen->proxy_protocol;
}

/*
 * `to` takes over the open connection of `from`, with all that is known of its client. What is left of
 * `from` is memory.
 */
void front_move(struct front *to, struct front *from, const struct front_start *start);

/* Closes the connection and gives its memory back to that slab. */
void front_free(struct front *f, struct slab *slab);

/* What a PROXY header at the start of `in` says. */
enum front_preface { PREFACE_MORE, PREFACE_TAKEN, PREFACE_BAD };
enum front_preface front_take_preface(struct front *f, struct buf *in, const char **reason);

#endif

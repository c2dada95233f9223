/*
 * Datagrams: read and sent in batches (recvmmsg, sendmmsg), several of a size in one piece where the
 * kernel does that (UDP_GRO, UDP_SEGMENT), and what ICMP says of those that were sent. In a worker, on
 * its loop.
 */
#ifndef NEAP_NET_UDP_H
#define NEAP_NET_UDP_H

#include "base/str.h"
#include "net/udp_addr.h"

enum {
	UDP_BATCH = 32,
	UDP_ROOM = 65536, /* for the longest datagram */
	UDP_HEAD_MAX = 64,
};

/* What came, or is to go. Several datagrams of one sender if `segment` is not 0: each of so many
 * bytes, the last of them perhaps shorter. */
struct datagram {
	char *bytes;
	size_t n;
	uint16_t segment;
	struct udp_addr peer;	    /* the other end */
	struct udp_local local;	    /* where it came to; family 0: not known */
	const struct udp_addr *via; /* who sent it in the peer's name; NULL: the peer */
	struct str head; /* what goes out before it, UDP_HEAD_MAX at most; no segments then */
};

/* How many it is. */
static inline uint32_t datagram_count(const struct datagram *d)
{
	return d->segment == 0 ? 1 : (uint32_t)((d->n + d->segment - 1) / d->segment);
}

/* Each of them, one by one: that which begins at *at, which moves on. false: there is no more. */
static inline bool datagram_split(const struct datagram *d, size_t *at, struct datagram *one)
{
	size_t step = d->segment != 0 ? d->segment : d->n;
	if (*at > d->n || (*at == d->n && d->n > 0))
		return false;
	*one = *d;
	one->bytes = d->bytes + *at;
	one->n = d->n - *at < step ? d->n - *at : step;
	one->segment = 0;
	*at += one->n > 0 ? one->n : 1;
	return true;
}

/* Memory for datagrams that are read; its owner may fill it piece by piece. */
struct udp_batch;
struct udp_batch *udp_batch_create(void); /* NULL: no memory */
void udp_batch_destroy(struct udp_batch *b);

/*
 * Reads up to `most` datagrams into the places from `first` on; together at most UDP_BATCH. How many
 * came; 0: none now, or an error that udp_read_trouble may tell of.
 */
unsigned udp_read(struct udp_batch *b, int fd, unsigned first, unsigned most);

/* The datagram at that place, until it is read into again. */
void udp_batch_at(const struct udp_batch *b, unsigned at, struct datagram *d);

/* Datagrams that are to go out, gathered; they live in memory of others until they are flushed. */
struct udp_outbox;

/* n datagrams of that length that the system did not take. whose: what was said when one was added. */
typedef void (*udp_on_loss)(const void *whose, int sys, uint32_t n, size_t bytes);

struct udp_outbox *udp_outbox_create(udp_on_loss on_loss); /* NULL: no memory */
void udp_outbox_destroy(struct udp_outbox *o);

/*
 * One more, to d->peer, from d->local if that is known. Flushes by itself when there is no room, or
 * when what is there goes through another socket. `whose` outlives it, and what goes before it is copied.
 */
void udp_outbox_add(struct udp_outbox *o, int fd, const struct datagram *d, const void *whose);
void udp_outbox_flush(struct udp_outbox *o);

/* A socket for datagrams to many backends, with a port that the kernel chose. -1 with errno. */
int udp_open(int family);

/*
 * What ICMP says of a datagram that was sent there through this socket: *sys is its errno (as
 * ECONNREFUSED), *to where it was to go. false: there is no more.
 */
bool udp_read_trouble(int fd, struct udp_addr *to, int *sys);

#endif

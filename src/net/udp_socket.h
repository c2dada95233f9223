/*
 * A socket of datagrams on the loop of a worker: tells when it is readable, and learns how many are
 * worth reading at once.
 */
#ifndef NEAP_NET_UDP_SOCKET_H
#define NEAP_NET_UDP_SOCKET_H

#include "base/err.h"
#include "net/loop.h"
#include "net/udp.h"

struct udp_socket {
	struct loop *loop;
	ev_io reader;
	int fd;
	uint16_t batch; /* how many are read at once next time */
	/* Datagrams wait there, or what ICMP says of some. */
	void (*on_readable)(struct udp_socket *s);
};

/* Takes over a descriptor. It reads nothing before udp_socket_start. */
void udp_socket_init(struct udp_socket *s, struct loop *loop, int fd,
		     void (*on_readable)(struct udp_socket *s));

/* For datagrams to many backends, with a port that the kernel chose. 0, or an errno. */
int udp_socket_open(struct udp_socket *s, struct loop *loop, int family,
		    void (*on_readable)(struct udp_socket *s));

/* It may send from addresses that are not this machine's. 0, or an errno. */
int udp_socket_veil(const struct udp_socket *s, int family);

/* May this process do that? The error says what it needs. */
enum err udp_socket_may_veil(struct error *e);

/* With a descriptor of its own of that socket. 0, or an errno. */
int udp_socket_share(struct udp_socket *s, struct loop *loop, int fd,
		     void (*on_readable)(struct udp_socket *s));

/* is_late: others of the same turn come first. */
void udp_socket_start(struct udp_socket *s, bool is_late);
void udp_socket_stop(struct udp_socket *s);
void udp_socket_close(struct udp_socket *s);

/*
 * Reads some into the places from `first` on, at most `room`. How many came. *more: there are probably
 * more.
 */
unsigned udp_socket_read(struct udp_socket *s, struct udp_batch *b, unsigned first, unsigned room,
			 bool *more);

/* As udp_read_trouble. */
bool udp_socket_trouble(const struct udp_socket *s, struct udp_addr *to, int *sys);

/* As udp_outbox_add. */
void udp_socket_send(const struct udp_socket *s, struct udp_outbox *o, const struct datagram *d,
		     const void *whose);

/* Its own address. false: not known. */
bool udp_socket_name(const struct udp_socket *s, struct udp_addr *to);

/* Its descriptor, for another process. */
int udp_socket_number(const struct udp_socket *s);

#endif

/*
 * Accepts connections on a listening socket. The master makes and keeps the sockets (net/bind.h); a
 * worker accepts on those of its slot.
 */
#ifndef NEAP_NET_LISTENER_H
#define NEAP_NET_LISTENER_H

#include "base/log.h"
#include "net/loop.h"
#include "net/sock.h"

/*
 * Accepts on fd while started: up to 64 connections per wake-up, one if there is little to do. When
 * descriptors or memory are short it pauses for 100 ms instead of spinning, and says so in the log
 * once per second.
 */
struct listener {
	struct loop *loop;
	int fd;
	ev_io reader;
	ev_timer pause;
	unsigned turn, in_row; /* the last turn with connections; how many in a row had some */
	unsigned patience;     /* after so many in a row it looks whether there are more */
	void *owner;
	/*
	 * Takes over fd. peer is the client's address (for unix: family only). May stop the
	 * listener, not close it. TCP_NODELAY is set already: a connection inherits it from its
	 * listening socket.
	 */
	void (*on_accept)(struct listener *self, int fd, const struct peer *peer);
	/* May another connection be accepted now? false stops the batch; call listener_start when
	 * there is room again. NULL: always. */
	bool (*may_accept)(struct listener *self);
	/* Descriptors or memory are short: close what can be spared. NULL: nothing can. */
	void (*on_shortage)(struct listener *self);
	struct log_limit shortage;
};

/* The caller sets the callbacks afterwards. fd is the listener's from now on. */
void listener_init(struct listener *l, struct loop *loop, int fd);
void listener_start(struct listener *l); /* harmless when it runs or pauses */
void listener_stop(struct listener *l);	 /* does not close fd */

/*
 * Stops it and closes this process's descriptor of the socket; other processes may have theirs.
 * Harmless when it is closed.
 */
void listener_close(struct listener *l);

/* Accepts what waits in the queue now, before the socket is closed. */
void listener_sweep(struct listener *l);

#endif

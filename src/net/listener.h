/*
 * Listening sockets. The master binds them (listener_bind) and keeps them; a worker accepts on the
 * ones of its slot (struct listener).
 */
#ifndef NEAP_NET_LISTENER_H
#define NEAP_NET_LISTENER_H

#include "base/log.h"
#include "net/loop.h"
#include "net/sock.h"

/*
 * Binds and listens `count` sockets to *a, one a worker slot, with SO_REUSEPORT (unix: one socket,
 * dup'ed count times; a stale socket file that nobody listens on is replaced, a live one is an
 * error; mode 0666 & ~umask). A port that another process listens on is an error although the
 * kernel would share it: it is bound once without the option first. Port 0 is replaced in *a by the
 * one the kernel chose, the same for all sockets. defer_accept: TCP_DEFER_ACCEPT (HTTP: the client
 * speaks first). IPv6 any-address is dual stack.
 */
enum err listener_bind(struct addr *a, unsigned count, bool defer_accept, int *fds,
		       struct error *e);

/*
 * The same beside sockets of ours on that port, for an address that overlaps theirs (":80" and
 * "127.0.0.1:80").
 */
enum err listener_bind_beside(struct addr *a, unsigned count, bool defer_accept, int *fds,
			      struct error *e);

/*
 * One more socket for an address that listener_bind made: bound, but deaf until listener_listen, so
 * that nobody waits in the queue of one that is closed again. unix, or is_shared: `of` is dup'ed.
 */
enum err listener_join(const struct addr *a, bool is_shared, int of, int *fd, struct error *e);
enum err listener_listen(const struct addr *a, int fd, struct error *e);

/* For a socket that goes on listening. */
void listener_defer_accept(const struct addr *a, int fd, bool defer_accept);

/*
 * Accepts on fd while started: up to 64 connections a wake-up, one if there is little to do. On lack
 * of descriptors or memory it pauses 100 ms instead of spinning, and says so in the log once a
 * second.
 */
struct listener {
	struct loop *loop;
	int fd;
	ev_io reader;
	ev_timer pause;
	unsigned turn, in_row; /* the last turn with connections, and how many in a row had some */
	unsigned patience;     /* after so many in a row it is asked whether there are more */
	void *owner;
	/*
	 * Takes over fd. peer is the client's address (for unix: family only). May stop the
	 * listener, not end it. TCP_NODELAY is set already: a connection has it from its listening
	 * socket.
	 */
	void (*on_accept)(struct listener *self, int fd, const struct peer *peer);
	/* May another connection be accepted now? false stops the batch; call listener_start when
	 * there is room again. NULL: always. */
	bool (*may_accept)(struct listener *self);
	/* Descriptors or memory are short: what can be spared may be closed. NULL: nothing can. */
	void (*on_shortage)(struct listener *self);
	struct log_limit shortage;
};

void listener_init(struct listener *l, struct loop *loop, int fd);
void listener_start(struct listener *l); /* harmless when it runs or pauses */
void listener_stop(struct listener *l);	 /* does not close fd */

/* Accepts what waits in the queue now, before the socket is closed. */
void listener_sweep(struct listener *l);

#endif

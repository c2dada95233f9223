/*
 * Makes listening sockets. The master makes and keeps them; others accept on them (net/listener.h).
 * An error says what to do about it.
 */
#ifndef NEAP_NET_BIND_H
#define NEAP_NET_BIND_H

#include <stdbool.h>

#include "net/addr.h"

/* How many may wait in the queue of a socket; the kernel lowers it to net.core.somaxconn. */
enum { BIND_BACKLOG = 4096 };

/*
 * Binds and listens `count` sockets to *a, one per worker slot, with SO_REUSEPORT. A unix
 * address gets one socket, dup'ed count times, with mode 0666 & ~umask; a stale file that nobody
 * listens on is replaced, a live one is an error. A port that another process listens on is an
 * error although the kernel would share it: the first socket is bound without the option. Port 0 is
 * replaced in *a by the port that the kernel chose, the same for all sockets. defer_accept:
 * TCP_DEFER_ACCEPT (HTTP: the client speaks first). The IPv6 any-address is dual stack. On failure
 * there is nothing to close.
 */
enum err bind_open(struct addr *a, unsigned count, bool defer_accept, int *fds, struct error *e);

/*
 * The same for an address that overlaps another one of ours (":80" and "127.0.0.1:80"), whose
 * sockets have the port already. The kernel gives a connection to the most specific address, and
 * IPv4 to a socket of IPv4. The sockets are bound, but listen only after bind_listen.
 */
enum err bind_open_beside(struct addr *a, unsigned count, bool defer_accept, int *fds,
			  struct error *e);

/*
 * One more socket for an address of bind_open. It is bound, but listens only after bind_listen, so
 * that no client waits in the queue of a socket that is closed again. For a unix socket, or when
 * is_shared, the new one is a dup of `of`, which is one of those that are there.
 */
enum err bind_join(const struct addr *a, bool is_shared, int of, int *fd, struct error *e);

/* A socket of bind_open_beside or bind_join listens from now on. */
enum err bind_listen(const struct addr *a, int fd, struct error *e);

/* Sets or clears TCP_DEFER_ACCEPT on a socket that goes on listening. */
void bind_set_defer_accept(const struct addr *a, int fd, bool defer_accept);

/* Says why that address cannot be had (an errno), and what to do about it. */
enum err bind_refuse(const struct addr *a, int sys, struct error *e);

#endif

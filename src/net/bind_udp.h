/*
 * Makes the sockets on which datagrams of clients come in: a group of SO_REUSEPORT, one for each worker
 * slot, so that a client's datagrams always come to the same one. The master makes and keeps them, as
 * those of net/bind.h; workers read them (net/udp.h).
 */
#ifndef NEAP_NET_BIND_UDP_H
#define NEAP_NET_BIND_UDP_H

#include "net/addr.h"

/*
 * Binds `count` sockets to *a. A port that another process has is an error although the kernel would
 * share it: the first one is bound without the option. is_beside: sockets of ours have the port, for
 * another address that overlaps this one. Port 0 is replaced in *a by the one that the kernel chose.
 * On failure there is nothing to close.
 */
enum err bind_udp_open(struct addr *a, unsigned count, bool is_beside, int *fds, struct error *e);

/*
 * One more socket for that address, which gets its share of the clients only after bind_udp_start: a
 * socket in the group gets datagrams at once, whether somebody reads them or not.
 */
enum err bind_udp_join(const struct addr *a, int *fd, struct error *e);
enum err bind_udp_start(const struct addr *a, int fd, struct error *e);

/* One that somebody else has bound gets the options that it needs. */
void bind_udp_adopt(const struct addr *a, int fd);

/* Is it a socket of datagrams? */
bool bind_udp_is_one(int fd);

#endif

/*
 * Every socket option and errno class in one place. All sockets are non-blocking and close-on-exec.
 */
#ifndef NEAP_NET_SOCK_H
#define NEAP_NET_SOCK_H

#include "net/addr.h"

/* Starts a connection (TCP_NODELAY for TCP). Returns the fd with errno = 0 (connected) or
 * EINPROGRESS; -1 with errno. */
int sock_connect_start(const struct addr *a);

/*
 * Right after sock_connect_start said EINPROGRESS: 0 when the connection stands by now, EINPROGRESS
 * when it does not, else its errno. On loopback the kernel has made (or refused) it before
 * connect(2) returns, whatever that says; to ask saves a watcher and a turn of the loop.
 */
int sock_connect_again(int fd, const struct addr *a);

/* After writability: 0 when the connection stands, else its errno. */
int sock_connect_result(int fd);

void sock_set_nodelay(int fd);

/* Makes the next close() send a reset instead of a clean end: the peer must see a truncation. */
void sock_set_reset(int fd);

/* Is there something to read, bytes or the end (or an error)? One system call. */
bool sock_has_input(int fd);

/* The address on our side; family AF_UNSPEC when it is unknown. */
void sock_local(int fd, struct peer *p);

/* How much the kernel has not sent or the peer not acknowledged (SIOCOUTQ); -1 when unknown. */
int sock_unsent(int fd);

/* errno classes: temporary lack of descriptors or memory in accept4/socket; a peer that is gone. */
bool sock_err_is_shortage(int sys);
bool sock_err_is_gone(int sys);

/* A short stable word or sentence for logs: "connection refused", "connection reset by peer",
 * "timed out", … */
const char *sock_err_text(int sys);

#endif

/*
 * Every socket option and errno class in one place. All sockets are non-blocking and close-on-exec.
 */
#ifndef NEAP_NET_SOCK_H
#define NEAP_NET_SOCK_H

#include "net/addr.h"

/*
 * Starts a connection (TCP_NODELAY for TCP). Returns the fd with errno = 0 (connected) or
 * EINPROGRESS; -1 with errno: EADDRNOTAVAIL only when no port of our own is left, EAGAIN when the
 * queue of a unix socket is full.
 */
int sock_connect_start(const struct addr *a);

/*
 * Right after sock_connect_start said EINPROGRESS: 0 when the connection stands by now, EINPROGRESS
 * when it does not, else its errno. On loopback the kernel has made (or refused) it before
 * connect(2) returns, whatever that says. To ask again saves a watcher and a turn of the loop.
 */
int sock_connect_again(int fd, const struct addr *a);

/* After writability: 0 when the connection is made, else its errno. */
int sock_connect_result(int fd);

/* Small writes leave at once. Harmless on unix sockets. */
void sock_set_nodelay(int fd);

/*
 * Has the kernel probe a peer that was silent for silent_ms, three times within as long again. When
 * no probe is answered the peer is gone (ETIMEDOUT). 0: no probes. Connections inherit it from
 * their listening socket. Harmless on unix sockets.
 */
void sock_set_keepalive(int fd, uint32_t silent_ms);

/* Makes the next close() send a reset instead of a clean end: the peer must see a truncation. */
void sock_set_reset(int fd);

/* Closes a connection that is turned away: by a reset, so that the peer sees a break, … */
void sock_close_with_reset(int fd);

/*
 * … or after these words. What the peer has sent is read once, into scratch memory, so that closing
 * does not reset the words away.
 */
void sock_close_with_words(int fd, struct str words, char *scratch, size_t scratch_bytes);

/* Is there something to read: bytes or the end? One system call. */
bool sock_has_input(int fd);

/*
 * Has the peer sent its end, or a reset, whatever bytes still wait before it? One system call.
 */
bool sock_has_ended(int fd);

/* The address on our side, and the other's; family AF_UNSPEC when it is unknown. */
void sock_local(int fd, struct peer *p);
void sock_peer(int fd, struct peer *p);

/* Classes of errno: descriptors or memory are short for a while; a peer is gone. */
bool sock_err_is_shortage(int sys);
bool sock_err_is_gone(int sys);

/* A short stable word or sentence for logs: "connection refused", "connection reset by peer",
 * "timed out", … */
const char *sock_err_text(int sys);

#endif

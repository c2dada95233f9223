/*
 * What connections of the load generator and of the backend run over: TCP, or TLS on top of it.
 * Sockets are not blocking.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct wire {
	int fd;
	SSL *ssl;	 /* NULL: no TLS */
	bool wants_read; /* the last write waits for the peer: the handshake is not over */
};

/* How clients begin. */
enum wire_client { WIRE_PLAIN, WIRE_TLS, WIRE_TLS_RESUMED /* where there is a session left */ };

/* Once, before the first wire. They end the program when they fail. pem: certificate and key. */
void wire_be_client(enum wire_client how);
void wire_be_server(const char *pem);

/* Takes over a connected socket, as the side that was set up. false: no memory. */
bool wire_open(struct wire *w, int fd);
void wire_close(struct wire *w);

/* As recv and send with MSG_DONTWAIT: a count, 0 at the end, -1 with errno (EAGAIN: later). */
ssize_t wire_receive(struct wire *w, void *to, size_t n);
ssize_t wire_send(struct wire *w, const void *p, size_t n, int flags);

/* Bytes are here that no poll announces. */
bool wire_has_more(const struct wire *w);

#endif

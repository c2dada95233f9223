/*
 * Kernel pipes that move bytes between two sockets without copying them through user memory
 * (splice(2)). Taken from a pool, given back empty; one process, one loop.
 */
#ifndef NEAP_NET_PIPE_H
#define NEAP_NET_PIPE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/list.h"

/*
 * Linux lets a user without rights have 64 MiB of pipes over all of its processes. A pipe of 1 MiB
 * saves a quarter of the CPU that a large body takes; one of 256 KiB is still much better than
 * none.
 */
enum {
	PIPE_BYTES_LARGE = 1024 * 1024, /* what the first ones ask of the kernel */
	PIPE_LARGE_MAX = 16,
	PIPE_BYTES = 256 * 1024,    /* for the others, or when that is refused */
	PIPE_BYTES_MIN = 64 * 1024, /* a smaller one costs more than copying */
	PIPE_IDLE_MAX = 32,	    /* kept for reuse: two descriptors each */
	PIPE_REST = 64, /* so often no pipe is tried after one was refused or too small */
};

struct pipe {
	struct list node; /* in the pool while idle */
	int read_fd, write_fd;
	size_t room; /* bytes that it takes */
	size_t held; /* bytes inside */
};

struct pipe_pool {
	struct list idle;
	unsigned idle_n;
	unsigned large_n; /* in use or idle */
	unsigned rest;
};

void pipe_pool_init(struct pipe_pool *pool);
void pipe_pool_fini(
	struct pipe_pool *pool); /* closes the idle ones; lent ones are put back first */

/* An empty pipe; NULL when the system has none to give (then copy instead). */
struct pipe *pipe_take(struct pipe_pool *pool);

/* Whatever is still inside is lost with it. NULL is harmless. */
void pipe_put(struct pipe_pool *pool, struct pipe *p);

/*
 * Up to max bytes from the socket into the pipe: a count, 0 at its end, -1 with errno (EAGAIN: no
 * bytes, or the pipe is full).
 */
ssize_t pipe_fill(struct pipe *p, int fd, size_t max);

/* As much of what is inside as the socket takes: a count, -1 with errno. */
ssize_t pipe_drain(struct pipe *p, int fd);

#endif

/*
 * Kernel pipes that move bytes between two plain streams without copying them through user memory
 * (splice(2)). Taken from a pool, given back empty; one process, one loop.
 */
#ifndef NEAP_NET_PIPE_H
#define NEAP_NET_PIPE_H

#include "net/stream.h"

enum {
	PIPE_BYTES = 256 * 1024, /* asked of the kernel; it may give less */
	PIPE_IDLE_MAX = 32,	 /* kept for reuse: two descriptors each */
};

struct pipe {
	struct list node; /* in the pool while idle */
	int read_fd, write_fd;
	size_t held; /* bytes inside */
};

struct pipe_pool {
	struct list idle;
	unsigned idle_n;
};

void pipe_pool_init(struct pipe_pool *pool);
void pipe_pool_fini(struct pipe_pool *pool);

/* An empty pipe; NULL when the system has none to give (then copy instead). */
struct pipe *pipe_take(struct pipe_pool *pool);

/* Whatever is still inside is lost with it. NULL is harmless. */
void pipe_put(struct pipe_pool *pool, struct pipe *p);

/*
 * Up to max bytes from the stream into the pipe: a count, IO_EOF, IO_AGAIN (no bytes, or the pipe
 * is full) or IO_ERROR.
 */
ssize_t pipe_fill(struct pipe *p, struct stream *from, size_t max);

/* As much of what is inside as the stream takes: a count, IO_AGAIN or IO_ERROR. */
ssize_t pipe_drain(struct pipe *p, struct stream *to);

#endif

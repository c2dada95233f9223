/*
 * Kernel pipes that move bytes between two plain streams without copying them through user memory
 * (splice(2)). Taken from a pool, given back empty; one process, one loop.
 */
#ifndef NEAP_NET_PIPE_H
#define NEAP_NET_PIPE_H

#include "net/stream.h"

/*
 * Linux lets a user without rights have 64 MiB of pipes over all of its processes; a pipe of 1 MiB
 * takes a quarter of the CPU off a large body, but one of 256 KiB is still much better than none.
 */
enum {
	PIPE_BYTES_LARGE = 1024 * 1024, /* asked of the kernel for the first ones */
	PIPE_LARGE_MAX = 16,
	PIPE_BYTES = 256 * 1024,    /* for the others, or when that is refused */
	PIPE_BYTES_MIN = 64 * 1024, /* smaller ones are dearer than copying */
	PIPE_IDLE_MAX = 32,	    /* kept for reuse: two descriptors each */
	PIPE_REST = 64, /* how often none is asked for after one was refused or too small */
};

struct pipe {
	struct list node; /* in the pool while idle */
	int read_fd, write_fd;
	size_t room; /* bytes it takes */
	size_t held; /* of them inside */
};

struct pipe_pool {
	struct list idle;
	unsigned idle_n;
	unsigned large_n; /* in use or idle */
	unsigned rest;
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

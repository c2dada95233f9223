/*
 * A byte stream over a connected socket: the interface behind which plain TCP, unix sockets and TLS
 * are the same. The owner embeds a struct stream; it gets one callback with what happened and does
 * the I/O itself. Watchers are left armed and only stopped for back-pressure, for each start or
 * stop after a wait costs a system call.
 */
#ifndef NEAP_NET_STREAM_H
#define NEAP_NET_STREAM_H

#include <sys/types.h>
#include <sys/uio.h>

#include "net/loop.h"
#include "net/sock.h"

/* Results of reading and writing besides a count > 0. */
enum { IO_EOF = 0, IO_AGAIN = -1, IO_ERROR = -2 };

/* What a callback says happened; bits. */
enum { STREAM_READABLE = 1, STREAM_WRITABLE = 2 };

struct stream;

struct stream_ops {
	ssize_t (*read)(struct stream *s, void *to, size_t n);
	ssize_t (*writev)(struct stream *s, const struct iovec *iov, int count);
	void (*shutdown_write)(struct stream *s);
	void (*close)(struct stream *s);
};

struct stream {
	const struct stream_ops *ops;
	struct loop *loop;
	int fd;		 /* -1: closed */
	int sys;	 /* errno of the last IO_ERROR */
	uint8_t watched; /* what the watcher runs for: bits of STREAM_… */
	uint32_t news; /* place among what happened in this turn and is still to be told; 0: none */
	bool is_last;  /* the end follows the next write at once: both may go in one segment */
	ev_io watcher;
	void (*on_ready)(struct stream *s, int events);
};

/* A plain stream over fd, which it owns from now on. No watcher runs yet. */
void stream_open(struct stream *s, struct loop *loop, int fd,
		 void (*on_ready)(struct stream *s, int events));

/* A stream without a connection: fd -1, all calls harmless. */
void stream_init(struct stream *s, struct loop *loop);

static inline bool stream_is_open(const struct stream *s)
{
	return s->fd >= 0;
}

/* One read(2). A count, IO_EOF, IO_AGAIN or IO_ERROR. */
static inline ssize_t stream_read(struct stream *s, void *to, size_t n)
{
	return s->ops->read(s, to, n);
}

/* One sendmsg(2) with MSG_NOSIGNAL. A count (may be short), IO_AGAIN or IO_ERROR. */
static inline ssize_t stream_writev(struct stream *s, const struct iovec *iov, int count)
{
	return s->ops->writev(s, iov, count);
}

/* May the bytes be moved by the kernel alone (net/pipe)? Not those that TLS has to change. */
bool stream_is_plain(const struct stream *s);

/* Starting what runs and stopping what does not is free. */
void stream_watch_read(struct stream *s, bool on);
void stream_watch_write(struct stream *s, bool on);

static inline bool stream_watches_read(const struct stream *s)
{
	return (s->watched & STREAM_READABLE) != 0;
}

static inline bool stream_watches_write(const struct stream *s)
{
	return (s->watched & STREAM_WRITABLE) != 0;
}

/* Something was seen on it in this turn of the loop, and its callback is still to come. */
static inline bool stream_is_pending(const struct stream *s)
{
	return s->news != 0;
}

void stream_shutdown_write(struct stream *s);
void stream_close(struct stream *s); /* stops the watchers; harmless when closed */
void stream_reset(struct stream *s); /* closes with a TCP reset */

/* Moves an open stream to another struct (watchers included), leaving *from closed without closing
 * the fd. */
void stream_move(struct stream *to, struct stream *from);

#endif

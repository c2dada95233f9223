/*
 * A byte stream: the interface behind which plain TCP, unix sockets and TLS are the same. Each kind
 * is a row of functions (struct stream_ops); net/stream_open.h opens one. The owner embeds a struct
 * stream; it gets one callback with what happened and does the I/O itself. What it watches for
 * stays watched and is told in each turn of the loop in which it holds; watching is only stopped
 * for back-pressure, for each start or stop after a wait costs a system call.
 */
#ifndef NEAP_NET_STREAM_H
#define NEAP_NET_STREAM_H

#include <sys/types.h>
#include <sys/uio.h>

#include "net/addr.h"
#include "net/loop.h"
#include "net/pipe.h"

/* Results of reading and writing besides a count > 0. */
enum { IO_EOF = 0, IO_AGAIN = -1, IO_ERROR = -2 };

/* What a callback says happened; bits. */
enum { STREAM_READABLE = 1, STREAM_WRITABLE = 2 };

/* How to write; bits. */
enum { STREAM_MORE = 1 /* more bytes, or the end, follow at once: both may go in one segment */ };

/* Where the cause of an IO_ERROR lies. */
enum stream_failure_kind {
	STREAM_FAILURE_SYSTEM,	 /* the errno says it */
	STREAM_FAILURE_TLS,	 /* the words say it; sys is EPROTO, also of those below */
	STREAM_FAILURE_PROTOCOL, /* the peer does not keep to the protocol above the stream */
	STREAM_FAILURE_RESET,	 /* the peer ended what was under way */
};

struct stream_failure {
	enum stream_failure_kind kind;
	int sys;	   /* errno */
	const char *words; /* for logs; lives as long as the stream is open */
};

struct stream;

/*
 * One kind of stream. A function learns from its argument where the stream lives now: the owner may
 * have moved it since the call before. close and reset end the row's part; the rest is done for it.
 */
struct stream_ops {
	ssize_t (*read)(struct stream *s, void *to, size_t n);
	ssize_t (*writev)(struct stream *s, const struct iovec *iov, int count, int flags);
	void (*shutdown_write)(struct stream *s);
	void (*close)(struct stream *s);
	void (*reset)(struct stream *s);
	/*
	 * Called when the bits are others than before. The row puts them into s->watched, and from
	 * now on has what they name told in each turn in which it holds.
	 */
	void (*watch)(struct stream *s, uint8_t bits);
	bool (*has_input)(const struct stream *s);
	bool (*has_ended)(const struct stream *s);
	/* NULL: the kernel cannot move the bytes alone. */
	ssize_t (*fill_pipe)(struct stream *s, struct pipe *p, size_t max);
	ssize_t (*drain_pipe)(struct stream *s, struct pipe *p);
	struct stream_failure (*failure)(const struct stream *s);
	void (*local)(const struct stream *s, struct peer *p);
	void (*peer)(const struct stream *s, struct peer *p);
	void (*probe_silence)(struct stream *s, uint32_t silent_ms);
	bool is_secure; /* its bytes are encrypted on their way */
};

/* What the owner of a stream is told; constant. */
struct stream_owner {
	void (*on_ready)(struct stream *s, int events);
	/*
	 * An opening that was STREAM_OPENING is over; false: stream_failure says why. May close
	 * and free the stream.
	 */
	void (*on_open)(struct stream *s, bool is_open);
};

enum stream_opened {
	STREAM_OPEN,	/* on_open is not called */
	STREAM_OPENING, /* on_open will be called; until then only cancel and close it */
	STREAM_FAILED,	/* stream_failure says why; the stream is closed */
};

/* Owners read loop and may set on_ready; the rest is for rows. */
struct stream {
	const struct stream_ops *ops;
	struct loop *loop;
	int fd;	       /* of rows over a socket; else -1 */
	int sys;       /* errno of the last failure of the system */
	uint32_t news; /* place among what happened in this turn and is still to be told; 0: none */
	uint8_t watched; /* bits of STREAM_… that the owner is told */
	ev_io watcher;	 /* of rows over a socket; its data: the row's own, in any case */
	void (*on_ready)(struct stream *s, int events);
};

/* ---- for owners ---- */

/* The row of streams without a connection. */
extern const struct stream_ops stream_closed;

/* A stream without a connection: all calls are harmless; reading and writing fail. */
void stream_init(struct stream *s, struct loop *loop);

static inline bool stream_is_secure(const struct stream *s)
{
	return s->ops->is_secure;
}

static inline bool stream_is_open(const struct stream *s)
{
	return s->ops != &stream_closed;
}

/* One read. A count, IO_EOF, IO_AGAIN or IO_ERROR. */
static inline ssize_t stream_read(struct stream *s, void *to, size_t n)
{
	return s->ops->read(s, to, n);
}

/* One write; flags: 0 or STREAM_MORE. A count (may be short), IO_AGAIN or IO_ERROR. */
static inline ssize_t stream_writev(struct stream *s, const struct iovec *iov, int count, int flags)
{
	return s->ops->writev(s, iov, count, flags);
}

/* Why reading, writing or opening failed last. */
static inline struct stream_failure stream_failure(const struct stream *s)
{
	return s->ops->failure(s);
}

/*
 * Is there something to read: bytes or the end? It asks anew, with one system call at most: what
 * came since the turn began is told in the next turn only.
 */
static inline bool stream_has_input(const struct stream *s)
{
	return s->ops->has_input(s);
}

/* Has the peer sent its end, or a reset, whatever bytes still wait before it? As above. */
static inline bool stream_has_ended(const struct stream *s)
{
	return s->ops->has_ended(s);
}

/* Can the kernel alone move its bytes into a pipe, or out of one? Not those that TLS has to change. */
static inline bool stream_can_fill(const struct stream *s)
{
	return s->ops->fill_pipe != NULL;
}

static inline bool stream_can_drain(const struct stream *s)
{
	return s->ops->drain_pipe != NULL;
}

/* Can bytes be moved from one to the other by the kernel alone? */
static inline bool stream_can_splice(const struct stream *from, const struct stream *to)
{
	return stream_can_fill(from) && stream_can_drain(to);
}

/*
 * Up to max bytes from the stream into the pipe: a count, IO_EOF, IO_AGAIN (no bytes, or the pipe
 * is full) or IO_ERROR. Only where stream_can_splice says so.
 */
static inline ssize_t stream_fill_pipe(struct stream *s, struct pipe *p, size_t max)
{
	return s->ops->fill_pipe(s, p, max);
}

/* As much of what is inside as the stream takes: a count, IO_AGAIN or IO_ERROR. */
static inline ssize_t stream_drain_pipe(struct stream *s, struct pipe *p)
{
	return s->ops->drain_pipe(s, p);
}

/*
 * What the owner is told from now on: bits. Starting what runs and stopping what does not is free.
 */
static inline void stream_watch(struct stream *s, uint8_t bits)
{
	if (bits != s->watched)
		s->ops->watch(s, bits);
}

static inline void stream_watch_read(struct stream *s, bool on)
{
	stream_watch(s,
		     (uint8_t)(on ? s->watched | STREAM_READABLE : s->watched & ~STREAM_READABLE));
}

static inline void stream_watch_write(struct stream *s, bool on)
{
	stream_watch(s,
		     (uint8_t)(on ? s->watched | STREAM_WRITABLE : s->watched & ~STREAM_WRITABLE));
}

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

/* The address on our side, and the other's; family AF_UNSPEC when it is unknown. */
static inline void stream_local(const struct stream *s, struct peer *p)
{
	s->ops->local(s, p);
}

static inline void stream_peer(const struct stream *s, struct peer *p)
{
	s->ops->peer(s, p);
}

/* Has the kernel probe a peer that is silent for so long, see sock_set_keepalive; 0: not. */
static inline void stream_probe_silence(struct stream *s, uint32_t silent_ms)
{
	s->ops->probe_silence(s, silent_ms);
}

/* Nothing more is written: the peer reads an end after what it has not read yet. */
static inline void stream_shutdown_write(struct stream *s)
{
	s->ops->shutdown_write(s);
}

void stream_close(struct stream *s); /* stops watching; harmless when closed */
void stream_reset(struct stream *s); /* closes so that the peer sees a break, with a TCP reset */

/* Moves an open stream to another struct, still watched as before; *from is closed afterwards. */
void stream_move(struct stream *to, struct stream *from);

/* ---- for rows ---- */

/* Fills all members for a row whose functions are ops; nothing is watched yet. */
void stream_set_row(struct stream *s, struct loop *loop, const struct stream_ops *ops,
		    void (*on_ready)(struct stream *s, int events));

/* Ends the watch over a stream that becomes one of another row; its descriptor stays open. */
void stream_leave(struct stream *s);

/* An IO_ERROR of the system, noted. */
static inline ssize_t stream_fail(struct stream *s, int sys)
{
	s->sys = sys;
	return IO_ERROR;
}

/* The failure op of rows that fail by errno alone. */
struct stream_failure stream_system_failure(const struct stream *s);

/* Tells the owner what it watches for; given to loop_news_add by stream_note alone. */
void stream_tell(void *stream, int events);

/*
 * This happened: the owner is told in this turn, in its order. To be called by watchers of
 * LOOP_FIRST and by what loop_next runs; a row that holds bytes which no poll announces uses the
 * latter. When memory is short nothing is told (stream_is_pending is false); then the row notes it
 * again in the next turn, as polling does by itself.
 */
static inline void stream_note(struct stream *s, int events)
{
	if (unlikely(s->news != 0))
		loop_news_extend(s->loop, s->news, events);
	else
		s->news = loop_news_add(s->loop, s, stream_tell, events);
}

#endif

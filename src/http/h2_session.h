/*
 * One connection of HTTP/2, from either side (RFC 9113). nghttp2 has frames, HPACK, windows and the
 * order in which streams send; what fields mean is h2_fields.h's business, what streams are is the
 * owner's. No I/O: bytes that came are given in, bytes to be sent are gathered into the owner's memory.
 *
 * What happens is told by a row of functions. They are called from within h2_session_receive and
 * h2_session_gather: they note what is told, and may call h2_session_* functions but for these two and
 * h2_session_close. Nothing that may end a stream's owner or the connection happens in them.
 *
 * One worker, one loop.
 */
#ifndef NEAP_HTTP_H2_SESSION_H
#define NEAP_HTTP_H2_SESSION_H

#include "base/err.h"
#include "http/h2_abuse.h"
#include "http/h2_arena.h"
#include "http/h2_code.h"
#include "http/h2_lines.h"
#include "http/h2_watch.h"

enum h2_side { H2_SERVER, H2_CLIENT };

/* What all sessions of a worker share. */
struct h2_shared {
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	struct slab arenas;
	/* For heads on their way out (h2_lines.h): used within one call. */
	nghttp2_nv *lines;
	size_t lines_max;
};

/* lines_max: fields of the largest head that is sent. ERR_MEMORY. */
enum err h2_shared_init(struct h2_shared *shared, size_t lines_max);
void h2_shared_fini(struct h2_shared *shared); /* harmless on one that is all zero */

/* What we allow the other side. */
struct h2_setup {
	uint32_t streams;	    /* of the peer's, at a time; of a server */
	uint32_t stream_window;	    /* bytes of a body that a stream may send before we take some */
	uint32_t connection_window; /* the same for all streams together */
	uint32_t header_bytes;	    /* of a head, as RFC 9113 §6.5.2 counts; advice only */
	bool has_connect;	    /* RFC 8441: extended CONNECT is offered */
};

/* How the body that we send goes on. */
enum h2_more {
	H2_MORE,	  /* more follows; with 0 bytes: nothing now, until h2_session_resume */
	H2_LAST,	  /* that is its end */
	H2_THEN_TRAILERS, /* the same, and h2_session_trailers was called */
};

struct h2_session;

struct h2_events {
	/* A server: a stream begins, and its head follows. What is returned is given to all calls about
	 * it. NULL: it is refused, as one that neap did not look at (REFUSED_STREAM). */
	void *(*on_stream)(struct h2_session *s, int32_t id);
	/* A block of fields: a request, an answer or trailers. */
	void (*on_block)(struct h2_session *s, void *stream);
	void (*on_field)(struct h2_session *s, void *stream, struct str name, struct str value);
	void (*on_block_end)(struct h2_session *s, void *stream, bool is_last);
	/* Part of a body, which counts against the stream's window until h2_session_took; that of the
	 * connection is open again already. */
	void (*on_data)(struct h2_session *s, void *stream, const char *p, size_t n);
	void (*on_end)(struct h2_session *s, void *stream); /* END_STREAM with DATA */
	/* It is over: both sides ended, or one reset it (code), or it will not be served (GOAWAY:
	 * H2_REFUSED_STREAM). The last that is told of it, and its id is not to be used again. */
	void (*on_close)(struct h2_session *s, void *stream, uint32_t code);
	/* How many bytes of the body that we send are here, at most max? They are taken by on_take,
	 * soon: not always at once. */
	size_t (*on_ask)(struct h2_session *s, void *stream, size_t max, enum h2_more *more);
	void (*on_take)(struct h2_session *s, void *stream, char *to, size_t n);
	/* The other side's GOAWAY, SETTINGS, and its answer to our PING. */
	void (*on_goaway)(struct h2_session *s, int32_t last_id, uint32_t code);
	void (*on_settings)(struct h2_session *s);
	void (*on_pong)(struct h2_session *s);
};

struct h2_session {
	nghttp2_session *ng; /* NULL: closed */
	const struct h2_events *events;
	struct h2_shared *shared;
	struct h2_arena arena;
	struct h2_abuse abuse;
	struct h2_watch watch;	       /* of a server */
	uint32_t streams, streams_max; /* of the peer's, and how many there may be; of a server */
	uint8_t fault;	 /* enum h2_code: the error that ends the connection; 0: none so far */
	bool has_begun;	 /* our SETTINGS were given out */
	size_t queued;	 /* by nghttp2, before SETTINGS came */
	void *stream;	 /* whose block of fields is being read; NULL: nobody's */
	struct str rest; /* of a frame that did not fit into what was gathered last */
	char *to;	 /* of h2_session_gather */
	size_t room, n;
	uint32_t block_fields, block_bytes; /* of the block that is being read, decoded */
	bool is_server, is_in_block;
	bool is_failed; /* nothing that comes is read any more */
};

/* Its settings are the first that is gathered. ERR_MEMORY: *s is closed. */
enum err h2_session_open(struct h2_session *s, struct h2_shared *shared, enum h2_side side,
			 const struct h2_setup *setup, const struct h2_events *events);

/* Forgets everything, streams too: nothing is told of them. Harmless on a closed one. */
void h2_session_close(struct h2_session *s);

/*
 * Nothing is under way and nothing waits to be gathered: its memory may be given back to the system until
 * h2_session_wake. Nothing but these and h2_session_close may be called meanwhile.
 */
static inline void h2_session_sleep(struct h2_session *s)
{
	h2_arena_sleep(&s->arena);
}

/* Harmless on one that is awake. */
static inline void h2_session_wake(struct h2_session *s)
{
	if (unlikely(s->arena.image != NULL))
		h2_arena_wake(&s->arena);
}

enum h2_received {
	H2_GOES_ON,
	H2_ABUSED, /* abuse.found says how; GOAWAY is to be gathered */
	H2_BROKEN, /* the peer does not speak HTTP/2, or memory is short; GOAWAY may be gathered */
};

/*
 * n bytes came, at this time. A connection error of the peer (RFC 9113 §5.4.1) is H2_GOES_ON, too:
 * then h2_session_is_over, once its GOAWAY was gathered.
 */
enum h2_received h2_session_receive(struct h2_session *s, const char *p, size_t n, int64_t now_ms);

enum { H2_GATHER_MIN = 17 * 1024 }; /* room that is always enough for the next frame */

/* What is to be sent next, at most room bytes (room ≥ H2_GATHER_MIN). How many; 0: nothing. */
size_t h2_session_gather(struct h2_session *s, char *to, size_t room);

/* Is there something to be sent, as far as windows allow? */
bool h2_session_has_output(const struct h2_session *s);

/* Nothing more is to be read or sent: the connection may be closed. */
bool h2_session_is_over(const struct h2_session *s);

/* The frames of a block of fields have begun, and are not all here. */
static inline bool h2_session_is_in_block(const struct h2_session *s)
{
	return s->is_in_block;
}

/* A server: no frame has begun that is not all here. */
static inline bool h2_session_is_between(const struct h2_session *s)
{
	return h2_watch_is_between(&s->watch) && !s->is_in_block;
}

/* ---- heads and bodies, out ---- */

/*
 * A client: begins a stream. has_body: on_ask is asked for it. Its id, or 0: there are no ids left,
 * the peer takes no more, or memory is short. The fields are copied, here and below. More streams
 * than the peer allows at a time wait inside, so the owner counts them.
 */
int32_t h2_session_request(struct h2_session *s, const struct h2_lines *l, bool has_body,
			   void *stream);

/* A client: how many streams the peer allows at a time; 0: it takes no more at all. */
uint32_t h2_session_streams_max(const struct h2_session *s);

/* A server. false: memory is short, or the stream is gone. */
bool h2_session_answer(struct h2_session *s, int32_t id, const struct h2_lines *l, bool has_body);
bool h2_session_interim(struct h2_session *s, int32_t id, const struct h2_lines *l);

/* From on_ask, when the body has come to its end. */
bool h2_session_trailers(struct h2_session *s, int32_t id, const struct h2_lines *l);

/* on_ask had nothing: now it may have. */
void h2_session_resume(struct h2_session *s, int32_t id);

/* RST_STREAM; what was not gathered of the stream is dropped. on_close follows when it is gathered. */
void h2_session_reset(struct h2_session *s, int32_t id, enum h2_code code);

/* Nothing more is told of the stream: its owner's part is over. */
void h2_session_forget(struct h2_session *s, int32_t id);

/* RFC 9218, of a server: 0 comes first. */
void h2_session_prioritize(struct h2_session *s, int32_t id, unsigned urgency, bool is_incremental);

/* The same as the fields of the block that comes: lines of the shared memory. */
static inline struct h2_lines h2_session_lines(const struct h2_session *s)
{
	struct h2_lines l;
	h2_lines_init(&l, s->shared->lines, s->shared->lines_max);
	return l;
}

/* ---- windows ---- */

/* n bytes of a stream's body, which on_data told, have gone on. */
void h2_session_took(struct h2_session *s, int32_t id, size_t n);

/* The window that a stream has when all it sent was taken, from now on: never less than before. */
static inline void h2_session_grow(struct h2_session *s, int32_t id, uint32_t window)
{
	(void)nghttp2_session_set_local_window_size(s->ng, NGHTTP2_FLAG_NONE, id, (int32_t)window);
}

/* Bytes that may be sent on a stream now, by its window and the connection's. */
size_t h2_session_may_send(const struct h2_session *s, int32_t id);

/* The same of a stream on which nothing was sent, as far as the peer's SETTINGS say. */
static inline size_t h2_session_may_begin(const struct h2_session *s)
{
	uint32_t stream =
		nghttp2_session_get_remote_settings(s->ng, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE);
	int32_t all = nghttp2_session_get_remote_window_size(s->ng);
	uint32_t both = all > 0 ? (uint32_t)all : 0;
	return stream < both ? stream : both;
}

/* ---- the connection ---- */

static inline void h2_session_ping(struct h2_session *s)
{
	(void)nghttp2_submit_ping(s->ng, NGHTTP2_FLAG_NONE, NULL);
}

/* GOAWAY that turns no stream away yet (RFC 9113 §6.8): the first of two. */
void h2_session_announce_end(struct h2_session *s);

/* GOAWAY: no more streams than came so far. It is over when these are. */
void h2_session_end(struct h2_session *s);

/* GOAWAY with an error: everything is over when that is gathered. */
void h2_session_break(struct h2_session *s, enum h2_code code);

#endif

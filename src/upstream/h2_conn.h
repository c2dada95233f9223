/*
 * A connection to a backend that speaks HTTP/2 (RFC 9113): many streams on it at a time. It reads and
 * writes, and tells what came of it; who dials it and who may begin a stream on it is its owner's
 * business (h2_pool.h), what a stream means is that of the events (h2_leg.h).
 *
 * Bytes are read into memory that all connections of a worker share, and what is to be sent in a turn
 * of the loop goes out in one write at its end: an idle connection holds no buffer.
 */
#ifndef NEAP_UPSTREAM_H2_CONN_H
#define NEAP_UPSTREAM_H2_CONN_H

#include "base/buf.h"
#include "http/h2_session.h"
#include "shm/row_backend.h"
#include "upstream/uconn.h"

struct h2_conn;

enum h2_conn_state {
	H2_CONN_DIALS,
	H2_CONN_GREETS, /* it stands; the backend's first SETTINGS are awaited */
	H2_CONN_OPEN,	/* streams may begin */
	H2_CONN_LEAVES, /* none may begin: GOAWAY, or it has served enough */
	H2_CONN_GONE,	/* it failed or ended: `why` says how */
};

/* A stream as its connection knows it, part of what the events are told of. */
struct h2_stream {
	struct h2_conn *conn;
	struct list node;    /* in conn->streams, while the session knows it */
	struct list told;    /* in conn->told, while events wait to be told */
	int32_t id;	     /* 0: not begun, or over */
	uint8_t events;	     /* bits of STREAM_… */
	uint64_t starts_at;  /* bytes of the connection before its first one, at least */
	int64_t heard_at_us; /* when the connection was heard of last, as it began */
	/* Something can be done: bits of STREAM_…. May end the stream. */
	void (*on_ready)(struct h2_stream *s, int events);
};

/* What its owner is told. All but on_unused only note it: streams may be on the stack. */
struct h2_conn_owner {
	void (*on_open)(struct h2_conn *c);  /* H2_CONN_OPEN */
	void (*on_room)(struct h2_conn *c);  /* a stream ended, or the backend allows more */
	void (*on_leave)(struct h2_conn *c); /* H2_CONN_LEAVES or H2_CONN_GONE, once each */
	void (*on_pong)(struct h2_conn *c);
	void (*on_unused)(struct h2_conn *c); /* nobody uses it: it may be freed */
};

/* What all connections of a worker share. */
struct h2_worker {
	struct loop *loop;
	struct h2_shared shared;
	struct slab conns, calls; /* calls: h2_leg's, who also makes it ready */
	struct slab blocks;	  /* of bytes that are to be sent */
	char *input;		  /* H2_INPUT_BYTES */
	struct h2_setup setup;
};

enum {
	H2_INPUT_BYTES = 64 * 1024,
	H2_BLOCK_BYTES = 32 * 1024,
	H2_FIRST_WINDOW =
		32 * 1024, /* of a stream: bytes of an answer that its client has not taken */
};

struct h2_conn {
	struct uconn *uconn; /* its stream's on_ready is ours */
	struct h2_worker *worker;
	const struct h2_conn_owner *owner;
	void *pool;		   /* the owner's */
	struct board_cell *counts; /* where connections and streams are counted */
	struct list node;	   /* the owner's */
	struct h2_session session;
	struct list streams; /* those that the session knows */
	struct list told;
	struct buf out; /* gathered, not written yet */
	struct deferred later;
	struct stream_failure why;
	uint64_t gathered, written; /* bytes */
	int64_t heard_us;	    /* when it was heard of last */
	uint32_t streams_n;	    /* in streams */
	uint32_t users;		    /* that joined and did not part */
	uint32_t window_max;	    /* of a stream, when it has grown */
	uint8_t state;		    /* enum h2_conn_state */
	bool is_counted;	    /* as one that stands */
	bool is_busy;		    /* its functions are on the stack: freed later */
	bool is_probed;		    /* a PING waits for its answer */
	bool is_cursed;		    /* GOAWAY with an error came */
};

/* Makes *w ready. ERR_MEMORY. */
enum err h2_worker_init(struct h2_worker *w, struct loop *loop, uint32_t max_connections,
			struct error *e);
void h2_worker_fini(struct h2_worker *w); /* harmless on one that is all zero */

/* A connection that is not dialled yet; NULL: no memory. */
struct h2_conn *h2_conn_create(struct h2_worker *w, const struct h2_conn_owner *owner,
			       struct board_cell *counts);

/* It stands: the session begins on u, which is its own from now on. false: no memory; it is gone. */
bool h2_conn_start(struct h2_conn *c, struct uconn *u, const struct h2_events *events);

/*
 * It is over. Streams learn of it by their events. words: a constant. Harmless when it is gone.
 */
void h2_conn_fail(struct h2_conn *c, struct stream_failure why);

/* No more streams; it ends, politely, when those that it has are over. */
void h2_conn_leave(struct h2_conn *c);

/* Closes and frees it, once nobody uses it. */
void h2_conn_free(struct h2_conn *c);

/* A PING goes out; on_pong comes with its answer. */
void h2_conn_probe(struct h2_conn *c);

/* How many streams may begin on it now. */
uint32_t h2_conn_room(const struct h2_conn *c);

/* ---- for streams ---- */

/*
 * s uses c until h2_conn_part. After that the session may still know it (id > 0): its memory is given
 * back when on_close has told that it does not.
 */
void h2_conn_join(struct h2_conn *c, struct h2_stream *s);
void h2_conn_part(struct h2_stream *s);

/* The request begins. false: the connection takes none. */
bool h2_conn_begin(struct h2_stream *s, const struct h2_lines *l, bool has_body);

/* From on_close: the session has forgotten it. */
void h2_conn_ended(struct h2_stream *s);

/* on_ready is called soon, from the loop or at the end of what is on the stack. */
void h2_conn_tell(struct h2_stream *s, int events);

/* Gathers what is to be sent, as far as there is room; it is written at the end of the turn. */
void h2_conn_gather(struct h2_conn *c);

/* Something is to be sent. */
void h2_conn_send_later(struct h2_conn *c);

/* For the events' on_settings, on_goaway and on_pong. */
void h2_conn_on_settings(struct h2_conn *c);
void h2_conn_on_goaway(struct h2_conn *c, uint32_t code);
void h2_conn_on_pong(struct h2_conn *c);

static inline bool h2_conn_is_gone(const struct h2_conn *c)
{
	return c->state == H2_CONN_GONE;
}

/* Has the backend got nothing of it, as far as we know? */
static inline bool h2_stream_is_unsent(const struct h2_stream *s)
{
	return s->conn->written <= s->starts_at;
}

#endif

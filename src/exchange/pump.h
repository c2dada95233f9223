/*
 * Bytes both ways between two connections, unread, until both sides ended: after 101, and all of a
 * connection of a tcp service. With back-pressure; the end of one side is passed on after its last
 * byte while the other goes on, a reset as a reset. Volumes go through a pipe, past user memory.
 */
#ifndef NEAP_EXCHANGE_PUMP_H
#define NEAP_EXCHANGE_PUMP_H

#include "exchange/request.h"
#include "net/outbox.h"

enum source_state {
	SOURCE_FLOWS,
	SOURCE_ENDED, /* by an end, or a reset */
};

enum sink_state {
	SINK_TAKES,
	SINK_TOLD, /* that nothing more comes */
	SINK_RESET, /* takes no more: what is for it is dropped, the other side is not read any more */
};

/* One way. */
struct pump_way {
	struct stream *from, *to;
	struct outbox *first; /* goes out before buf */
	struct buf buf;
	struct pipe *pipe; /* NULL: none */
	uint64_t bytes;	   /* written */
	uint8_t source;	   /* enum source_state */
	uint8_t sink;	   /* enum sink_state */
	uint64_t told_at;  /* so many bytes of the other way had come when the sink was told */
};

struct pump {
	struct request *rq;
	struct pump_way up, down; /* to the backend, to the client */
	bool is_cut; /* it is over, but the backend's end is not vouched for: the client gets a reset */
};

enum pump_outcome {
	PUMP_GOES_ON,
	PUMP_OVER,   /* both sides ended well */
	PUMP_BROKEN, /* one side was reset: so is the other to be */
};

/*
 * Sets up what flows: from the client (bytes may be put into up.buf, and up.source may end, before it
 * begins) and to it.
 */
void pump_init(struct pump *p, struct request *rq, struct stream *client, struct outbox *to_client);

/* The backend's connection stands. What is here goes along. */
enum pump_outcome pump_begin(struct pump *p, struct stream *backend, struct outbox *to_backend);

/* Bits of STREAM_…. */
enum pump_outcome pump_client(struct pump *p, int events);
enum pump_outcome pump_backend(struct pump *p, int events);

/*
 * The client is readable before there is a backend: its bytes and its end are kept, as many as a
 * buffer holds. false: it is gone.
 */
bool pump_hold(struct pump *p);

/* It has been open for a while: silence is probed from now on. */
void pump_probe_silence(struct pump *p);

/* Its deadline is over: in words, for the access log. */
const char *pump_silent_words(const struct pump *p);

/* Which side was reset first; for the access log. */
const char *pump_broken_words(const struct pump *p);

/* Gives back what it holds. The connections are their owners'. */
void pump_fini(struct pump *p);

#endif

/*
 * The data of the data plane: what a worker's proxy, its services and each exchange hold. Only
 * structs: who changes them is in the files named after their parts (front, exchange, attempt,
 * relay, tunnel, reply, rewrite, access).
 */
#ifndef NEAP_PROXY_STATE_H
#define NEAP_PROXY_STATE_H

#include "base/buf.h"
#include "base/lines.h"
#include "base/log.h"
#include "conf/conf.h"
#include "http/h1_body.h"
#include "http/h1_head.h"
#include "net/pipe.h"
#include "script/hook.h"
#include "upstream/upstream.h"

enum {
	PROXY_BLOCK_BYTES = 64 * 1024, /* bodies on their way, each direction */
	PROXY_HEAD_ROOM = 16 * 1024,   /* behind header_bytes: small bodies come in with the head */
	PROXY_SCRATCH_ROOM =
		64 *
		1024, /* what rewriting may add to a head: edits, forwarding fields, base path */
	PROXY_HEAD_OUT_ROOM = 48 * 1024, /* of that, what a rewritten head can really come to */
	PROXY_SPLICE_BYTES = 256 * 1024, /* from this much of a body on the kernel moves it */
	PROXY_INTERIM_MAX = 16,		 /* 1xx answers of a backend to one request */
};

/* The timer lanes of the deadlines that hold for one pool under one service. */
struct pool_lanes {
	struct timer_lane *connect, *response, *attempt, *stream_idle, *keepalive_idle;
};

struct service {
	const struct conf_service *conf;
	struct hooks *hooks;
	struct board_service_cell *counts;
	struct http_limits limits;
	struct cidr *trust;
	unsigned trust_n;
	struct timer_lane *client_header, *client_body, *client_idle, *tunnel, *request;
	struct pool_lanes *pools; /* by pool index */
};

struct exchange;
struct queue;

struct proxy {
	struct loop *loop;
	struct timers *timers;
	struct board *board;
	unsigned worker;
	const struct conf *conf;
	struct service *services;
	struct upstream upstream;
	struct slab fronts, exchanges, heads, blocks, bodies;
	struct slab sessions; /* exchanges of tcp services: no room for fields */
	struct pipe_pool pipes;
	char *scratch; /* a head being written */
	size_t scratch_bytes;
	struct list open; /* fronts */
	uint32_t connections, connections_max;
	uint32_t linger_ms;
	struct timer_lane *linger;
	struct timer_lane *attention; /* see front.c, begin */
	struct timer_lane *breath;    /* between attempts that fail at once */
	uint64_t next_id, id_seed;
	struct slab stories; /* see story.h */
	uint32_t stories_skipped;
	struct lines *access_log;   /* NULL: none */
	struct timer_lane *flushes; /* of the access log */
	struct timer flush;
	bool draining;
	void (*on_drained)(void *ctx);
	void *drained_ctx;
	struct timer drain_timer;
	struct list listens;
	struct log_limit crowded;
	struct log_limit failing;
	struct log_limit breaking;
	struct log_limit short_of;
	void (*on_state_change)(void *ctx);
	void *ctx;
	/* what attempts tell the exchange, set by exchange_setup */
	void (*on_upstream)(struct stream *s, int events);
	void (*on_connected)(struct uconn *u, bool connected);
	/* what waits for a free slot; on_turn asks the hooks again */
	struct queue *queues; /* by pool index */
	const int *wake_fds;  /* eventfds of the workers, by their slot on the board */
	ev_io waker;	      /* our own */
	void (*on_turn)(struct exchange *ex);
};

enum exchange_state {
	EX_HEAD,    /* the request's head is being read */
	EX_DECIDE,  /* hooks: request, backends, pick */
	EX_PICK,    /* hooks: pick, for another attempt */
	EX_PARKED,  /* a hook waits */
	EX_QUEUED,  /* no backend has a free slot */
	EX_TAKE,    /* a backend is chosen: get a connection */
	EX_CONNECT, /* dialling */
	EX_SEND,    /* the request goes out; an answer may come early */
	EX_WAIT,    /* the request is out, no final answer yet */
	EX_RELAY,   /* the answer goes to the client */
	EX_TUNNEL,  /* after 101 */
	EX_FAILED,  /* the attempt failed: retry or answer */
	EX_END,
};

/* One try on one backend. */
struct attempt {
	struct uconn *uconn; /* NULL: none */
	struct backend *backend;
	const struct conf_pool *pool;
	const struct pool_lanes *lanes;
	struct buf
		head;  /* the rest of the rewritten head when the socket did not take it at once */
	uint64_t sent; /* bytes written to this connection for this request */
	int64_t started_us, connected_us, sent_us;
	bool counted;	 /* in the backend's inflight */
	bool limited;	 /* the backend has slots */
	bool reused;	 /* the connection served before */
	bool began;	 /* the head was written, or is in `head` */
	bool deaf;	 /* writing failed: only reading is left */
	bool excess;	 /* bytes came behind the answer: out of step */
	bool more;	 /* the last read was a full one: bytes may wait behind it */
	bool alone;	 /* the connection is this client's only: never a kept one, never kept */
	bool fresh_only; /* an idle connection was found dead: dial */
};

struct exchange {
	struct proxy *proxy;
	struct service *service;
	void *front;
	struct stream *client;
	struct buf *in; /* the client connection's: starts with this request's head */
	const struct peer *peer;
	void (*on_done)(
		struct exchange *ex); /* the tail of everything: ex is the front's to free */

	uint8_t state; /* enum exchange_state */
	uint8_t interims;
	uint16_t attempts; /* begun so far */
	bool keep;	   /* the client connection goes on afterwards */
	bool came_whole; /* the request came in one with its body: the front has the client watched */
	bool responded; /* bytes of a final answer went out */
	bool truncated; /* the answer could not be finished */
	bool client_gone;
	bool was_cut;	     /* we closed its connection: the drain's time was up, or we end */
	bool decode;	     /* chunked answer to a client of HTTP/1.0: taken out of its coding */
	bool trusted;	     /* the peer's forwarding fields are believed */
	bool upgrade;	     /* an upgrade was asked for and passed on */
	bool waits_client;   /* the timer runs for the client's body */
	uint8_t timer_state; /* the state that the timer was last started in */
	bool awaited_body; /* the answer's head came alone: it was held for its first body bytes */
	bool held; /* an answer whose status counts as a failure: kept until `failed` has decided */
	bool client_eof, backend_eof;	/* of a tunnel */
	bool client_told, backend_told; /* of a tunnel: that the other side has ended */
	bool client_deaf;   /* of a tunnel: the client takes no more (see also at.deaf) */
	bool shadowed;	    /* the shadow was asked about it (shadow.h) */
	bool queue_asked;   /* in the queue: the hooks have said that it waits */
	uint8_t slots_lost; /* chosen, and another worker had the last one */
	struct timer timer, total;
	struct timer try; /* timeouts.attempt */

	/* the request */
	int64_t started_us;
	struct http_head req;
	struct h1_body req_body;
	uint32_t early, early_sent; /* body bytes in the head's block, behind the head */
	struct buf body;	    /* further body bytes, coding included */
	uint32_t kept;		    /* bytes at body.start that were sent and are kept for replay */
	uint32_t surplus;	    /* bytes at the end of body that are the next request's */
	bool body_whole;	    /* everything since its first byte is in memory */
	struct pipe *up_pipe;	    /* a large body on its way, past user memory */

	struct attempt at;
	struct neap_failure failure;

	/* the answer */
	struct http_head res;
	struct h1_body res_body;
	struct buf
		down; /* from the backend; while the head is parsed: raw, afterwards only body bytes to be sent */
	struct buf
		out; /* the rest of a head (or of interim ones) when the client did not take it at once */
	uint32_t reply_sent;	/* of view.reply.body */
	struct pipe *down_pipe; /* a large body on its way, past user memory */
	uint16_t status;
	uint64_t bytes;	    /* of body to the client */
	const char *reason; /* why it ended as it did; "" = well */
	int64_t first_byte_us, connect_us;
	struct list queue_node;
	int64_t queued_since_us, queued_us; /* in the queue now; all in all */
	struct story *story;		    /* of this request, being told; NULL: none */
	bool has_trace;
	uint16_t refused_n; /* fields of a refused head: for the access log alone */
	uint64_t trace[3];  /* made here: trace and parent id of the traceparent; else 0 */
	int32_t *tried;	    /* grows with retries only */
	uint32_t tried_cap;
	struct record *record; /* of this request, for `neap record`; NULL: none */

	struct neap_request view;
	struct http_field *res_fields; /* behind req_fields */
	struct http_field req_fields[];
};

static inline bool exchange_request_is_whole(const struct exchange *ex)
{
	return ex->req_body.done;
}

#endif

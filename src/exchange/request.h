/*
 * What is to be served by a backend: a request of HTTP (exchange.h) or a connection of a tcp service
 * (tunnel.h). Who asks, what the hooks see of it, the backend that it is with, its deadlines, and what
 * became of it.
 */
#ifndef NEAP_EXCHANGE_REQUEST_H
#define NEAP_EXCHANGE_REQUEST_H

#include "base/buf.h"
#include "exchange/plane.h"
#include "exchange/service.h"
#include "http/grpc.h"
#include "http/h1_head.h"

struct record;
struct request;
struct route;
struct story;

/* What the hooks are asked. */
enum ask { ASK_NOTHING, ASK_DECIDE, ASK_PICK, ASK_FAILED };

/* How it ended. */
enum request_end {
	REQUEST_WELL,
	REQUEST_CLIENT_LEFT,
	REQUEST_CLIENT_STALLED, /* the client took no more of an answer that was under way */
	REQUEST_BROKEN,		/* the client has a part of the answer, or was told nothing */
	REQUEST_CUT, /* we closed the client's connection: the drain's time was up, or we end */
	REQUEST_CUT_BROKEN, /* that, while an answer was under way */
};

/* For whom it is. */
enum request_role {
	REQUEST_OWN,   /* its client's */
	REQUEST_COPY,  /* a mirror's (mirror.h): no client waits for it, nobody but that is told */
	REQUEST_RIVAL, /* another request's (hedge.h), which has what it gets */
};

/* What follows from what the hooks decided (choice.h). */
enum choice {
	CHOICE_BACKEND, /* connect to view.slot */
	CHOICE_AGAIN,	/* another attempt: ask `pick` for it */
	CHOICE_PARK,	/* a hook waits; owner->on_choice comes later */
	CHOICE_QUEUE,	/* it waits for a free slot */
	CHOICE_SCRIPT,	/* the policy answers: view.reply */
	CHOICE_OWN,	/* neap answers itself: rq->own */
	CHOICE_PASS, /* nothing else is left to try: the answer that is held goes to the client */
	CHOICE_GO,   /* `response` has seen the answer: it goes out */
};

/* What a request's owner does when something happens that its parts waited for. */
struct request_owner {
	void (*on_choice)(struct request *rq,
			  enum choice choice);	   /* a hook that waited has decided */
	void (*on_turn)(struct request *rq);	   /* in the queue: `pick` is to be asked */
	void (*on_due)(struct timer *timer);	   /* request.timer */
	void (*on_total_due)(struct timer *total); /* request.total */
	void (*on_squeezed)(struct request *rq);   /* more of its answer may be compressed */
};

struct request {
	struct plane *plane;
	struct service *service;
	const struct request_owner *owner;

	/* Who asks: the address of the connection's other end, or what a PROXY header said. It points
	 * into the front. */
	const struct peer *peer;
	const struct stream *connection; /* the client's; NULL: it has none of its own */
	struct buf *block;		 /* the client's: starts with this request's head */

	/* How it stands. */
	uint8_t end;	   /* enum request_end */
	bool is_trusted;   /* the peer's forwarding fields are believed */
	bool asks_switch;  /* a protocol upgrade was asked for and is passed on */
	bool can_repeat;   /* all of it is still here, and nothing of an answer went out */
	bool is_untouched; /* its backend took nothing of it, as its leg says */
	bool holds_answer; /* an answer that counts as a failure is kept until `failed` has decided */
	bool is_shadowed; /* the shadow was asked about it (shadow.h) */
	bool is_mirrored; /* its pool's mirror was thought of (mirror.h) */
	uint8_t role;	  /* enum request_role */
	bool has_trace;
	bool has_failed;	/* an attempt: failure says how */
	bool was_told_to_go_on; /* its client, with a 100 of ours: no backend is asked for one */
	bool has_own_body;	/* a hook replaced its body */
	bool is_grpc;		/* a gRPC call, by its Content-Type */
	int8_t grpc_status; /* of a call: enum grpc_status, or GRPC_NONE as long as none is known */
	int32_t h2_stream;  /* the id of its stream, with HTTP/2; else 0 */
	uint32_t own_body_bytes;
	uint16_t refused_n; /* fields of a refused head: for the access log alone */

	/* What is told of it: in the access log, in counts and to the `log` hook. */
	uint16_t status;    /* of the answer; 0: none yet */
	uint16_t attempts;  /* begun so far */
	uint16_t hedges;    /* of them: beside another one (hedge.h) */
	uint64_t bytes;	    /* of the answer's body, to the client */
	const char *reason; /* why it ended as it did; "" = well */
	int64_t started_us, first_byte_us, connect_us;
	int64_t gathers_since_us,
		gathered_us; /* for hooks that wait for its body; 0: none does now */
	uint64_t timeout_us; /* what the client of a call gives it; 0: no end */

	/* An answer of our own that is to go out: status, and why. */
	struct {
		uint16_t status;
		bool is_full;	    /* the queue is, or the time in it is over */
		const char *reason; /* printable; a constant or view.reason */
	} own;

	/* The backend that it is with, or was with last, as the hooks chose it. */
	struct backend *backend;
	const struct conf_pool *pool;
	const struct pool_lanes *lanes;
	struct route *route; /* both, as hooks set them for it (route.h); NULL: the pool's hold */
	int32_t *tried;	     /* slots; grows with retries only */
	uint32_t tried_cap;

	/* In the queue (queue.h). */
	uint8_t slots_lost;		    /* chosen, and another worker had the last one */
	bool was_asked;			    /* the hooks have said that it waits */
	int64_t queued_since_us, queued_us; /* in the queue now; all in all */
	struct list queue_node;

	/* Deadlines: of what is waited for now, and of all of it. */
	struct timer timer, total;

	/* Those who watch (witness.h); NULL: nobody. */
	struct story *story;
	struct record *record;
	uint64_t trace[3]; /* made here: trace and parent id of the traceparent; else 0 */

	struct http_head head;	     /* of a tcp service: empty */
	struct neap_failure failure; /* of the attempt that failed last, if has_failed */
	struct neap_request view;    /* what hooks see */
};

/* Makes *rq ready. fields: room for the service's limits.headers. */
void request_init(struct request *rq, struct plane *p, struct service *s,
		  const struct request_owner *owner, const struct peer *peer, struct buf *block,
		  struct http_field *fields);

/* The deadline of the whole request begins (timeouts.request). */
void request_start_total(struct request *rq);

/* It ends no later than so many milliseconds after its start. */
void request_bound_total(struct request *rq, int64_t ms);

/* It ends so many milliseconds after its start, whatever was set before; 0: whenever it does. */
void request_move_total(struct request *rq, int64_t ms);

/*
 * Thousands of backends that are gone may refuse at once: others have their turn in between.
 * Counts a failure of this turn of the loop; true: there were enough, and rq->timer is due in a
 * moment.
 */
bool request_must_rest(struct request *rq, unsigned *failures);

/* Neap answers itself: rq->own. */
static inline void request_own(struct request *rq, uint16_t status, const char *reason)
{
	rq->own.status = status;
	rq->own.is_full = false;
	rq->own.reason = reason;
}

/* RFC 9110 §9.3.2, §15: other answers have no body whatever their head says. */
static inline bool request_gets_body(const struct request *rq, uint16_t status)
{
	return rq->head.method_id != METHOD_HEAD && status >= 200 && status != 204 && status != 304;
}

/* The client is gone, or takes no more. */
void request_client_left(struct request *rq, const char *reason);

/* The answer cannot be finished. */
void request_broke(struct request *rq);

/* We close the client's connection. */
void request_cut(struct request *rq, const char *reason, bool is_answering);

static inline bool request_lost_client(const struct request *rq)
{
	return rq->end == REQUEST_CLIENT_LEFT || rq->end == REQUEST_CLIENT_STALLED;
}

static inline bool request_is_broken(const struct request *rq)
{
	return rq->end == REQUEST_BROKEN || rq->end == REQUEST_CLIENT_STALLED ||
	       rq->end == REQUEST_CUT_BROKEN;
}

static inline bool request_was_cut(const struct request *rq)
{
	return rq->end == REQUEST_CUT || rq->end == REQUEST_CUT_BROKEN;
}

#endif

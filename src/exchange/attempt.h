/*
 * One try on one backend: a slot and a connection for it, the request sent on it, and its end. Counts
 * `inflight` up and down. What follows from an outcome is the owner's.
 */
#ifndef NEAP_EXCHANGE_ATTEMPT_H
#define NEAP_EXCHANGE_ATTEMPT_H

#include "exchange/body.h"
#include "exchange/request.h"
#include "upstream/h2_pool.h"
#include "upstream/leg.h"
#include "upstream/pool.h"

enum attempt_outcome {
	ATTEMPT_STANDS,	   /* at->uconn is connected, nothing was sent yet */
	ATTEMPT_CONNECTS,  /* on_outcome comes later, or the owner's deadline */
	ATTEMPT_FAILED,	   /* rq->failure says how; the attempt is over */
	ATTEMPT_SLOT_LOST, /* another worker has taken the backend's last slot meanwhile */
	ATTEMPT_SHORT,	   /* we cannot even try, whatever the backend: rq->own says why */
};

enum attempt_slot {
	SLOT_NONE,
	SLOT_COUNTED, /* in the backend's inflight */
	SLOT_LIMITED, /* that, and the backend has no more than so many */
};

enum attempt_sent {
	SENT_SOME, /* more is to come, from the client or when the backend takes it */
	SENT_ALL,  /* the whole request is out */
	SENT_NOT,  /* the attempt failed: rq->failure */
};

struct attempt {
	struct request *rq;
	struct body *body; /* of the request; NULL: of a tcp service */
	void (*on_outcome)(struct attempt *at, enum attempt_outcome outcome);
	void (*on_due)(struct attempt *at); /* timeouts.attempt */

	/* Getting there. */
	struct uconn *uconn;	  /* NULL: none; while it serves an exchange, the leg has it too */
	struct pace_place place;  /* while too many dial this backend */
	struct h2_conn *h2;	  /* HTTP/2: where a stream may begin; NULL: it is HTTP/1's */
	struct h2_place h2_place; /* HTTP/2: while a connection is awaited */
	struct timer timer;	  /* timeouts.attempt */
	int64_t started_us, connected_us;
	uint8_t slot;	 /* enum attempt_slot */
	uint8_t trust;	 /* enum pool_trust: what is asked of a kept connection */
	bool is_alone;	 /* the connection is this client's only: never a kept one, never kept */
	bool is_reused;	 /* the connection served before */
	bool fresh_only; /* a kept connection was found dead: dial */

	/* Adds what goes out before TLS to leg.out, for backends with send_proxy; set by the owner.
	 * false: no memory. */
	bool (*add_preamble)(struct attempt *at);

	/* The exchange on it. */
	struct leg leg;
};

/* Once for all attempts of a request. fields, on_ready: of the leg. */
void attempt_init(struct attempt *at, struct request *rq, struct body *body,
		  struct http_field *fields, void (*on_ready)(struct leg *leg, int events));

/*
 * Sends what is there and not sent yet. A write error only makes the leg mute: an answer may be
 * there to be read all the same.
 */
enum attempt_sent attempt_send(struct attempt *at);

/*
 * Bytes of it went to the backend, or its connection stands: asks the shadow of the pool, if there is
 * one and the request is in flight.
 */
void attempt_ask_shadow(struct attempt *at);

/* Bytes of the request that wait to be sent now. */
size_t attempt_unsent(const struct attempt *at);

/* Is there a rest of the request that its backend takes, as far as we know? */
bool attempt_takes(const struct attempt *at);

/* What becomes of the connection. */
enum attempt_reuse { ATTEMPT_CLOSE, ATTEMPT_KEEP /* if it may be */ };

/* Gives the connection back or closes it; inflight - 1. Harmless without an attempt. */
void attempt_end(struct attempt *at, enum attempt_reuse reuse);

/* The backend's part is done: its slot is free, though the client has not got everything yet. */
void attempt_free_slot(struct attempt *at);

/*
 * What FROM has becomes TO's, which is over: slot, connection, what was sent and what came. The requests
 * of both are their owner's business.
 */
void attempt_move(struct attempt *to, struct attempt *from);

/*
 * A kept connection turned out dead before any byte of an answer and sending again is safe: the same
 * backend once more on a fresh connection. No attempt, no failure. It is begun by approach_begin.
 */
bool attempt_may_replace(const struct attempt *at);
void attempt_replace(struct attempt *at);

/* The head of a final answer came (0: a connection stands); for pools that eject outliers. */
void attempt_answered(struct attempt *at, unsigned status);

/* The same, of the status of a gRPC call: it came after the body. */
void attempt_judge_call(struct attempt *at);

/* Counts a failure of the backend; so is an answer that counts as one, even if it is passed on. */
void attempt_count_failure(const struct attempt *at, enum neap_kind kind);

/* Ends it as failed: fills rq->failure, counts it. message: words for the log. */
enum attempt_outcome attempt_fail(struct attempt *at, enum neap_stage stage, enum neap_kind kind,
				  const char *message);

/* The same for a limit or a shortage of our own (failure.ours): nothing is counted against it. */
enum attempt_outcome attempt_fail_ours(struct attempt *at, enum neap_stage stage,
				       const char *message);

/* No backend is to blame, and none is asked again: the answer is this. ATTEMPT_SHORT. reason: constant. */
enum attempt_outcome attempt_refuse(struct attempt *at, uint16_t status, const char *reason);

/*
 * The same: its time is over, in this stage. ATTEMPT_SHORT when that is because we lacked something
 * ourselves. Nothing is counted against the backend while the request waits for its turn to dial.
 */
enum attempt_outcome attempt_overdue(struct attempt *at, enum neap_stage stage,
				     const char *message);

/* The same, as the stream failed: by errno (refused, timeout, reset), or in its TLS handshake. */
enum attempt_outcome attempt_fail_stream(struct attempt *at, enum neap_stage stage,
					 struct stream_failure why);

#endif

/*
 * The load generator: options and connections. Closed loop (every connection keeps `depth` requests
 * under way) or open loop (requests are due at times of their own, whatever the answers do).
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "cpu.h"
#include "histogram.h"
#include "reader.h"
#include "wire.h"

enum { PART_MAX = 16 * 1024, PIPELINE_MAX = 64 };

struct options {
	unsigned port;
	const char *path, *header;
	unsigned connections, depth;
	bool close; /* a new connection for each request */
	enum wire_client tls;
	bool hold;	/* one request each, then stay idle until stdin ends */
	uint64_t body;	/* bytes of body sent with each request */
	bool json;	/* it is JSON */
	int64_t expect; /* bytes of body that each answer must have; -1: any */
	double seconds, warm;
	double rate;	/* requests a second; 0: closed loop */
	uint64_t count; /* stop after so many requests; 0: after `seconds` */
	struct cpu_pids pids;
};

struct conn {
	struct wire wire;
	bool active;	  /* answered since the last look for stalled ones */
	bool waits;	  /* for the socket to take more of the request */
	unsigned pending; /* answers awaited */
	uint64_t unsent;
	struct reader reader;
	int64_t due_ns; /* open loop: when its request should have gone out */
	size_t part_n;
	char part[PART_MAX]; /* of an answer's head that came in pieces */
};

struct load {
	struct options o;
	int epoll;
	struct conn *conns;
	char *request; /* `depth` times the head, or once the head and the start of its body */
	size_t head_n, request_n;
	void (*on_answer)(struct load *l, struct conn *c);
	bool stopping;
	uint64_t answers, errors, moved; /* moved: bytes of bodies, both ways */
	const char *error;		 /* the first one */

	/* open loop */
	int64_t now_ns, next_ns, seed;
	unsigned *idle, idle_n; /* connections without a request */
	int64_t *queue;		/* due times of requests that found none */
	uint64_t queue_in, queue_out;
	struct histogram latency;
};

/* Requests, sockets; errors are counted, a connection that had one is replaced. */
void load_init(struct load *l);
void conn_open(struct load *l, struct conn *c);
void conn_send(struct load *l, struct conn *c, unsigned requests);
void conn_ready(struct load *l, struct conn *c, unsigned events);
void load_error(struct load *l, const char *what);

/* Waits up to ns for events and handles them. */
void load_turn(struct load *l, int64_t ns);

/* The open loop's part: what is due at l->now_ns is sent; returns how long nothing more is due. */
void pace_init(struct load *l);
int64_t pace_send(struct load *l);
void pace_answer(struct load *l, struct conn *c);

int64_t now_ns(void);

#endif

/*
 * All flows of datagrams of one worker: where to find them, and what they share. A flow is what a client
 * and a backend say to each other, from the client's first datagram on until nothing comes either way.
 * It has no object of a request as long as nobody looks at it (flow_case.h): there may be hundreds of
 * thousands.
 */
#ifndef NEAP_EXCHANGE_FLOWS_H
#define NEAP_EXCHANGE_FLOWS_H

#include "exchange/flow_drop.h"
#include "exchange/flow_key.h"
#include "exchange/flow_port.h"
#include "exchange/flow_table.h"
#include "exchange/plane.h"
#include "exchange/service.h"

struct flow_case;

/* A socket on which datagrams of clients come in. Outlives its flows. */
struct flow_gate {
	struct service *service;
	struct udp_socket socket;
	struct list node; /* among those of the worker */
	uint16_t port;	  /* its own */
	bool is_proxied;  /* datagrams come in other balancers' hands, with a PROXY header */
};

enum flow_state {
	FLOW_DECIDE, /* hooks: request, backends, pick */
	FLOW_PICK,   /* hooks: pick, for another attempt */
	FLOW_PARKED, /* a hook waits */
	FLOW_QUEUED, /* no backend has a free slot */
	FLOW_TAKE,   /* a backend is chosen */
	FLOW_OPEN,   /* datagrams go both ways */
	FLOW_FAILED, /* the attempt failed: another one, or the end */
	FLOW_END,
};

struct flow {
	struct timer timer; /* without a datagram it ends */
	struct flow_link by_client, by_answer;
	struct flow_gate *gate;
	struct flow_port *port; /* where it reaches its backend from; NULL: nowhere now */
	struct flow_case *its;	/* while somebody looks at it; else NULL */
	struct flow_key *keys;	/* it is found by; NULL: by its client alone */
	struct backend *backend;
	struct udp_addr client, server;
	struct udp_local local; /* of neap's addresses, the one that the client knows */
	uint64_t id, bytes;	/* as a request has them; bytes to the client */
	int64_t started_us;
	uint32_t first_byte_us;	 /* after that; 0: none came */
	uint32_t sent, answered; /* datagrams to the backend, and from it */
	uint32_t epoch;
	int32_t slot;
	int16_t pool;
	uint8_t attempt;       /* of 255 and more it is 255 */
	uint8_t state : 3;     /* enum flow_state */
	uint8_t slot_use : 3;  /* enum attempt_slot, as long as it has no case */
	uint8_t is_headed : 1; /* a PROXY header goes before each datagram to the backend */
	uint8_t is_veiled : 1; /* its datagrams reach the backend from the client's IP address */

	/* Who sends in the client's name, and gets its answers. Only if some service wants PROXY headers. */
	struct udp_addr via[];
};

struct flows {
	struct plane *plane;
	struct slab of, cases;
	struct flow_case *spare; /* for the end of flows that have none */
	struct list gates;
	struct list waiting; /* cases that wait for a hook or a slot */
	/* Cases of open flows that keep datagrams, the eldest first; apart, those that have a block. */
	struct list held, held_blocks;
	uint32_t n, max, held_n;
	uint32_t blocks_n; /* of all cases */
	uint64_t seed;
	int64_t made_ms;

	struct flow_table by_client, by_answer;
	struct flow_keys *keys;	    /* NULL: no service asks for them */
	struct flow_ports ports[2]; /* of IPv4, of IPv6 */

	/* What comes in, and what goes out. The answers wait in their memory for the end of the turn. */
	struct udp_batch *in, *answers;
	unsigned answers_n;
	struct udp_outbox *to_backends, *to_clients;
	struct flow_drops drops;
	struct deferred flush;

	/* Set by those above. */
	void (*on_answer)(struct flow_port *port, const struct datagram *d);
	void (*on_trouble)(struct flow_port *port, const struct udp_addr *to, int sys);
	void (*on_none)(struct plane *p); /* the last flow has ended */
	struct log_limit porting;
};

/* Its first answer, in the loop's time; 0: none came. */
static inline int64_t flow_first_byte_us(const struct flow *f)
{
	return f->first_byte_us != 0 ? f->started_us + f->first_byte_us : 0;
}

/* Does any service of the config want them? */
bool flows_are_wanted(const struct conf *c);

/*
 * Makes p->flows. case_bytes: of a struct flow_case. ERR_MEMORY: there is none; flows_destroy undoes
 * what was made.
 */
enum err flows_create(struct plane *p, size_t case_bytes, struct error *e);
void flows_destroy(struct plane *p); /* none may be open; harmless when there are none */

static inline struct flows *flows_of(const struct flow *f)
{
	return f->gate->service->plane->flows;
}

/* Who gets what is for the client. */
static inline const struct udp_addr *flow_sender(const struct flow *f)
{
	return f->gate->is_proxied ? f->via : &f->client;
}

/* Who sent it. */
static inline const struct udp_addr *datagram_sender(const struct datagram *d)
{
	return d->via != NULL ? d->via : &d->peer;
}

/* The flow of that client through that gate, or of what was sent from there to that port; NULL: none. */
struct flow *flows_find_client(const struct flows *all, const struct flow_gate *g,
			       const struct datagram *d);
struct flow *flows_find_answer(const struct flows *all, const struct flow_port *port,
			       const struct udp_addr *from);

/* A flow for that client, which finds it from now on. NULL: there is no room. */
struct flow *flows_take(struct flows *all, struct flow_gate *g, const struct datagram *d);

/* Services ask for keys of flows, too. */
enum err flows_create_keys(struct plane *p, const struct services *services, struct error *e);

/* Its client's address finds it no more: its keys do. */
void flows_leave_address(struct flow *f);

/*
 * It has just come to be found by its client's address, which finds the newest flow only: the one before
 * is found by its keys. (Else each flow of an address would be one more to pass by.)
 */
void flows_displace(struct flow *f);

/* Its client is where that datagram came from. */
void flows_move(struct flow *f, struct flow_gate *g, const struct datagram *d);

/* The next datagram of its client begins another one. */
void flows_unbind(struct flow *f);

/* It reaches f->server from a port now. false: none is left; *sys as in flow_ports_choose. */
bool flows_connect(struct flow *f, int *sys);
void flows_disconnect(struct flow *f);
/* From another port than now, if one is left. */
void flows_change_port(struct flow *f);
/* It has f->port already, from another process. */
void flows_reconnect(struct flow *f);

/* Nobody finds it any more, and its memory is free. */
void flows_put(struct flow *f);

/* Calls it for all that have a port; it may end the one that it is called with. */
void flows_each(struct flows *all, void (*call)(struct flow *f, void *ctx), void *ctx);

/* Did that datagram come from a port of ours on this machine? */
bool flows_is_own(const struct flow_gate *g, const struct datagram *d);

#endif

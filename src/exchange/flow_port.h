/*
 * The sockets by which datagrams go to backends. Each is shared by flows to different backends: who
 * sent an answer says which flow it belongs to. So there are as many sockets as one backend has flows,
 * not as there are flows. Opened when they are needed, and used in turn and after a rest, so that a late
 * answer to a flow that is over seldom finds another one in its place.
 */
#ifndef NEAP_EXCHANGE_FLOW_PORT_H
#define NEAP_EXCHANGE_FLOW_PORT_H

#include "net/udp_socket.h"

struct flow_port;

struct flow_ports {
	struct loop *loop;
	int family;
	uint32_t n, room, max;
	uint32_t turn;
	struct flow_port **of;
	uint8_t *own; /* a bit for each of our port numbers, of all families */
	void (*on_readable)(struct udp_socket *s); /* of a port */
	void *owner;
};

struct flow_port {
	struct udp_socket socket;
	struct flow_ports *ports;
	uint32_t number;
	int64_t left_ms; /* when a flow that used it ended; 0: never */
};

void flow_ports_fini(struct flow_ports *p); /* closes them all */

/*
 * One that is_taken does not say of that it is taken. NULL: none is left, and no further one can be
 * opened (*sys: why; 0: there are as many as may be).
 */
struct flow_port *flow_ports_choose(struct flow_ports *p,
				    bool (*is_taken)(const struct flow_port *port, void *ctx),
				    void *ctx, int *sys);

/* One with a socket that another process opened. NULL: no memory, and the socket is the caller's. */
struct flow_port *flow_ports_adopt(struct flow_ports *p, int fd);

/* Is that the number of a port of ours? */
static inline bool flow_ports_own(const uint8_t *own, uint16_t number)
{
	return (own[number / 8] >> number % 8 & 1) != 0;
}

#endif

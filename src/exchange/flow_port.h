/*
 * The sockets by which datagrams go to backends. Each is shared by flows to different backends: who
 * sent an answer says which flow it belongs to. So there are as many sockets as one backend has flows,
 * not as there are flows. Opened when they are needed, and used in turn and after a rest, so that a late
 * answer to a flow that is over seldom finds another one in its place. Closed when they were not needed
 * for a while: fewer and fewer are in turn, until that is too few, and those that are not in turn idle.
 */
#ifndef NEAP_EXCHANGE_FLOW_PORT_H
#define NEAP_EXCHANGE_FLOW_PORT_H

#include "net/timer.h"
#include "net/udp_socket.h"

struct flow_port;

struct flow_ports {
	struct loop *loop;
	struct timer_lane *lane; /* between two looks at those that idle */
	struct timer timer;
	int family;
	bool is_veiled; /* they send from clients' addresses, too */
	uint32_t n, room, max;
	uint32_t width; /* so many are in turn, from the first on */
	uint32_t turn, looked, opened;
	int64_t again_ms; /* until then the system is not asked for another one */
	int sys;	  /* why: what it said */
	struct flow_port **of;
	uint8_t own[65536 / 8];			   /* a bit for each of our port numbers */
	void (*on_readable)(struct udp_socket *s); /* of a port */
	void *owner;
};

struct flow_port {
	struct udp_socket socket;
	struct flow_ports *ports;
	uint32_t at;	 /* among them */
	uint32_t number; /* its own for as long as it is open */
	uint32_t flows_n;
	uint16_t bound; /* the number that the kernel gave it */
	int64_t left_ms; /* when a flow that used it ended, or it was opened; 0: a flow may have it at once */
};

/* What is not named here has been set by the owner, or is zero. */
void flow_ports_init(struct flow_ports *p, struct timers *timers);
void flow_ports_fini(struct flow_ports *p); /* closes them all */

/* Closes those that no flow has. */
void flow_ports_shed(struct flow_ports *p);

/*
 * One that is_taken does not say of that it is taken. NULL: none is left, and no further one can be
 * opened (*sys: why; 0: there are as many as may be).
 */
struct flow_port *flow_ports_choose(struct flow_ports *p,
				    bool (*is_taken)(const struct flow_port *port, void *ctx),
				    void *ctx, int *sys);

/* One with a socket that another process opened. NULL: it cannot be had, and is the caller's. */
struct flow_port *flow_ports_adopt(struct flow_ports *p, int fd);

/* A flow has it, or has it no longer. */
void flow_port_enter(struct flow_port *port);
void flow_port_leave(struct flow_port *port);

/* Is that the number of a port of ours? */
static inline bool flow_ports_own(const struct flow_ports *p, uint16_t number)
{
	return (p->own[number / 8] >> number % 8 & 1) != 0;
}

#endif

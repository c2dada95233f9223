#include "exchange/flow_port.h"

#include <errno.h>
#include <stdlib.h>

enum {
	LEAST = 16, /* before one is used again */
	TRIES = 32, /* of those that there are, before another one is opened */
	REST_MS = 100,
};

static bool make_room(struct flow_ports *p)
{
	if (p->n < p->room)
		return true;
	uint32_t room = p->room == 0 ? LEAST : p->room * 2;
	struct flow_port **more = realloc(p->of, room * sizeof(struct flow_port *));
	if (more == NULL)
		return false;
	p->of = more;
	p->room = room;
	return true;
}

static void note_own(const struct flow_ports *p, const struct flow_port *port)
{
	struct udp_addr bound = { 0 };
	if (!udp_socket_name(&port->socket, &bound))
		return;
	uint16_t number = udp_addr_port(&bound);
	p->own[number / 8] |= (uint8_t)(1U << number % 8);
}

static struct flow_port *add(struct flow_ports *p, struct flow_port *port)
{
	port->ports = p;
	port->left_ms = 0;
	port->number = p->n;
	note_own(p, port);
	udp_socket_start(&port->socket, false);
	p->of[p->n++] = port;
	return port;
}

static struct flow_port *open_one(struct flow_ports *p, int *sys)
{
	*sys = 0;
	if (p->n >= p->max)
		return NULL;
	struct flow_port *port = make_room(p) ? malloc(sizeof(*port)) : NULL;
	*sys = port != NULL ? udp_socket_open(&port->socket, p->loop, p->family, p->on_readable)
			    : ENOMEM;
	if (*sys == 0)
		return add(p, port);
	free(port);
	return NULL;
}

struct flow_port *flow_ports_adopt(struct flow_ports *p, int fd)
{
	struct flow_port *port = make_room(p) ? malloc(sizeof(*port)) : NULL;
	if (port == NULL)
		return NULL;
	udp_socket_init(&port->socket, p->loop, fd, p->on_readable);
	return add(p, port);
}

static struct flow_port *look(struct flow_ports *p, uint32_t tries, int64_t left_before_ms,
			      bool (*is_taken)(const struct flow_port *port, void *ctx), void *ctx)
{
	for (uint32_t i = 0; i < tries && i < p->n; i++) {
		struct flow_port *port = p->of[p->turn++ % p->n];
		if (port->left_ms <= left_before_ms && !is_taken(port, ctx))
			return port;
	}
	return NULL;
}

struct flow_port *flow_ports_choose(struct flow_ports *p,
				    bool (*is_taken)(const struct flow_port *port, void *ctx),
				    void *ctx, int *sys)
{
	int64_t rested_ms = loop_now_ms(p->loop) - REST_MS;
	struct flow_port *port = p->n >= LEAST ? look(p, TRIES, rested_ms, is_taken, ctx) : NULL;
	if (port == NULL)
		port = open_one(p, sys);
	if (port == NULL)
		port = look(p, TRIES, INT64_MAX, is_taken, ctx);
	return port != NULL ? port : look(p, p->n, INT64_MAX, is_taken, ctx);
}

void flow_ports_fini(struct flow_ports *p)
{
	for (uint32_t i = 0; i < p->n; i++) {
		udp_socket_close(&p->of[i]->socket);
		free(p->of[i]);
	}
	free(p->of);
	p->of = NULL;
	p->n = p->room = 0;
}

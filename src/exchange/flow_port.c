#include "exchange/flow_port.h"

#include <errno.h>
#include <stdlib.h>

enum {
	LEAST = 16, /* before one is used again */
	TRIES = 32, /* of those that there are, before another one is opened */
	REST_MS = 100,
	LOOK_MS = 1000,
	LOOKS = 1024, /* at ports that may idle, each time */
	IDLE_MS = 5000,
	LAST_TRIES =
		512, /* at a time, when there are no more: the next flow looks at the next ones */
	PAUSE_MS = 100, /* until the system, which had no port, is asked again */
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

static uint16_t bound_to(const struct flow_port *port)
{
	struct udp_addr bound = { 0 };
	return udp_socket_name(&port->socket, &bound) ? udp_addr_port(&bound) : 0;
}

static void note_own(struct flow_ports *p, const struct flow_port *port, bool is_ours)
{
	uint16_t number = port->bound;
	uint8_t bit = (uint8_t)(1U << number % 8);
	p->own[number / 8] =
		(uint8_t)(is_ours ? p->own[number / 8] | bit : p->own[number / 8] & ~bit);
}

static struct flow_port *add(struct flow_ports *p, struct flow_port *port)
{
	port->ports = p;
	port->left_ms = 0;
	port->flows_n = 0;
	port->number = p->opened++;
	port->at = p->n;
	port->bound = bound_to(port);
	note_own(p, port, true);
	udp_socket_start(&port->socket, false);
	p->of[p->n++] = port;
	p->width = p->n;
	if (!timer_runs(&p->timer))
		timer_start(&p->timer, p->lane);
	return port;
}

/* ---- closing ---- */

static void put_at(struct flow_ports *p, uint32_t at, struct flow_port *port)
{
	p->of[at] = port;
	port->at = at;
}

static void close_one(struct flow_ports *p, struct flow_port *port)
{
	uint32_t at = port->at;
	if (at < p->width) {
		put_at(p, at, p->of[--p->width]);
		at = p->width;
	}
	if (at != --p->n) /* else the last one has just been moved, or is it */
		put_at(p, at, p->of[p->n]);
	note_own(p, port, false);
	udp_socket_close(&port->socket);
	free(port);
}

static bool is_idle(const struct flow_port *port, int64_t left_before_ms)
{
	return port->flows_n == 0 && port->left_ms <= left_before_ms;
}

/* From the last of a stretch to its first: what takes the place of a closed one was looked at. */
static void close_idle(struct flow_ports *p, uint32_t from, uint32_t to, int64_t left_before_ms)
{
	while (to-- > from)
		if (to < p->n && is_idle(p->of[to], left_before_ms))
			close_one(p, p->of[to]);
}

/* Fewer are in turn, so that some idle though flows come and go; choosing takes back what it needs. */
static void on_look(struct timer *timer)
{
	struct flow_ports *p = container_of(timer, struct flow_ports, timer);
	uint32_t from = p->looked < p->n ? p->looked : 0;
	uint32_t to = p->n - from > LOOKS ? from + LOOKS : p->n;
	if (p->width > LEAST)
		p->width -= (p->width - LEAST) / 8;
	close_idle(p, from, to, loop_now_ms(p->loop) - IDLE_MS);
	p->looked = to;
	if (p->n > 0)
		timer_start(&p->timer, p->lane);
}

void flow_ports_shed(struct flow_ports *p)
{
	close_idle(p, 0, p->n, INT64_MAX);
}

void flow_port_enter(struct flow_port *port)
{
	port->flows_n++;
}

void flow_port_leave(struct flow_port *port)
{
	port->flows_n--;
	port->left_ms = loop_now_ms(port->ports->loop);
}

/* ---- opening ---- */

static int open_socket(struct flow_ports *p, struct udp_socket *s)
{
	int sys = udp_socket_open(s, p->loop, p->family, p->on_readable);
	if (sys != 0 || likely(!p->is_veiled))
		return sys;
	sys = udp_socket_veil(s, p->family);
	if (sys != 0)
		udp_socket_close(s);
	return sys;
}

static struct flow_port *open_one(struct flow_ports *p, int *sys)
{
	*sys = 0;
	if (p->n >= p->max)
		return NULL;
	*sys = p->sys;
	if (loop_now_ms(p->loop) < p->again_ms)
		return NULL;
	struct flow_port *port = make_room(p) ? malloc(sizeof(*port)) : NULL;
	*sys = port != NULL ? open_socket(p, &port->socket) : ENOMEM;
	if (*sys == 0)
		return add(p, port);
	free(port);
	p->sys = *sys;
	p->again_ms = loop_now_ms(p->loop) + PAUSE_MS;
	return NULL;
}

struct flow_port *flow_ports_adopt(struct flow_ports *p, int fd)
{
	struct flow_port *port = make_room(p) ? malloc(sizeof(*port)) : NULL;
	if (port == NULL)
		return NULL;
	udp_socket_init(&port->socket, p->loop, fd, p->on_readable);
	if (p->is_veiled && udp_socket_veil(&port->socket, p->family) != 0) {
		free(port);
		return NULL;
	}
	add(p, port)->left_ms = loop_now_ms(p->loop); /* its flows come soon */
	return port;
}

/* ---- choosing ---- */

static struct flow_port *look(struct flow_ports *p, uint32_t tries, int64_t left_before_ms,
			      bool (*is_taken)(const struct flow_port *port, void *ctx), void *ctx)
{
	for (uint32_t i = 0; i < tries && i < p->width; i++) {
		struct flow_port *port = p->of[p->turn++ % p->width];
		if (port->left_ms <= left_before_ms && !is_taken(port, ctx))
			return port;
	}
	return NULL;
}

/* Of those that are open but not in turn. */
static struct flow_port *widen(struct flow_ports *p, int64_t left_before_ms,
			       bool (*is_taken)(const struct flow_port *port, void *ctx), void *ctx)
{
	for (uint32_t i = 0; i < TRIES && p->width < p->n; i++) {
		struct flow_port *port = p->of[p->width++];
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
	struct flow_port *port = p->width >= LEAST ? look(p, TRIES, rested_ms, is_taken, ctx)
						   : NULL;
	if (port == NULL)
		port = widen(p, rested_ms, is_taken, ctx);
	if (port == NULL)
		port = open_one(p, sys);
	if (port != NULL)
		return port;
	p->width = p->n;
	return look(p, LAST_TRIES, INT64_MAX, is_taken, ctx);
}

/* ---- life ---- */

void flow_ports_init(struct flow_ports *p, struct timers *timers)
{
	p->lane = timers_lane(timers, LOOK_MS);
	timer_init(&p->timer, on_look);
}

void flow_ports_fini(struct flow_ports *p)
{
	timer_stop(&p->timer);
	while (p->n > 0)
		close_one(p, p->of[p->n - 1]);
	free(p->of);
	p->of = NULL;
	p->room = 0;
}

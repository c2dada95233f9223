#include "proxy/udp_front.h"

#include <stdlib.h>

#include "exchange/flow.h"
#include "exchange/flow_header.h"
#include "exchange/flow_rate.h"
#include "net/sock.h"
#include "net/udp_steer.h"

enum { ROUNDS = 4 }; /* batches in a turn, so that the answers have theirs */

struct udp_front {
	struct flow_gate gate;
};

static void take_some(struct flow_gate *g, const struct datagram *d)
{
	struct datagram cut = *d;
	if (flow_rate_admit(g, &cut))
		flow_take(g, &cut);
}

static bool read_some(struct flow_gate *g, struct flows *all)
{
	struct datagram d;
	bool more;
	void (*take)(struct flow_gate * g, const struct datagram *d) =
		g->service->datagram_rate != NULL ? take_some : flow_take;
	unsigned n = udp_socket_read(&g->socket, all->in, 0, UDP_BATCH, &more);
	for (unsigned i = 0; i < n; i++) {
		udp_batch_at(all->in, i, &d);
		if (unlikely(g->is_proxied))
			flow_header_take(g, &d, take);
		else
			take(g, &d);
	}
	flow_flush(all);
	loop_note_beat(all->plane->loop);
	return more;
}

static void on_readable(struct udp_socket *s)
{
	struct flow_gate *g = container_of(s, struct flow_gate, socket);
	for (unsigned i = 0; i < ROUNDS && read_some(g, g->service->plane->flows); i++)
		;
}

struct udp_front *udp_front_create(struct service *s, const struct conf_listen *listen, int fd)
{
	struct udp_front *f = calloc(1, sizeof(*f));
	struct udp_addr own = { 0 };
	if (f == NULL)
		return NULL;
	f->gate.service = s;
	if (udp_socket_share(&f->gate.socket, s->plane->loop, fd, on_readable) != 0) {
		free(f);
		return NULL;
	}
	f->gate.is_proxied = listen->proxy_protocol;
	f->gate.port = udp_socket_name(&f->gate.socket, &own) ? udp_addr_port(&own) : 0;
	list_append(&s->plane->flows->gates, &f->gate.node);
	return f;
}

/* A flow that is found by a key is known to one worker, wherever its client comes from. */
static void steer(const struct udp_front *f)
{
	const struct service *s = f->gate.service;
	int fd = udp_socket_number(&f->gate.socket);
	unsigned workers = s->plane->conf->workers;
	if (!s->asks_key) {
		udp_steer_none(fd);
		return;
	}
	int sys = udp_steer_to(fd, s->number % workers);
	if (sys != 0 && workers > 1)
		log_error("service %s: its datagrams cannot all be sent to one worker (%s): a "
			  "client whose address changes may lose its flow; workers = 1 helps",
			  s->conf->name, sock_err_text(sys));
}

void udp_front_start(struct udp_front *f)
{
	steer(f);
	udp_socket_start(&f->gate.socket, true); /* answers come first */
}

void udp_front_stop(struct udp_front *f)
{
	udp_socket_stop(&f->gate.socket);
}

void udp_front_destroy(struct udp_front *f)
{
	struct flows *all = f->gate.service->plane->flows;
	udp_front_stop(f);
	flow_cut_all(all, &f->gate, "cut: another worker has its socket");
	list_remove(&f->gate.node);
	udp_outbox_flush(all->to_clients); /* through this socket, perhaps */
	udp_socket_close(&f->gate.socket);
	free(f);
}

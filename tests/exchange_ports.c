/* The ports of flows of datagrams: how many are opened, in turn, and closed again. */
#include "exchange_stage.h"

#include "exchange/flow_port.h"

enum { MANY = 200, LEAST = 16, SECONDS = 1000 * 1000 };

static struct flow_ports ports;

static bool is_busy(const struct flow_port *port, void *ctx)
{
	(void)ctx;
	return port->flows_n > 0;
}

static struct flow_port *take(void)
{
	int sys = 0;
	struct flow_port *port = flow_ports_choose(&ports, is_busy, NULL, &sys);
	if (port != NULL)
		flow_port_enter(port);
	return port;
}

static void never_readable(struct udp_socket *s)
{
	(void)s;
}

static void open_ports(struct stage *s)
{
	ports = (struct flow_ports){
		.loop = &s->loop, .family = AF_INET, .max = MANY, .on_readable = never_readable
	};
	flow_ports_init(&ports, &s->timers);
}

static void pass(struct stage *s, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		s->loop.now_us += SECONDS + SECONDS / 10;
		ev_invoke(s->loop.ev, &s->timers.timer, 0);
	}
}

static unsigned count_own(void)
{
	unsigned n = 0;
	for (unsigned i = 0; i < 65536; i++)
		n += flow_ports_own(&ports, (uint16_t)i);
	return n;
}

static bool is_in_order(void)
{
	for (uint32_t i = 0; i < ports.n; i++)
		if (ports.of[i]->at != i)
			return false;
	return ports.width <= ports.n;
}

static void test_closing(struct stage *s)
{
	struct flow_port *taken[MANY];
	check_case("ports to backends");
	open_ports(s);
	for (unsigned i = 0; i < MANY; i++)
		check((taken[i] = take()) != NULL, "are there for each flow to a backend");
	check(take() == NULL, "are no more than may be");
	check(ports.n == MANY && count_own() == MANY, "are known as our own");
	for (unsigned i = 0; i < MANY; i++)
		if (i % 3 != 0)
			flow_port_leave(taken[i]);
	pass(s, 2);
	check(ports.n == MANY, "stay open for a while");
	pass(s, 8);
	check(ports.n == (MANY + 2) / 3 && is_in_order(), "are closed when no flow needs them");
	check(count_own() == ports.n, "are our own no longer");
	for (unsigned i = 0; i < MANY; i += 3)
		check(taken[i]->flows_n == 1, "stay where a flow has them");
	flow_port_leave(taken[0]);
	flow_ports_shed(&ports);
	check(ports.n == (MANY + 2) / 3 - 1 && is_in_order(), "are shed at once before a bequest");
	flow_ports_fini(&ports);
	check(ports.n == 0 && count_own() == 0, "are all closed in the end");
}

/* One flow at a time, twenty a second, after a crowd. */
static void test_turn(struct stage *s)
{
	struct flow_port *taken[MANY];
	check_case("ports in turn");
	open_ports(s);
	for (unsigned i = 0; i < MANY; i++)
		taken[i] = take();
	for (unsigned i = 0; i < MANY; i++)
		flow_port_leave(taken[i]);
	for (unsigned i = 0; i < 60U * 20; i++) {
		struct flow_port *port = take();
		check(port != NULL, "serve while fewer are in turn");
		if (port != NULL)
			flow_port_leave(port);
		s->loop.now_us += SECONDS / 20;
		ev_invoke(s->loop.ev, &s->timers.timer, 0);
	}
	check(ports.n < MANY / 4 && is_in_order(), "are few again though flows come and go");
	check(ports.n >= LEAST, "are not fewer than rest between two flows");
	flow_ports_fini(&ports);
}

void exchange_port_tests(struct stage *s)
{
	test_closing(s);
	test_turn(s);
}

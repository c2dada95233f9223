/*
 * Datagrams between clients and backends through the data plane of a worker, and flows that come from
 * the worker before: each input is a script of what clients and backends send, of what ICMP says, and
 * of parcels of a bequest, right or wrong. Whatever it is, a flow is found by its client and by its
 * port alone, and in the end nothing is left: no flow, no case, no block, no port. What is sent goes to
 * addresses of 127.0.0.0/8.
 */
#include "udp_world.h"

enum op {
	OP_CLIENT,  /* a datagram of client `how`, so many bytes */
	OP_ANSWER,  /* of backend `how`, to the flow that was begun last */
	OP_STRANGE, /* of an address that is no backend */
	OP_ICMP,    /* about backend `how`: an errno */
	OP_WAIT,    /* so many times 100 ms */
	OP_DOWN,    /* backend `how` is found dead */
	OP_UP,
	OP_BURST, /* that many clients at once */
	OP_SPLIT, /* a datagram of several segments */
	OP_PARCEL,
	OP_PARCEL_FD, /* with a socket */
	OP_GIVE,      /* all flows go to a worker that is this one */
	OP_CUT,
	OPS,
};

static char memory[UDP_ROOM];

static void client(uint8_t who, size_t n, uint16_t segment)
{
	struct datagram d = { .bytes = memory,
			      .n = n,
			      .segment = segment,
			      .peer = udp_world_addr(who, (uint16_t)(10000 + who)) };
	flow_take(udp_world.gate, &d);
	flow_flush(udp_world_flows());
}

/* To every port that there is: only the flow's own one may take it. */
static void answer(const struct udp_addr *from, size_t n, uint16_t segment)
{
	struct flows *all = udp_world_flows();
	struct datagram d = { .bytes = memory, .n = n, .segment = segment, .peer = *from };
	for (uint32_t i = 0; i < all->ports[0].n; i++)
		all->on_answer(all->ports[0].of[i], &d);
	udp_world_turn();
}

static void icmp(const struct udp_addr *about, int sys)
{
	struct flows *all = udp_world_flows();
	for (uint32_t i = 0; i < all->ports[0].n; i++)
		all->on_trouble(all->ports[0].of[i], about, sys);
	udp_world_turn();
}

static void do_op(enum op op, uint8_t how, struct str rest)
{
	struct udp_addr backend = udp_world_backend(how), stranger = udp_world_addr(200, 9);
	size_t n = (size_t)how * 64;
	switch (op) {
	case OP_CLIENT:
		client(how, rest.n == 0 ? n : rest.n, 0);
		break;
	case OP_ANSWER:
		answer(&backend, rest.n, 0);
		break;
	case OP_STRANGE:
		answer(&stranger, rest.n, 0);
		break;
	case OP_ICMP:
		icmp(&backend, how % 5 == 0 ? EMSGSIZE : ECONNREFUSED);
		break;
	case OP_WAIT:
		udp_world_wait((int64_t)how * 100000);
		break;
	case OP_DOWN:
	case OP_UP:
		udp_world_state(how, op == OP_UP);
		break;
	case OP_BURST:
		for (unsigned i = 0; i < how; i++)
			client((uint8_t)i, 1 + rest.n * 37, 0);
		break;
	case OP_SPLIT:
		client(how, n + 1, (uint16_t)(how / 2 + 1));
		break;
	case OP_PARCEL:
	case OP_PARCEL_FD:
		udp_world_take(how, rest, op == OP_PARCEL_FD);
		break;
	case OP_GIVE:
		udp_world_give();
		break;
	case OP_CUT:
		flow_cut_all(udp_world_flows(), NULL, "cut");
		break;
	case OPS:
		break;
	}
}

/* Three bytes: the op, its argument, the length of what follows. */
static void play(struct str in)
{
	while (in.n >= 3) {
		const uint8_t *op = (const uint8_t *)in.p;
		size_t n = op[2] < in.n - 3 ? op[2] : in.n - 3;
		do_op((enum op)(op[0] % OPS), op[1], (struct str){ in.p + 3, n });
		in.p += 3 + n;
		in.n -= 3 + n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 4096)
		return -1;
	udp_world_begin();
	play((struct str){ (const char *)data, size });
	udp_world_end();
	return 0;
}

/*
 * The data plane of a worker with a service of datagrams, on a loop whose time is the fuzzer's. It is
 * made once; every input has it without a flow, and leaves it so.
 */
#ifndef NEAP_FUZZ_UDP_WORLD_H
#define NEAP_FUZZ_UDP_WORLD_H

#include <errno.h>
#include <sanitizer/lsan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/bundle.h"
#include "exchange/access.h"
#include "exchange/bequest.h"
#include "exchange/flow.h"
#include "exchange/flow_case.h"
#include "exchange/queue.h"
#include "exchange/story.h"
#include "exchange/switch.h"
#include "net/parcel.h"
#include "script/policies.h"
#include "shm/board.h"
#include "shm/board_backend.h"
#include "shm/board_pool.h"
#include "shm/board_state.h"

enum { UDP_BACKENDS = 3, UDP_FLOWS = 64 };

/* Every fifth client's hook waits; backend c has one slot. */
static const char udp_world_config[] =
	"local neap = require 'neap'\n"
	"return { log = { level = 'error' }, workers = 1, listen = '127.0.0.1:8080', mode = 'udp',\n"
	"  limits = { udp_sessions = 64 }, timeouts = { udp = 5 }, responses = 2, requests = 9,\n"
	"  policy = { request = function(request)\n"
	"    if request.client_port % 5 == 0 then neap.sleep(0.5) end\n"
	"    if request.client_port % 11 == 0 then return neap.reply { status = 403 } end\n"
	"  end }, health = { type = 'none' }, queue = { length = 8, timeout = 2 },\n"
	"  backends = { 'udp://127.0.0.1:1', 'udp://127.0.0.1:2',\n"
	"    { url = 'udp://127.0.0.1:3', slots = 1 } } }\n";

struct udp_world {
	struct loop loop;
	struct timers timers;
	struct board *board;
	struct bundle *bundle;
	struct policies *policies;
	struct conf conf;
	struct plane plane;
	struct services services;
	struct flow_gate *gate;
	int channel[2]; /* of a bequest */
	bool is_done;
};

static struct udp_world udp_world;

static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct flows *udp_world_flows(void)
{
	return udp_world.plane.flows;
}

/* ---- how it is made ---- */

static void on_state_change(void *ctx)
{
	(void)ctx; /* there is no agent */
}

static enum err udp_world_load(struct error *e)
{
	struct policies_options o = {
		.loop = &udp_world.loop,
		.board = udp_world.board,
		.native = { .bundle = udp_world.bundle, .is_worker = true, .config = "world.lua" },
		.on_state_change = on_state_change,
	};
	enum err err = policies_create(&udp_world.policies, &o, e);
	return err == ERR_OK ? policies_load(udp_world.policies, &udp_world.conf, e) : err;
}

static void udp_world_publish(void)
{
	int32_t slots[UDP_BACKENDS];
	int pool = board_pool_publish(udp_world.board, str_of(udp_world.conf.pools[0].name));
	for (unsigned i = 0; i < UDP_BACKENDS; i++) {
		struct board_member m = { .weight = 1, .slots = i == 2 ? 1 : 0 };
		m.text = (struct board_text){
			.scheme = "udp", .host = "127.0.0.1", .port = (uint16_t)(i + 1), .addrs = 1
		};
		m.text.name[0] = (char)('a' + i);
		(void)snprintf(m.text.url, sizeof(m.text.url), "udp://127.0.0.1:%u", i + 1);
		m.text.addr[0] = (struct board_addr){ .family = AF_INET,
						      .port = (uint16_t)(i + 1),
						      .ip = { 127, 0, 0, 1 } };
		slots[i] = board_backend_publish(udp_world.board, pool, &m, STATE_UP);
	}
	board_pool_set_members(udp_world.board, pool, slots, UDP_BACKENDS);
}

static enum err udp_world_make_plane(struct error *e)
{
	struct plane *p = &udp_world.plane;
	struct plane_maxima m = { .connections = 8, .requests = 8, .header_bytes = 4096 };
	struct services_origin origin = { p,	&udp_world.conf,   udp_world.policies,
					  NULL, &udp_world.timers, udp_world.board,
					  0 };
	*p = (struct plane){ .loop = &udp_world.loop,
			     .timers = &udp_world.timers,
			     .board = udp_world.board,
			     .conf = &udp_world.conf,
			     .on_state_change = on_state_change };
	switch_init(p, 8);
	enum err err = access_open(p, e);
	if (err == ERR_OK)
		err = plane_init(p, &m, e);
	if (err == ERR_OK)
		err = stories_create(p, 8, e);
	if (err == ERR_OK)
		err = queues_create(p, NULL, e);
	if (err == ERR_OK)
		err = flow_create_all(p, NULL, e);
	return err == ERR_OK ? services_init(&udp_world.services, &origin, e) : err;
}

static void udp_world_open_gate(void)
{
	static struct flow_gate gate;
	int fd = udp_open(AF_INET);
	gate.service = &udp_world.services.of[0];
	udp_socket_init(&gate.socket, &udp_world.loop, fd, NULL);
	list_append(&udp_world_flows()->gates, &gate.node);
	udp_world.gate = &gate;
	must(fd >= 0 && socketpair(AF_UNIX, SOCK_SEQPACKET, 0, udp_world.channel) == 0);
}

static enum err udp_world_make(struct error *e)
{
	enum err err = loop_init(&udp_world.loop, e);
	timers_init(&udp_world.timers, &udp_world.loop);
	if (err == ERR_OK)
		err = board_create(&udp_world.board, e);
	if (err == ERR_OK)
		err = bundle_create(&udp_world.bundle, -1, e);
	if (err == ERR_OK)
		err = bundle_put(udp_world.bundle, "world.lua",
				 (struct str){ udp_world_config, sizeof(udp_world_config) - 1 }, e);
	if (err == ERR_OK)
		err = udp_world_load(e);
	if (err != ERR_OK)
		return err;
	udp_world_publish();
	return udp_world_make_plane(e);
}

/* Lua's pointers have tags, so the leak check does not find what it holds. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:memory_allocate\n";
}

static void udp_world_begin(void)
{
	struct error e;
	if (udp_world.board != NULL)
		return;
	__lsan_disable();
	if (log_open("/dev/null", LOG_LEVEL_ERROR, &e) != ERR_OK || udp_world_make(&e) != ERR_OK) {
		(void)fprintf(stderr, "%s\n", e.text);
		abort();
	}
	udp_world_open_gate();
	queues_start(&udp_world.plane);
	__lsan_enable();
}

/* ---- how it runs ---- */

static struct udp_addr udp_world_addr(uint8_t ip, uint16_t port)
{
	struct udp_addr a = { 0 };
	a.u.in = (struct sockaddr_in){ .sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(0x7f000000U + ip) };
	return a;
}

static struct udp_addr udp_world_backend(uint8_t how)
{
	return udp_world_addr(1, (uint16_t)(how % UDP_BACKENDS + 1));
}

static void udp_world_state(uint8_t how, bool is_up)
{
	(void)board_set_state(udp_world.board, how % UDP_BACKENDS, is_up ? STATE_UP : STATE_DOWN,
			      STR("x"), 0);
}

static void udp_world_turn(void)
{
	flow_flush(udp_world_flows());
	while (!list_is_empty(&udp_world.loop.deferred) ||
	       !list_is_empty(&udp_world.loop.yielded)) {
		if (!list_is_empty(&udp_world.loop.yielded))
			ev_invoke(udp_world.loop.ev, &udp_world.loop.turn, 0);
		ev_invoke(udp_world.loop.ev, &udp_world.loop.prepare, 0);
	}
}

static void udp_world_wait(int64_t us)
{
	udp_world.loop.now_us += us;
	ev_invoke(udp_world.loop.ev, &udp_world.timers.timer, 0);
	udp_world_turn();
}

/* ---- bequests ---- */

static void udp_world_on_done(void *ctx)
{
	(void)ctx;
	udp_world.is_done = true;
}

/* What is in the channel is taken, as by an heir. */
static void udp_world_inherit(void)
{
	struct bequest *b = bequest_take(udp_world_flows(), udp_world.channel[1], flow_adopt,
					 udp_world_on_done, NULL);
	int64_t now_us = udp_world.loop.now_us;
	must(b != NULL);
	udp_world.is_done = false;
	ev_run(udp_world.loop.ev, EVRUN_NOWAIT);
	udp_world.loop.now_us = now_us;
	bequest_destroy(b);
	static struct parcel left; /* after the end */
	while (parcel_receive(udp_world.channel[1], &left) == 1)
		parcel_close(&left, 0);
}

/* how: the kind, and how many are told. The bytes are repeated, for the things are longer. */
static void udp_world_take(uint8_t how, struct str bytes, bool has_socket)
{
	static struct parcel p;
	uint32_t head[2] = { how & 7, how >> 3 };
	int64_t stamp_ms = loop_now_ms(&udp_world.loop);
	memset(&p, 0, sizeof(p));
	memcpy(p.bytes, head, sizeof(head));
	memcpy(p.bytes + 8, &stamp_ms, sizeof(stamp_ms));
	p.n = 16;
	for (unsigned i = 0; i < 8 && bytes.n > 0; i++, p.n += bytes.n)
		memcpy(p.bytes + p.n, bytes.p, bytes.n);
	if (has_socket)
		p.fds[p.fds_n++] = udp_open(AF_INET);
	must(parcel_send(udp_world.channel[0], &p, 0));
	parcel_close(&p, 0);
	udp_world_inherit();
}

static void udp_world_give(void)
{
	flow_give_all(udp_world_flows(), udp_world.channel[0]);
	udp_world_inherit();
}

/* ---- the end of an input ---- */

static void udp_world_end(void)
{
	struct flows *all = udp_world_flows();
	flow_cut_all(all, NULL, "the end");
	for (int i = 0; i < 4; i++)
		udp_world_wait(100 * 1000000);
	must(all->n == 0 && all->of.used == 0 && all->cases.used == 1 && all->blocks_n == 0);
	must(all->held_n == 0 && list_is_empty(&all->waiting) && list_is_empty(&all->held));
	must(all->ports[0].n == 0 && all->ports[1].n == 0 && udp_world.plane.blocks.used == 0);
	for (uint8_t i = 0; i < UDP_BACKENDS; i++)
		udp_world_state(i, true);
}

#endif

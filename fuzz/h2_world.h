/*
 * The data plane of a worker between a client and backends in memory (h2_cable.h), on a loop whose time
 * is the fuzzer's. It is made once; every input has it without a connection, and leaves it so.
 */
#ifndef NEAP_FUZZ_H2_WORLD_H
#define NEAP_FUZZ_H2_WORLD_H

#include <sanitizer/lsan_interface.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/bundle.h"
#include "exchange/access.h"
#include "exchange/queue.h"
#include "exchange/story.h"
#include "exchange/switch.h"
#include "h2_cable.h"
#include "proxy/accept.h"
#include "proxy/h1_front.h"
#include "proxy/h2_front.h"
#include "script/policies.h"
#include "shm/board.h"
#include "shm/board_backend.h"
#include "shm/board_pool.h"
#include "shm/board_state.h"
#include "upstream/h2_pool.h"

enum { CONNECTIONS = 8, WORLD_STREAMS = 12, BACKENDS = 3, SECOND_US = 1000000 };

/* The last backend speaks HTTP/1.1. /own is answered by the policy, /wait makes its hook wait. */
static const char world_config[] =
	"local neap = require 'neap'\n"
	"local policy = {}\n"
	"function policy.request(request)\n"
	"  if request.path == '/own' then return neap.reply { status = 200, body = 'mine',\n"
	"    headers = { ['Content-Type'] = 'text/plain' } } end\n"
	"  if request.path == '/wait' then neap.sleep(0.5) end\n"
	"end\n"
	"function policy.backends(request, pool)\n"
	"  if request.path == '/chat' then return neap.pool 'old' end\n"
	"end\n"
	"return { log = { level = 'error' }, workers = 1,\n"
	"  services = { { listen = '127.0.0.1:8080', pool = 'new', policy = policy,\n"
	"    compress = { min_bytes = 0, answers = 4 },\n"
	"    limits = { streams = 6, headers = 40, header_bytes = 4096, requests = 20,\n"
	"      body_bytes = 150000 } } },\n"
	"  pools = {\n"
	"    new = { http2 = true, backends = { 'http://127.0.0.1:1', 'http://127.0.0.1:2' },\n"
	"      health = { type = 'none' }, keepalive = { requests = 12 },\n"
	"      retry = { status = { 503 }, body_bytes = 20000 } },\n"
	"    old = { backends = { 'http://127.0.0.1:3' }, health = { type = 'none' } } } }\n";

struct world {
	struct loop loop;
	struct timers timers;
	struct board *board;
	struct bundle *bundle;
	struct policies *policies;
	struct conf conf;
	struct fronts fronts;
	struct services services;
	struct front door; /* of the client's connection, before HTTP/2 has it */
};

static struct world world;

static struct plane *world_plane(void)
{
	return &world.fronts.plane;
}

/* ---- how it is made ---- */

static void on_state_change(void *ctx)
{
	(void)ctx; /* there is no agent */
}

static enum err world_load(struct error *e)
{
	struct policies_options o = {
		.loop = &world.loop,
		.board = world.board,
		.native = { .bundle = world.bundle, .is_worker = true, .config = "world.lua" },
		.on_state_change = on_state_change,
	};
	enum err err = policies_create(&world.policies, &o, e);
	return err == ERR_OK ? policies_load(world.policies, &world.conf, e) : err;
}

static int world_publish_one(int pool, unsigned i)
{
	struct board_member m = { .weight = 1 };
	m.text = (struct board_text){
		.scheme = "http", .host = "127.0.0.1", .port = (uint16_t)(i + 1), .addrs = 1
	};
	m.text.name[0] = (char)('a' + i);
	(void)snprintf(m.text.url, sizeof(m.text.url), "http://127.0.0.1:%u", i + 1);
	m.text.addr[0] = (struct board_addr){ .family = AF_INET,
					      .port = (uint16_t)(i + 1),
					      .ip = { 127, 0, 0, 1 } };
	return board_backend_publish(world.board, pool, &m, STATE_UP);
}

static void world_publish(void)
{
	int32_t slots[BACKENDS];
	unsigned at = 0;
	for (unsigned i = 0; i < world.conf.pools_n; i++) {
		const struct conf_pool *conf = &world.conf.pools[i];
		int pool = board_pool_publish(world.board, str_of(conf->name));
		unsigned first = at, n = conf->http2 == CONF_HTTP2_ON ? BACKENDS - 1 : 1;
		for (; at < first + n; at++)
			slots[at] = world_publish_one(pool, at);
		board_pool_set_members(world.board, pool, slots + first, n);
	}
}

static enum err world_make_plane(struct error *e)
{
	const struct conf_service *service = &world.conf.services[0];
	struct plane *plane = world_plane();
	struct plane_maxima m = {
		.connections = CONNECTIONS,
		.requests = CONNECTIONS + WORLD_STREAMS,
		.header_bytes = service->limits.header_bytes,
		.replay_bytes = world.conf.pools[0].retry.body_bytes,
		.hook_body_bytes = world.conf.pools[0].limits.header_bytes,
		.answer_bytes = world.conf.pools[0].limits.header_bytes,
	};
	struct accept_maxima accept = { CONNECTIONS, service->limits.header_bytes,
					service->limits.headers +
						world.conf.pools[0].limits.headers,
					WORLD_STREAMS };
	struct services_origin origin = { plane, &world.conf,	world.policies,
					  NULL,	 &world.timers, world.board,
					  0 };
	*plane = (struct plane){ .loop = &world.loop,
				 .timers = &world.timers,
				 .board = world.board,
				 .conf = &world.conf,
				 .on_state_change = on_state_change };
	must(accept_init(&world.fronts, &accept) == ERR_OK);
	switch_init(plane, CONNECTIONS);
	world.fronts.linger = timers_lane(&world.timers, 2000);
	enum err err = access_open(plane, e);
	if (err == ERR_OK)
		err = plane_init(plane, &m, e);
	if (err == ERR_OK)
		err = stories_create(plane, CONNECTIONS, e);
	if (err == ERR_OK)
		err = queues_create(plane, NULL, e);
	return err == ERR_OK ? services_init(&world.services, &origin, e) : err;
}

static enum err world_make(struct error *e)
{
	enum err err = loop_init(&world.loop, e);
	timers_init(&world.timers, &world.loop);
	if (err == ERR_OK)
		err = board_create(&world.board, e);
	if (err == ERR_OK)
		err = bundle_create(&world.bundle, -1, e);
	if (err == ERR_OK)
		err = bundle_put(world.bundle, "world.lua",
				 (struct str){ world_config, sizeof(world_config) - 1 }, e);
	if (err == ERR_OK)
		err = world_load(e);
	if (err != ERR_OK)
		return err;
	world_publish();
	return world_make_plane(e);
}

/* Lua's pointers have tags, so the leak check does not find what it holds. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:memory_allocate\n";
}

static void world_begin(void)
{
	struct error e;
	if (world.board != NULL)
		return;
	__lsan_disable();
	if (log_open("stderr", LOG_LEVEL_ERROR, &e) != ERR_OK || world_make(&e) != ERR_OK) {
		(void)fprintf(stderr, "%s\n", e.text);
		abort();
	}
	queues_start(world_plane());
	__lsan_enable();
}

/* ---- how it runs ---- */

static bool cable_tell(struct cable *c)
{
	int events = 0;
	if (c->stream == NULL || c->is_dialled)
		return false;
	if (c->in_n > c->at || c->end != CABLE_GOES_ON)
		events |= STREAM_READABLE;
	if (c->room > 0 || c->end == CABLE_BREAKS)
		events |= STREAM_WRITABLE;
	events &= c->stream->watched;
	if (events != 0)
		c->stream->on_ready(c->stream, events);
	return events != 0;
}

static bool loop_has_work(void)
{
	return !list_is_empty(&world.loop.deferred) || !list_is_empty(&world.loop.yielded);
}

/* Until nothing happens any more. What is told again and again without any effect is a fault. */
static void world_turn(void)
{
	unsigned idle = 0;
	bool was_told = true;
	while (was_told || loop_has_work()) {
		uint64_t moved = cables.moved;
		was_told = false;
		for (size_t i = 0; i < CABLES; i++)
			was_told = cable_tell(&cables.of[i]) || was_told;
		if (!list_is_empty(&world.loop.yielded))
			ev_invoke(world.loop.ev, &world.loop.turn, 0);
		ev_invoke(world.loop.ev, &world.loop.prepare, 0);
		idle = cables.moved > moved ? 0 : idle + 1;
		must(idle < IDLE_TURNS_MAX);
	}
}

static void world_wait(int64_t us)
{
	world.loop.now_us += us;
	ev_invoke(world.loop.ev, &world.timers.timer, 0);
	world_turn();
}

/* ---- one input ---- */

static void no_open(struct stream *s, bool is_open)
{
	(void)s, (void)is_open;
}

static void no_due(struct timer *t)
{
	(void)t;
}

/* The client's connection; NULL: it is closed. */
static struct front *world_front(void)
{
	struct list *node = list_first(&world.fronts.open);
	return node != NULL ? container_of(node, struct front, node) : NULL;
}

/* A client connects, and begins with HTTP/2's preface. */
static void world_connect(void)
{
	static const struct front_start start = { NULL, { NULL, no_open }, no_due };
	struct peer peer = { .family = AF_INET, .port = 1, .ip = { 127, 0, 0, 1 } };
	struct buf nothing;
	buf_init(&nothing, &world.fronts.heads);
	stream_init(&world.door.stream, &world.loop);
	cable_open(&cables.of[0], &world.door.stream, true, false);
	front_init(&world.door, &world.services.of[0], &peer, &start);
	must(h2_front_take(&world.door, &nothing));
}

/* One that speaks HTTP/1.1: its front is opened on a socket, and gets the cable instead of it. */
static void world_connect_old(void)
{
	struct peer peer = { .family = AF_INET, .port = 1, .ip = { 127, 0, 0, 1 } };
	struct service *service = &world.services.of[0];
	struct h1_front *f = slab_take(&world.fronts.h1_fronts);
	int fds[2];
	must(f != NULL && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	h1_front_open(f, service, &service->conf->listen[0], fds[0], &peer);
	struct stream *s = &world_front()->stream;
	uint8_t watched = s->watched;
	stream_leave(s);
	(void)close(fds[0]);
	(void)close(fds[1]);
	s->fd = -1;
	cable_open(&cables.of[0], s, false, false);
	stream_watch(s, watched);
}

/* All states are as at the beginning. */
static void world_reset(void)
{
	for (int slot = 0; slot < BACKENDS; slot++)
		(void)board_set_state(world.board, slot, STATE_UP, STR(""), 0);
	cables.dial = DIAL_STANDS;
	world_plane()->phase = PLANE_SERVES;
}

static void must_be_empty(const struct slab *s)
{
	must(s->used == 0);
}

/* Nothing of the input is left. */
static void world_check(void)
{
	const struct plane *p = world_plane();
	const struct h2_worker *h2 = p->upstream.h2;
	must(world.fronts.n == 0);
	must_be_empty(&world.fronts.h1_fronts);
	must_be_empty(&world.fronts.h1_clients);
	must_be_empty(&world.fronts.h2_fronts);
	must_be_empty(&world.fronts.h2.clients);
	must_be_empty(&world.fronts.h2.small_heads);
	must_be_empty(&world.fronts.h2.pieces);
	must_be_empty(&world.fronts.h2.outs);
	must_be_empty(&world.fronts.heads);
	must_be_empty(&p->blocks);
	must_be_empty(&p->bodies);
	must_be_empty(&p->answers);
	must_be_empty(&p->pumps);
	must_be_empty(&p->squeezed);
	must(p->squeezes_n == 0);
	must_be_empty(&p->upstream.uconns);
	if (h2 == NULL)
		return;
	must_be_empty(&h2->conns);
	must_be_empty(&h2->blocks);
	must(h2->calls.object_bytes == 0 || h2->calls.used == 0);
}

/* Everybody leaves; then the time of all that waits comes. */
static void world_end(void)
{
	struct front *f;
	for (size_t i = 0; i < CABLES; i++) {
		cable_settle(&cables.of[i], 1);
		cables.of[i].end = CABLE_BREAKS;
	}
	world_turn();
	while ((f = world_front()) != NULL)
		f->ops->close(f, "the end");
	for (int i = 0; i < 4; i++)
		world_wait(100 * SECOND_US);
	(void)upstream_close_idle(&world_plane()->upstream);
	world_turn();
	world_check();
}

#endif

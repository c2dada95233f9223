#include "exchange_stage.h"

#include <stdio.h>
#include <unistd.h>

#include "conf/bundle.h"
#include "exchange/access.h"
#include "exchange/queue.h"
#include "exchange/story.h"
#include "exchange/switch.h"
#include "net_support.h"
#include "script/policies.h"
#include "shm/board.h"
#include "shm/board_backend.h"
#include "shm/board_pool.h"
#include "upstream/pool.h"

#define CONFIG_NAME "stage.lua"

enum { CONNECTIONS = 8, BACKENDS = 2, BACKLOG = 64 };

static const char config[] =
	"local neap = require 'neap'\n"
	"return { listen = '127.0.0.1:8080', workers = 1,\n"
	"  backends = {\n"
	"    { name = 'a', url = 'http://127.0.0.1:%u' },\n"
	"    { name = 'b', url = 'http://127.0.0.1:%u' } },\n"
	"  policy = { request = function(request)\n"
	"    if request.path == '/own' then return neap.reply { status = 200, body = 'mine' } end\n"
	"  end } }\n";

/* ---- the config ---- */

static enum err put_config(struct stage *s, unsigned port, struct error *e)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), config, port, port);
	enum err err = bundle_create(&s->bundle, -1, e);
	return err == ERR_OK
		       ? bundle_put(s->bundle, CONFIG_NAME, (struct str){ text, (size_t)n }, e)
		       : err;
}

static void on_state_change(void *ctx)
{
	(void)ctx; /* there is no agent to be told */
}

static enum err load(struct stage *s, struct error *e)
{
	struct policies_options o = {
		.loop = &s->loop,
		.board = s->board,
		.worker = 0,
		.native = { .bundle = s->bundle, .is_worker = true, .config = CONFIG_NAME },
		.on_state_change = on_state_change,
	};
	enum err err = policies_create(&s->policies, &o, e);
	return err == ERR_OK ? policies_load(s->policies, &s->conf, e) : err;
}

/* As the agent publishes it. */
static void publish(struct stage *s, unsigned port)
{
	int32_t slots[BACKENDS];
	int pool = board_pool_publish(s->board, str_of(s->conf.pools[0].name));
	for (unsigned i = 0; i < BACKENDS; i++) {
		struct board_member m = { .weight = 1 };
		m.text = (struct board_text){
			.scheme = "http", .host = "127.0.0.1", .port = (uint16_t)port, .addrs = 1
		};
		m.text.name[0] = (char)('a' + i);
		(void)snprintf(m.text.url, sizeof(m.text.url), "http://127.0.0.1:%u", port);
		m.text.addr[0] = (struct board_addr){ .family = AF_INET,
						      .port = (uint16_t)port,
						      .ip = { 127, 0, 0, 1 } };
		slots[i] = board_backend_publish(s->board, pool, &m, STATE_UP);
	}
	board_pool_set_members(s->board, pool, slots, BACKENDS);
}

/* ---- the plane ---- */

static enum err make_plane(struct stage *s, struct error *e)
{
	const struct conf_pool *pool = &s->conf.pools[0];
	struct plane_maxima m = { .connections = CONNECTIONS,
				  .requests = CONNECTIONS,
				  .header_bytes = s->conf.services[0].limits.header_bytes,
				  .replay_bytes = pool->retry.body_bytes,
				  .answer_bytes = pool->limits.header_bytes };
	struct services_origin origin = { &s->plane, &s->conf, s->policies, NULL, &s->timers,
					  s->board,  0 };
	s->plane = (struct plane){ .loop = &s->loop,
				   .timers = &s->timers,
				   .board = s->board,
				   .conf = &s->conf,
				   .on_state_change = on_state_change };
	slab_init(&s->heads, STAGE_HEAD_BYTES, CONNECTIONS);
	switch_init(&s->plane, CONNECTIONS);
	enum err err = access_open(&s->plane, e);
	if (err == ERR_OK)
		err = plane_init(&s->plane, &m, e);
	if (err == ERR_OK)
		err = stories_create(&s->plane, CONNECTIONS, e);
	if (err == ERR_OK)
		err = queues_create(&s->plane, NULL, e);
	return err == ERR_OK ? services_init(&s->services, &origin, e) : err;
}

/* ---- life ---- */

static enum err make(struct stage *s, struct error *e)
{
	struct addr a;
	enum err err = loop_init(&s->loop, e);
	if (err != ERR_OK)
		return err;
	timers_init(&s->timers, &s->loop);
	s->listening = listen_local(&a, BACKLOG);
	unsigned port = ntohs(a.u.in.sin_port);
	err = board_create(&s->board, e);
	if (err == ERR_OK)
		err = put_config(s, port, e);
	if (err == ERR_OK)
		err = load(s, e);
	if (err != ERR_OK)
		return err;
	publish(s, port);
	return make_plane(s, e);
}

bool stage_open(struct stage *s)
{
	struct error e;
	*s = (struct stage){ .listening = -1 };
	check_case("a data plane");
	if (!check(make(s, &e) == ERR_OK, "is made from a config")) {
		printf("%s\n", e.text);
		return false;
	}
	queues_start(&s->plane);
	return check(s->services.n == 1 && s->conf.pools_n == 1 &&
			     s->conf.services[0].limits.headers + s->conf.pools[0].limits.headers <=
				     STAGE_FIELDS,
		     "as the tests expect it");
}

void stage_close(struct stage *s)
{
	queues_destroy(&s->plane);
	services_fini(&s->services);
	access_close(&s->plane);
	stories_destroy(&s->plane);
	plane_fini(&s->plane);
	slab_fini(&s->heads);
	policies_destroy(s->policies);
	bundle_destroy(s->bundle);
	conf_fini(&s->conf);
	board_destroy(s->board);
	timers_fini(&s->timers);
	loop_fini(&s->loop);
	(void)close(s->listening);
}

void stage_forget(struct stage *s)
{
	for (int slot = 0; slot < BACKENDS; slot++)
		(void)board_set_state(s->board, slot, STATE_UP, STR(""), 0);
	(void)upstream_close_idle(&s->plane.upstream);
}

struct service *stage_service(struct stage *s)
{
	return &s->services.of[0];
}

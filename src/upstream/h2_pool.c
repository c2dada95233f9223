#include "upstream/h2_pool.h"

#include <errno.h>
#include <stdlib.h>

#include "net/sock.h"
#include "net/tls_stream.h"

enum {
	SILENT_IDLE_MS = 1000,	/* an idle connection: asked before it is used */
	SILENT_USED_MS = 10000, /* one with streams, none of which moved */
	PROBE_IDLE_MS = 1000,	/* so long its answer is awaited */
	PROBE_USED_MS = 10000,	/* a backend that is busy may take its time */
	HTTP1_KNOWN_MS = 60000, /* so long it is believed that a backend speaks HTTP/1.1 only */
};

struct h2_pool {
	struct upstream *upstream;
	struct backend *backend;
	struct h2_wish wish;	 /* of who came last */
	struct list conns;	 /* that stand */
	struct list others;	 /* that leave, or are gone, while somebody uses them */
	struct list waiting;	 /* places */
	struct h2_conn *dialled; /* does not take streams yet; NULL: none */
	struct deferred pass;
	int64_t http1_until_us; /* the backend speaks HTTP/1.1 only, as far as we know */
};

static struct h2_pool *pool_of(const struct h2_conn *c)
{
	return c->pool;
}

static struct loop *loop_of(const struct h2_pool *p)
{
	return p->upstream->loop;
}

static void start_timer(struct h2_conn *c, struct timer_lane *lane, void (*on_due)(struct timer *t))
{
	c->uconn->idle_timer.on_due = on_due;
	timer_start(&c->uconn->idle_timer, lane);
}

static struct h2_conn *conn_of_timer(struct timer *t)
{
	return container_of(t, struct uconn, idle_timer)->owner;
}

static void pass_later(struct h2_pool *p)
{
	loop_defer(loop_of(p), &p->pass);
}

/* ---- turns ---- */

static void give_turn(struct h2_place *place, struct h2_conn *c, struct uconn *u,
		      const struct stream_failure *why)
{
	list_remove(&place->node);
	place->on_turn(place, c, u, why);
}

/* All who wait now, with the same. Those who come meanwhile wait for something else. */
static void turn_all_away(struct h2_pool *p, struct uconn *u, const struct stream_failure *why)
{
	struct list batch, *node;
	list_init(&batch);
	while ((node = list_first(&p->waiting)) != NULL) {
		list_remove(node);
		list_append(&batch, node);
	}
	while ((node = list_first(&batch)) != NULL) {
		give_turn(container_of(node, struct h2_place, node), NULL, u, why);
		u = NULL; /* the first one has it */
	}
	if (u != NULL)
		uconn_close(u);
}

/* ---- dialling ---- */

static void forget(struct h2_conn *c)
{
	list_remove(&c->node);
	h2_conn_free(c);
}

/* The words may be the stream's: they are told before it is closed. */
static void fail_dial(struct h2_pool *p, struct stream_failure why)
{
	struct h2_conn *c = p->dialled;
	p->dialled = NULL;
	turn_all_away(p, NULL, &why);
	forget(c);
}

static void on_dial_due(struct timer *t)
{
	fail_dial(pool_of(conn_of_timer(t)),
		  (struct stream_failure){ STREAM_FAILURE_SYSTEM, ETIMEDOUT,
					   sock_err_text(ETIMEDOUT) });
}

static bool speaks_h2(const struct uconn *u)
{
	struct tls_facts facts;
	return !tls_stream_facts(&u->stream, &facts) || str_eq(facts.alpn, STR("h2"));
}

static void become_http1(struct h2_pool *p, struct uconn *u)
{
	struct h2_conn *c = p->dialled;
	p->dialled = NULL;
	p->http1_until_us = loop_of(p)->now_us + (int64_t)HTTP1_KNOWN_MS * 1000;
	timer_stop(&u->idle_timer);
	c->uconn = NULL;
	forget(c);
	turn_all_away(p, u, NULL);
}

static void stands(struct h2_pool *p, struct uconn *u)
{
	static const struct stream_failure no_memory = { STREAM_FAILURE_SYSTEM, ENOMEM, "" };
	static const struct stream_failure no_h2 = {
		STREAM_FAILURE_PROTOCOL, EPROTO,
		"the backend does not offer HTTP/2 (ALPN), as its pool wants"
	};
	if (likely(speaks_h2(u))) {
		if (!h2_conn_start(p->dialled, u, p->wish.events))
			fail_dial(p, no_memory);
	} else if (p->wish.is_auto) {
		become_http1(p, u);
	} else {
		fail_dial(p, no_h2);
	}
}

/* Some refuse a protocol by an alert, others go on without one. */
static struct stream_failure why_not(const struct h2_pool *p, const struct uconn *u)
{
	struct stream_failure why = stream_failure(&u->stream);
	if (why.kind == STREAM_FAILURE_TLS && tls_stream_reason(&u->stream) == TLS_REASON_ALPN)
		why.words = p->wish.is_auto
				    ? "the backend offers neither HTTP/2 nor HTTP/1.1 (ALPN)"
				    : "the backend does not offer HTTP/2 (ALPN), as its pool wants";
	return why;
}

static void on_connected(struct uconn *u, bool is_connected)
{
	struct h2_conn *c = u->owner;
	struct h2_pool *p = pool_of(c);
	if (is_connected)
		stands(p, u);
	else
		fail_dial(p, why_not(p, u));
}

static enum uconn_dialled dial_for(struct h2_pool *p, struct h2_conn *c,
				   struct stream_failure *why);

/* Another one, in the time that is left. */
static void on_lost(struct uconn *u)
{
	struct h2_conn *c = u->owner;
	struct h2_pool *p = pool_of(c);
	struct stream_failure why;
	uconn_close(u);
	c->uconn = NULL;
	if (dial_for(p, c, &why) == UCONN_FAILED)
		fail_dial(p, why);
}

static enum uconn_dialled dial_for(struct h2_pool *p, struct h2_conn *c, struct stream_failure *why)
{
	static const char both[] = "\x02h2\x08http/1.1", only[] = "\x02h2";
	struct uconn_wish wish = { .on_connected = on_connected,
				   .on_lost = on_lost,
				   .owner = c,
				   .pool = p->wish.pool,
				   .alpn = p->wish.is_auto ? (struct str){ both, sizeof(both) - 1 }
							   : (struct str){ only, sizeof(only) - 1 },
				   .timeout_ms = p->wish.timeout_ms };
	enum uconn_dialled dialled = uconn_dial(p->upstream, p->backend, &wish, &c->uconn, why);
	if (dialled != UCONN_FAILED)
		start_timer(c, p->wish.deadline, on_dial_due);
	return dialled;
}

static const struct h2_conn_owner owner;

/* false: *why. What stands at once is told later, too: its settings are awaited. */
static bool dial(struct h2_pool *p, struct stream_failure *why)
{
	struct h2_conn *c = h2_conn_create(p->upstream->h2, &owner, p->wish.counts);
	*why = (struct stream_failure){ STREAM_FAILURE_SYSTEM, ENOMEM, sock_err_text(ENOMEM) };
	if (c == NULL)
		return false;
	c->pool = p;
	c->window_max = p->wish.window_max;
	p->dialled = c;
	enum uconn_dialled dialled = dial_for(p, c, why);
	if (dialled == UCONN_CONNECTED && h2_conn_start(c, c->uconn, p->wish.events))
		return true;
	if (dialled == UCONN_IN_PROGRESS)
		return true;
	p->dialled = NULL;
	h2_conn_free(c);
	return false;
}

/* ---- which connection ---- */

static bool is_spent(const struct h2_conn *c)
{
	const struct h2_pool *p = pool_of(c);
	return c->uconn->places != p->backend->places ||
	       (p->wish.max_requests != 0 && c->uconn->requests >= p->wish.max_requests);
}

static bool is_silent(const struct h2_conn *c)
{
	int64_t ms = c->users > 0 ? SILENT_USED_MS : SILENT_IDLE_MS;
	return loop_of(pool_of(c))->now_us - c->heard_us > ms * 1000;
}

static void on_probe_due(struct timer *t)
{
	h2_conn_fail(conn_of_timer(t),
		     (struct stream_failure){ STREAM_FAILURE_RESET, EPROTO,
					      "the connection is dead: no answer to a PING" });
}

static void probe(struct h2_conn *c)
{
	struct h2_pool *p = pool_of(c);
	uint32_t ms = c->users > 0 ? PROBE_USED_MS : PROBE_IDLE_MS;
	h2_conn_probe(c);
	start_timer(c, timers_lane(p->upstream->timers, ms), on_probe_due);
}

/* The first with room: so that few are used, and the others become idle. */
static struct h2_conn *choose(struct h2_pool *p, bool *is_probed)
{
	struct list *node = p->conns.next, *next;
	*is_probed = false;
	for (; node != &p->conns; node = next) {
		struct h2_conn *c = container_of(node, struct h2_conn, node);
		next = node->next;
		if (unlikely(is_spent(c)))
			h2_conn_leave(c);
		if (unlikely(h2_conn_room(c) == 0)) {
			*is_probed = *is_probed || c->is_probed;
			continue;
		}
		if (likely(!is_silent(c)))
			return c;
		probe(c);
		*is_probed = true;
	}
	return NULL;
}

static void use(struct h2_conn *c)
{
	if (c->users == 0)
		timer_stop(&c->uconn->idle_timer);
}

/* Whoever waits gets what there is; for the others one more is dialled. */
static void serve(struct h2_pool *p)
{
	bool is_probed = false;
	struct stream_failure why;
	struct list *node;
	struct h2_conn *c;
	while ((node = list_first(&p->waiting)) != NULL && (c = choose(p, &is_probed)) != NULL) {
		use(c);
		give_turn(container_of(node, struct h2_place, node), c, NULL, NULL);
	}
	if (!list_is_empty(&p->waiting) && p->dialled == NULL && !is_probed && !dial(p, &why))
		turn_all_away(p, NULL, &why);
}

/* ---- what happened to connections ---- */

/* One that takes no streams from the start is of no use, and one more would be no better. */
static void settle_dial(struct h2_pool *p)
{
	static const struct stream_failure useless = { STREAM_FAILURE_PROTOCOL, EPROTO,
						       "the backend allows no streams" };
	struct h2_conn *c = p->dialled;
	if (c == NULL || c->state < H2_CONN_OPEN)
		return;
	if (c->state == H2_CONN_GONE || h2_conn_room(c) == 0) {
		fail_dial(p, c->state == H2_CONN_GONE ? c->why : useless);
		return;
	}
	p->dialled = NULL;
	timer_stop(&c->uconn->idle_timer);
	list_append(&p->conns, &c->node);
}

/* Those that take no streams any more. */
static void sort_out(struct h2_pool *p)
{
	struct list *node = p->conns.next, *next;
	for (; node != &p->conns; node = next) {
		struct h2_conn *c = container_of(node, struct h2_conn, node);
		next = node->next;
		if (c->state == H2_CONN_OPEN)
			continue;
		list_remove(node);
		if (c->users == 0)
			h2_conn_free(c);
		else
			list_append(&p->others, node);
	}
}

static unsigned idle_n(const struct h2_pool *p)
{
	unsigned n = 0;
	for (struct list *node = p->conns.next; node != &p->conns; node = node->next)
		n += container_of(node, struct h2_conn, node)->users == 0;
	return n;
}

static void on_idle_due(struct timer *t)
{
	forget(conn_of_timer(t));
}

/* Only the newest of too many stay. */
static void become_idle(struct h2_conn *c)
{
	struct h2_pool *p = pool_of(c);
	if (is_spent(c) || idle_n(p) > p->wish.max_idle)
		forget(c);
	else if (!timer_runs(&c->uconn->idle_timer))
		start_timer(c, p->wish.idle, on_idle_due);
}

static void run_pass(struct deferred *d)
{
	struct h2_pool *p = container_of(d, struct h2_pool, pass);
	settle_dial(p);
	sort_out(p);
	serve(p);
	for (struct list *node = p->conns.next, *next; node != &p->conns; node = next) {
		struct h2_conn *c = container_of(node, struct h2_conn, node);
		next = node->next;
		if (c->users == 0)
			become_idle(c);
	}
}

static void on_change(struct h2_conn *c)
{
	pass_later(pool_of(c));
}

static void on_room(struct h2_conn *c)
{
	if (unlikely(!list_is_empty(&pool_of(c)->waiting)))
		pass_later(pool_of(c));
}

static void on_pong(struct h2_conn *c)
{
	timer_stop(&c->uconn->idle_timer);
	pass_later(pool_of(c));
}

static void on_unused(struct h2_conn *c)
{
	struct h2_pool *p = pool_of(c);
	if (c == p->dialled)
		return;
	if (c->state != H2_CONN_OPEN)
		forget(c);
	else if (!timer_runs(&c->uconn->idle_timer))
		become_idle(c);
}

static const struct h2_conn_owner owner = {
	.on_open = on_change,
	.on_room = on_room,
	.on_leave = on_change,
	.on_pong = on_pong,
	.on_unused = on_unused,
};

/* ---- joining ---- */

static struct h2_pool *create(struct upstream *up, struct backend *b)
{
	struct error e;
	if (up->h2 == NULL) {
		struct h2_worker *w = calloc(1, sizeof(*w));
		if (w == NULL || h2_worker_init(w, up->loop, up->uconns.cap, &e) != ERR_OK) {
			free(w);
			return NULL;
		}
		up->h2 = w;
	}
	struct h2_pool *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->upstream = up;
	p->backend = b;
	list_init(&p->conns);
	list_init(&p->others);
	list_init(&p->waiting);
	deferred_init(&p->pass, run_pass);
	return p;
}

static enum h2_joined wait_for_one(struct h2_pool *p, struct h2_place *place, bool is_probed,
				   struct stream_failure *why)
{
	list_append(&p->waiting, &place->node);
	if (p->dialled != NULL || is_probed || dial(p, why))
		return H2_WAITS;
	list_remove(&place->node);
	return H2_FAILED;
}

enum h2_joined h2_pool_join(struct upstream *up, struct backend *b, const struct h2_wish *wish,
			    struct h2_place *place, struct h2_conn **conn,
			    struct stream_failure *why)
{
	bool is_probed = false;
	*why = (struct stream_failure){ STREAM_FAILURE_SYSTEM, ENOMEM, sock_err_text(ENOMEM) };
	if (unlikely(b->h2 == NULL) && (b->h2 = create(up, b)) == NULL)
		return H2_FAILED;
	struct h2_pool *p = b->h2;
	p->wish = *wish;
	*conn = list_is_empty(&p->waiting) ? choose(p, &is_probed) : NULL;
	if (unlikely(*conn == NULL))
		return wait_for_one(p, place, is_probed, why);
	use(*conn);
	return H2_JOINED;
}

bool h2_pool_lacks_h2(const struct backend *b)
{
	return b->h2 != NULL && loop_of(b->h2)->now_us < b->h2->http1_until_us;
}

void h2_pool_doubt(struct h2_stream *s)
{
	struct h2_conn *c = s->conn;
	if (!h2_conn_is_gone(c) && !c->is_probed && c->heard_us <= s->heard_at_us)
		probe(c);
}

/* ---- closing ---- */

unsigned h2_pool_close_idle(struct backend *b)
{
	struct h2_pool *p = b->h2;
	unsigned closed = 0;
	if (p == NULL)
		return 0;
	for (struct list *node = p->conns.next, *next; node != &p->conns; node = next) {
		struct h2_conn *c = container_of(node, struct h2_conn, node);
		next = node->next;
		if (c->users > 0 || c->is_busy) {
			h2_conn_leave(c);
		} else {
			forget(c);
			closed++;
		}
	}
	return closed;
}

static void close_all(struct list *conns)
{
	struct list *node;
	while ((node = list_first(conns)) != NULL)
		forget(container_of(node, struct h2_conn, node));
}

void h2_pool_drop(struct backend *b)
{
	struct h2_pool *p = b->h2;
	if (p == NULL)
		return;
	loop_defer_cancel(&p->pass);
	if (p->dialled != NULL)
		h2_conn_free(p->dialled);
	close_all(&p->conns);
	close_all(&p->others);
	free(p);
	b->h2 = NULL;
}

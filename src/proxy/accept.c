#include "proxy/accept.h"

#include "exchange/reply.h"
#include "net/sock.h"
#include "net/tls_shake.h"
#include "net/trim.h"
#include "proxy/h1_front.h"
#include "proxy/h2_front.h"
#include "proxy/tcp_front.h"
#include "shm/board_service.h"
#include "shm/stats.h"

static bool has_tls(const struct conf *c)
{
	for (unsigned i = 0; i < c->services_n; i++)
		if (c->services[i].tls.on)
			return true;
	return false;
}

static bool has_http2(const struct conf *c)
{
	for (unsigned i = 0; i < c->services_n; i++)
		if (c->services[i].http2)
			return true;
	return false;
}

enum {
	SMALL_HEAD = 2048,
	LINES_MORE = 128, /* fields that neap and scripts add to a head */
};

static enum err init_http2(struct fronts *all, const struct accept_maxima *m)
{
	struct loop *loop = all->plane.loop;
	uint32_t n = m->connections;
	trim_slab_init(loop, &all->h2_fronts, sizeof(struct h2_front), n);
	trim_slab_init(loop, &all->h2.clients,
		       sizeof(struct h2_client) + m->fields * sizeof(struct http_field),
		       m->streams);
	trim_slab_init(loop, &all->h2.small_heads, SMALL_HEAD, m->streams);
	trim_slab_init(loop, &all->h2.pieces, H2_PIECE_BYTES, 4 * m->streams);
	trim_slab_init(loop, &all->h2.outs, H2_LINK_OUT, n);
	if (!has_http2(all->plane.conf))
		return ERR_OK;
	enum err err = h2_shared_init(&all->h2.shared, m->fields + LINES_MORE);
	if (err == ERR_OK)
		trim_add(loop, &all->h2.shared.arenas);
	return err;
}

static void fini_http2(struct fronts *all)
{
	slab_fini(&all->h2_fronts);
	slab_fini(&all->h2.clients);
	slab_fini(&all->h2.small_heads);
	slab_fini(&all->h2.pieces);
	slab_fini(&all->h2.outs);
	h2_shared_fini(&all->h2.shared);
}

enum err accept_init(struct fronts *all, const struct accept_maxima *m)
{
	struct loop *loop = all->plane.loop;
	uint32_t n = m->connections;
	list_init(&all->open);
	all->max = n;
	trim_slab_init(loop, &all->h1_fronts, sizeof(struct h1_front), n);
	trim_slab_init(loop, &all->h1_clients,
		       sizeof(struct h1_client) + m->fields * sizeof(struct http_field), n);
	trim_slab_init(loop, &all->heads, m->header_bytes + FRONT_HEAD_ROOM, 4 * n);
	trim_slab_init(loop, &all->tcp_fronts, sizeof(struct tcp_front), n);
	trim_slab_init(loop, &all->tunnels, sizeof(struct tunnel), n);
	if (has_tls(all->plane.conf)) /* half of the places may be taken by handshakes */
		tls_limit_handshakes(all->plane.loop, n > 1 ? n / 2 : 1);
	return init_http2(all, m);
}

void accept_fini(struct fronts *all)
{
	slab_fini(&all->h1_fronts);
	slab_fini(&all->h1_clients);
	slab_fini(&all->heads);
	slab_fini(&all->tcp_fronts);
	slab_fini(&all->tunnels);
	fini_http2(all);
	outer_tls_fini(&all->outer_tls);
}

static void say_crowded(struct fronts *all)
{
	uint32_t skipped = 0;
	if (log_may(&all->crowded, loop_now_ms(all->plane.loop), &skipped))
		log_warn(
			"too many connections: %u are open, limits.connections is %u (%u more turned away)",
			all->n, all->max, skipped);
}

/* It gets no object. What it sent is read once, so that closing does not reset the answer away. */
static void turn_away(struct fronts *all, const struct service *s, const struct conf_listen *listen,
		      int fd)
{
	const struct plane *p = &all->plane;
	char text[512];
	stat_add(&s->counts->refused[REFUSED_CONNECTIONS], 1);
	if (s->conf->is_tcp || listen->is_tls) { /* nothing that it could read */
		sock_close_with_reset(fd);
	} else {
		const char *reason = s->conf->hides_reasons ? "" : "too many connections";
		size_t n = reply_static(text, sizeof(text), 503, reason);
		sock_close_with_words(fd, (struct str){ text, n }, p->scratch, p->scratch_bytes);
	}
	say_crowded(all);
}

/* A connection whose handshake is under way gives way to another. */
static bool has_room(struct fronts *all)
{
	return all->n < all->max || (tls_shed(all->plane.loop) && all->n < all->max);
}

/* The policy is asked by address, before anything is read. */
static bool is_let_in(struct service *s, const struct peer *peer)
{
	struct neap_request r = { .service = s->number,
				  .ip_family = peer->family,
				  .port = peer->port };
	hook_request_init(&r);
	memcpy(r.ip, peer->ip, sizeof(r.ip));
	return hook_connection(s->hooks, &r);
}

void accept_connection(struct fronts *all, struct service *s, const struct conf_listen *listen,
		       int fd, const struct peer *peer)
{
	if (unlikely(s->asks_connection) && !is_let_in(s, peer)) {
		stat_add(&s->counts->refused[REFUSED_BY_POLICY], 1);
		sock_close_with_reset(fd);
		return;
	}
	bool is_tcp = s->conf->is_tcp;
	void *f = has_room(all) ? slab_take(is_tcp ? &all->tcp_fronts : &all->h1_fronts) : NULL;
	if (f == NULL)
		turn_away(all, s, listen, fd);
	else if (is_tcp)
		tcp_front_open(f, s, listen, fd, peer);
	else
		h1_front_open(f, s, listen, fd, peer);
}

#include "proxy/tcp_front.h"

#include "proxy/handshake.h"
#include "shm/board_service.h"
#include "shm/stats.h"

static void end(struct tcp_front *f)
{
	buf_drop(&f->in);
	handshake_note_broken(&f->front);
	front_free(&f->front, &front_all(&f->front)->tcp_fronts);
}

static void on_tunnel_done(struct tunnel *t)
{
	struct tcp_front *f = container_of(t->client, struct tcp_front, front.stream);
	if (request_is_broken(&t->rq)) {
		handshake_note_broken(&f->front);
		stream_reset(t->client);
	} else if (t->pump.is_cut) {
		stream_reset(t->client);
	}
	slab_put(&front_all(&f->front)->tunnels, t);
	end(f);
}

static void break_off(struct tcp_front *f)
{
	stream_reset(&f->front.stream);
	end(f);
}

static void begin_tunnel(struct tcp_front *f)
{
	struct tunnel *t = slab_take(&front_all(&f->front)->tunnels);
	struct str first = { buf_head(&f->in), buf_len(&f->in) };
	if (t == NULL) {
		end(f);
		return;
	}
	tunnel_init(t, front_plane(&f->front), f->front.service, &f->front.stream, &f->front.peer,
		    on_tunnel_done);
	t->rq.view.outer_tls = front_outer_tls(&f->front);
	f->tunnel = t;
	f->state = TCP_TUNNEL;
	timer_start(&f->front.timer, front_plane(&f->front)->attention);
	if (!tunnel_take(t, first)) {
		slab_put(&front_all(&f->front)->tunnels, t);
		break_off(f);
		return;
	}
	buf_drop(&f->in);
	tunnel_open(t);
}

/* ---- the ClientHello, where the service sniffs ---- */

static void refuse_hello(struct tcp_front *f, enum board_refusal why, const char *reason)
{
	struct fronts *all = front_all(&f->front);
	char ip[INET6_ADDRSTRLEN];
	uint32_t skipped = 0;
	stat_add(&f->front.service->counts->refused[why], 1);
	if (log_may(&all->sniffing, loop_now_ms(all->plane.loop), &skipped)) {
		size_t n = peer_print_ip(&f->front.peer, ip);
		log_info("client %.*s is closed: %s (%u more)", (int)n, ip, reason, skipped);
	}
	end(f);
}

static void on_hello(struct tcp_front *f, const struct client_hello *h)
{
	if (front_keep_outer_tls(&f->front, client_tls_of_hello(h, buf_head(&f->in))))
		begin_tunnel(f);
	else
		end(f);
}

static void take_hello(struct tcp_front *f)
{
	struct client_hello hello;
	switch (client_hello_read(&f->hello, buf_head(&f->in), buf_len(&f->in), &hello)) {
	case CLIENT_HELLO_MORE:
		stream_watch_read(&f->front.stream, true);
		break;
	case CLIENT_HELLO_DONE:
		on_hello(f, &hello);
		break;
	case CLIENT_HELLO_NOT_TLS:
		begin_tunnel(f);
		break;
	case CLIENT_HELLO_BAD:
		refuse_hello(f, REFUSED_BAD_REQUEST, hello.reason);
		break;
	}
}

/* What came after a PROXY header moves to where there is room for it. */
static void begin_hello(struct tcp_front *f)
{
	struct buf in;
	f->state = TCP_HELLO;
	timer_start(&f->front.timer, f->front.service->handshake);
	buf_init(&in, &front_plane(&f->front)->blocks);
	bool is_moved = buf_len(&f->in) == 0 || buf_append(&in, buf_head(&f->in), buf_len(&f->in));
	buf_drop(&f->in);
	f->in = in;
	if (is_moved)
		take_hello(f);
	else
		end(f);
}

static void begin(struct tcp_front *f)
{
	if (unlikely(f->front.service->conf->sniffs_tls && !f->listen->is_tls))
		begin_hello(f);
	else
		begin_tunnel(f);
}

/* ---- the PROXY header ---- */

static const struct front_start start;

/* What came after the PROXY header is its beginning. */
static void begin_shaking(struct tcp_front *f)
{
	struct str first = { buf_head(&f->in), buf_len(&f->in) };
	struct buf in = f->in; /* f may be gone */
	f->state = TCP_SHAKES;
	buf_init(&f->in, &front_all(&f->front)->heads);
	front_secure(&f->front, first, &start);
	buf_drop(&in);
}

static void take_preface(struct tcp_front *f)
{
	const char *reason;
	switch (front_take_preface(&f->front, &f->in, &reason)) {
	case PREFACE_MORE:
		stream_watch_read(&f->front.stream, true);
		break;
	case PREFACE_BAD:
		break_off(f);
		break;
	case PREFACE_TAKEN:
		if (f->listen->is_tls)
			begin_shaking(f);
		else
			begin(f);
		break;
	}
}

/* ---- what comes first ---- */

/* What is here when the tunnel begins must fit into its buffer. */
static size_t room(const struct tcp_front *f)
{
	size_t n = buf_room(&f->in), len = buf_len(&f->in);
	size_t max = f->state == TCP_PREFACE ? FRONT_HEAD_ROOM : CLIENT_HELLO_MAX - len;
	return n < max ? n : max;
}

static void read_first(struct tcp_front *f)
{
	if (!buf_hold(&f->in)) {
		end(f);
		return;
	}
	ssize_t n = stream_read(&f->front.stream, buf_tail(&f->in), room(f));
	if (n == IO_AGAIN) {
		buf_drop_if_empty(&f->in);
		stream_watch_read(&f->front.stream, true);
		return;
	}
	if (n <= 0) {
		end(f);
		return;
	}
	buf_added(&f->in, (size_t)n);
	if (f->state == TCP_PREFACE)
		take_preface(f);
	else
		take_hello(f);
}

static void on_ready(struct stream *s, int events)
{
	struct tcp_front *f = container_of(s, struct tcp_front, front.stream);
	if (f->tunnel != NULL)
		tunnel_client_ready(f->tunnel, events);
	else
		read_first(f);
}

/* With a tunnel it is the moment to look after it; before, what is to come first did not come in time. */
static void on_due(struct timer *t)
{
	struct tcp_front *f = container_of(t, struct tcp_front, front.timer);
	if (f->tunnel != NULL) {
		tunnel_attend(f->tunnel);
		return;
	}
	if (f->state == TCP_HELLO) {
		refuse_hello(f, REFUSED_SLOW, "no whole ClientHello came in time");
		return;
	}
	if (f->state == TCP_SHAKES)
		handshake_note_late(&f->front);
	end(f);
}

static bool is_busy(const struct front *front)
{
	return container_of(front, struct tcp_front, front)->tunnel != NULL;
}

static void drain(struct front *front)
{
	if (front_plane(front)->phase == PLANE_DRAINS_SOON && !is_busy(front))
		timer_start(&front->timer, front_all(front)->linger);
}

static void close_front(struct front *front, const char *reason)
{
	struct tcp_front *f = container_of(front, struct tcp_front, front);
	if (f->tunnel != NULL)
		tunnel_cut(f->tunnel, reason);
	else
		end(f);
}

static void on_open(struct stream *s, bool is_open)
{
	struct tcp_front *f = container_of(s, struct tcp_front, front.stream);
	if (f->state == TCP_SHAKES)
		handshake_note(&f->front, is_open);
	if (!is_open || (f->state == TCP_SHAKES && handshake_was_challenge(&f->front))) {
		end(f);
	} else if (f->state == TCP_PREFACE && f->listen->proxy_protocol) {
		read_first(f);
	} else {
		stream_watch_read(s, true);
		begin(f);
	}
}

static const struct front_ops ops = { is_busy, drain, close_front };
static const struct front_start start = { &ops, { on_ready, on_open }, on_due };

void tcp_front_open(struct tcp_front *f, struct service *s, const struct conf_listen *listen,
		    int fd, const struct peer *peer)
{
	front_init(&f->front, s, peer, &start);
	f->tunnel = NULL;
	f->listen = listen;
	f->state = front_begins_with_tls(listen) ? TCP_SHAKES : TCP_PREFACE;
	f->hello = (struct client_hello_progress){ 0 };
	buf_init(&f->in, &front_all(&f->front)->heads);
	front_open(&f->front, fd, listen, &start);
}

#include "proxy/h2_front.h"

#include "net/tls_stream.h"
#include "proxy/h2_sender.h"
#include "proxy/handshake.h"
#include "shm/board_service.h"
#include "shm/stats.h"

static struct h2_front *of_front(const struct front *f)
{
	return container_of(f, struct h2_front, front);
}

static struct h2_front *of_session(const struct h2_session *s)
{
	return container_of(s, struct h2_front, link.session);
}

static struct loop *loop_of(const struct h2_front *f)
{
	return front_plane(&f->front)->loop;
}

static const struct conf_limits *limits_of(const struct h2_front *f)
{
	return &f->front.service->conf->limits;
}

bool h2_front_is_preface(const char *p, size_t n)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	return memcmp(p, preface, n < H2_PREFACE_BYTES ? n : H2_PREFACE_BYTES) == 0;
}

/* Every function that the loop or another file calls begins with this. */
static void enter_step(struct h2_front *f)
{
	f->stepping = true;
	h2_session_wake(&f->link.session);
}

/* ---- the end ---- */

static void end(struct h2_front *f)
{
	f->state = H2_GONE;
}

static void free_front(struct h2_front *f)
{
	h2_link_fini(&f->link);
	handshake_note_broken(&f->front);
	front_free(&f->front, &front_all(&f->front)->h2_fronts);
}

/* Every function that the loop or another file calls ends with this. f may be gone on return. */
static void leave_step(struct h2_front *f)
{
	f->stepping = false;
	if (f->state == H2_GONE)
		free_front(f);
}

static void begin_timing(struct h2_front *f, enum h2_timing what, struct timer_lane *lane)
{
	f->timing = (uint8_t)what;
	timer_start(&f->front.timer, lane);
}

static void stop_timing(struct h2_front *f)
{
	f->timing = H2_TIMES_NOTHING;
	timer_stop(&f->front.timer);
}

/* So that no reset overtakes what was said last (RFC 9113 §5.4.1). */
static void become_lingering(struct h2_front *f)
{
	uint32_t ms = f->front.service->conf->timeouts.linger;
	f->state = H2_LINGERS;
	f->linger_until_ms = ms == 0 ? INT64_MAX : loop_now_ms(loop_of(f)) + ms;
	stream_shutdown_write(&f->front.stream);
	stream_watch_write(&f->front.stream, false);
	stream_watch_read(&f->front.stream, true);
	begin_timing(f, H2_TIMES_END, f->front.service->silence);
}

static void linger_read(struct h2_front *f)
{
	const struct plane *p = front_plane(&f->front);
	ssize_t n = stream_read(&f->front.stream, p->scratch, p->scratch_bytes);
	if (n == IO_ERROR)
		tls_stream_pardon_cut(&f->front.stream);
	if (n == IO_EOF || n == IO_ERROR || loop_now_ms(loop_of(f)) >= f->linger_until_ms)
		end(f);
	else if (n > 0)
		timer_start(&f->front.timer, f->front.service->silence);
}

/* ---- leaving ---- */

/* RFC 9113 §6.8: streams that are on their way when the client is told are served. */
static void begin_leaving(struct h2_front *f)
{
	if (f->state != H2_SERVES)
		return;
	f->state = H2_LEAVES;
	h2_session_announce_end(&f->link.session);
	h2_session_ping(&f->link.session);
	h2_link_stir(&f->link);
	begin_timing(f, H2_TIMES_END, front_all(&f->front)->linger);
}

static void say_last(struct h2_front *f)
{
	f->state = H2_ENDS;
	stop_timing(f);
	h2_session_end(&f->link.session);
	h2_link_stir(&f->link);
}

/* ---- time ---- */

static struct timer_lane *idle_lane(const struct h2_front *f)
{
	bool has_begun = f->requests > 0 || f->has_begun;
	return has_begun ? f->front.service->client_idle : f->front.service->client_header;
}

static bool times_idle(const struct h2_front *f)
{
	return f->timing == H2_TIMES_DOZE || f->timing == H2_TIMES_IDLE;
}

static void begin_idle(struct h2_front *f)
{
	if (likely(f->requests > 0))
		begin_timing(f, H2_TIMES_DOZE, front_all(&f->front)->doze);
	else
		begin_timing(f, H2_TIMES_IDLE, idle_lane(f));
}

static bool is_idle(const struct h2_front *f)
{
	return f->streams_n == 0 && h2_session_is_between(&f->link.session);
}

/* Whatever comes next wakes it. */
static void sleep_if_idle(struct h2_front *f)
{
	if (is_idle(f) && f->state == H2_SERVES && buf_len(&f->link.out) == 0 &&
	    !h2_session_has_output(&f->link.session))
		h2_session_sleep(&f->link.session);
}

/* The last thing of a step: the session may sleep afterwards. */
static void settle_timing(struct h2_front *f)
{
	if (f->timing == H2_TIMES_END || f->state > H2_ENDS)
		return;
	if (h2_session_is_in_block(&f->link.session)) {
		if (f->timing != H2_TIMES_HEAD)
			begin_timing(f, H2_TIMES_HEAD, f->front.service->client_header);
	} else if (f->streams_n > 0) {
		stop_timing(f);
	} else if (!times_idle(f)) {
		begin_idle(f);
	} else if (f->timing == H2_TIMES_IDLE && f->requests > 0) {
		sleep_if_idle(f); /* it dozed already: a PING, say, woke it */
	}
}

/* ---- streams ---- */

/* Those that follow have their number already: no more of them than the limit. */
static void count_request(struct h2_front *f)
{
	uint32_t limit = limits_of(f)->requests;
	f->requests++;
	if (limit != 0 && f->requests >= limit)
		begin_leaving(f);
}

static void on_done(struct h2_client *c)
{
	struct h2_front *f = c->owner;
	h2_client_end(c);
	slab_put(&front_all(&f->front)->h2.clients, c);
	f->streams_n--;
	if (times_idle(f))
		stop_timing(f); /* it begins anew; before that nothing is due */
	h2_link_stir(&f->link);
}

static void *on_stream(struct h2_session *s, int32_t id)
{
	struct h2_front *f = of_session(s);
	struct fronts *all = front_all(&f->front);
	struct h2_client *c = slab_take(&all->h2.clients);
	struct h2_origin origin = { .service = f->front.service,
				    .link = &f->link,
				    .memory = &all->h2,
				    .large_heads = &all->heads,
				    .peer = &f->front.peer,
				    .on_done = on_done,
				    .owner = f,
				    .outer_tls = front_outer_tls(&f->front),
				    .is_secure = front_is_secure(&f->front) };
	if (c == NULL)
		return NULL;
	h2_client_init(c, &origin, id);
	list_append(&f->streams, &c->node);
	f->streams_n++;
	count_request(f);
	return c;
}

static void on_goaway(struct h2_session *s, int32_t last_id, uint32_t code)
{
	(void)s;
	(void)last_id;
	(void)code;
}

/* The first ones end the preface (RFC 9113 §3.4). */
static void on_settings(struct h2_session *s)
{
	struct h2_front *f = of_session(s);
	if (f->has_begun || !front_is_secure(&f->front))
		return;
	f->has_begun = true;
	if (times_idle(f))
		stop_timing(f); /* it begins anew */
}

static void on_pong(struct h2_session *s)
{
	of_session(s)->was_read = true;
}

static const struct h2_events events = {
	.on_stream = on_stream,
	.on_block = h2_client_on_block,
	.on_field = h2_client_on_field,
	.on_block_end = h2_client_on_block_end,
	.on_data = h2_client_on_data,
	.on_end = h2_client_on_end,
	.on_close = h2_client_on_close,
	.on_ask = h2_sender_on_ask,
	.on_take = h2_sender_on_take,
	.on_goaway = on_goaway,
	.on_settings = on_settings,
	.on_pong = on_pong,
};

/* ---- the connection ---- */

static void do_noted(struct h2_front *f)
{
	struct list *node;
	while ((node = list_first(&f->link.noted)) != NULL)
		h2_client_step(container_of(node, struct h2_client, noted));
}

static void drop_streams(struct h2_front *f, void (*drop)(struct h2_client *c, const char *reason),
			 const char *reason)
{
	struct list *node;
	while ((node = list_first(&f->streams)) != NULL)
		drop(container_of(node, struct h2_client, node), reason);
}

static void client_left(struct h2_front *f)
{
	drop_streams(f, h2_client_leave, "client left");
	end(f);
}

/* Writes what there is, until nothing more follows from it. */
static void write_all(struct h2_front *f)
{
	do {
		h2_link_write(&f->link);
		do_noted(f);
	} while (!f->link.is_broken && !h2_link_is_blocked(&f->link) &&
		 h2_session_has_output(&f->link.session) && !list_is_empty(&f->link.noted));
}

static void step(struct h2_front *f)
{
	write_all(f);
	if (f->link.is_broken) {
		client_left(f);
		return;
	}
	if (f->state == H2_LEAVES && f->was_read)
		say_last(f);
	if (h2_session_is_over(&f->link.session) && buf_len(&f->link.out) == 0) {
		drop_streams(f, h2_client_leave, "client left");
		become_lingering(f);
	}
	settle_timing(f);
}

_Static_assert((int)BOARD_H2_ABUSE == (int)H2_ABUSE_KINDS, "a count for each kind of abuse");

static void tell_abuse(struct h2_front *f, enum h2_abuse_kind kind)
{
	struct fronts *all = front_all(&f->front);
	char ip[INET6_ADDRSTRLEN], left_out[LOG_LEFT_OUT_MAX];
	uint32_t skipped = 0;
	stat_add(&f->front.service->counts->h2_abuse[kind], 1);
	if (!log_may(&all->abused, loop_now_ms(loop_of(f)), &skipped))
		return;
	(void)peer_print_ip(&f->front.peer, ip); /* "" of a unix socket */
	log_warn("service %s: HTTP/2 connection of %s ended: too many %s within a second%s",
		 f->front.service->conf->name, ip, h2_abuse_words(kind),
		 log_left_out(left_out, skipped));
}

static void receive(struct h2_front *f, const char *p, size_t n)
{
	enum h2_received came = h2_session_receive(&f->link.session, p, n, loop_now_ms(loop_of(f)));
	do_noted(f);
	if (came == H2_ABUSED)
		tell_abuse(f, (enum h2_abuse_kind)f->link.session.abuse.found);
	if (came != H2_GOES_ON)
		drop_streams(f, h2_client_leave, "client misbehaved");
	h2_link_stir(&f->link);
}

static void read_stream(struct h2_front *f)
{
	const struct plane *p = front_plane(&f->front);
	ssize_t n = stream_read(&f->front.stream, p->scratch, p->scratch_bytes);
	if (n > 0) {
		receive(f, p->scratch, (size_t)n);
	} else if (n != IO_AGAIN) {
		if (is_idle(f))
			tls_stream_pardon_cut(&f->front.stream);
		client_left(f);
	}
}

/* The end of the turn. */
static void on_turn(struct deferred *d)
{
	struct h2_front *f = container_of(d, struct h2_front, link.turn);
	enter_step(f);
	if (f->state < H2_LINGERS)
		step(f);
	leave_step(f);
}

static void on_ready(struct stream *s, int happened)
{
	struct h2_front *f = container_of(s, struct h2_front, front.stream);
	enter_step(f);
	if (f->state == H2_LINGERS)
		linger_read(f);
	else if ((happened & STREAM_READABLE) != 0)
		read_stream(f);
	if ((happened & STREAM_WRITABLE) != 0 && f->state < H2_LINGERS) {
		h2_link_go_on(&f->link);
		step(f);
	}
	leave_step(f);
}

/* A head or trailers that do not come to their end: nothing after them can be read either. */
static void end_late_head(struct h2_front *f)
{
	struct h2_client *c = f->link.session.stream;
	if (c != NULL && !c->is_started)
		h2_client_is_late(c);
	h2_session_break(&f->link.session, H2_NO_ERROR);
	drop_streams(f, h2_client_cut, "the head of a request did not come in time");
	h2_link_stir(&f->link);
}

static void on_due(struct timer *t)
{
	struct h2_front *f = container_of(t, struct h2_front, front.timer);
	enum h2_timing what = (enum h2_timing)f->timing;
	enter_step(f);
	f->timing = H2_TIMES_NOTHING;
	if (what == H2_TIMES_DOZE) {
		begin_timing(f, H2_TIMES_IDLE, idle_lane(f));
		sleep_if_idle(f);
	} else if (what == H2_TIMES_IDLE && f->state == H2_SERVES) {
		begin_leaving(f);
	} else if (what == H2_TIMES_HEAD) {
		end_late_head(f);
	} else if (f->state == H2_LEAVES) {
		say_last(f);
	} else { /* it does not take what was said last */
		end(f);
	}
	leave_step(f);
}

static bool is_busy(const struct front *front)
{
	return of_front(front)->streams_n > 0;
}

static void drain(struct front *front)
{
	struct h2_front *f = of_front(front);
	h2_session_wake(&f->link.session);
	begin_leaving(f);
}

static void close_front(struct front *front, const char *reason)
{
	struct h2_front *f = of_front(front);
	bool was_stepping = f->stepping;
	enter_step(f);
	if (f->state < H2_LINGERS) {
		drop_streams(f, h2_client_cut, reason);
		h2_session_break(&f->link.session, H2_NO_ERROR);
		h2_link_write(&f->link);
	}
	end(f);
	if (!was_stepping)
		leave_step(f);
}

static const struct front_ops ops = { is_busy, drain, close_front };
static const struct front_start start = { &ops, { on_ready, NULL }, on_due };

static bool open_session(struct h2_front *f)
{
	const struct conf_limits *limits = limits_of(f);
	struct h2_setup setup = {
		.streams = limits->streams,
		.stream_window = H2_STREAM_WINDOW,
		.connection_window = limits->connection_window,
		.header_bytes = limits->header_bytes + 32 * limits->headers,
		.has_connect = true,
	};
	return h2_session_open(&f->link.session, &front_all(&f->front)->h2.shared, H2_SERVER,
			       &setup, &events) == ERR_OK;
}

bool h2_front_take(struct front *from, struct buf *in)
{
	struct fronts *all = front_all(from);
	struct h2_front *f = slab_take(&all->h2_fronts);
	if (f == NULL)
		return false;
	f->front.service = from->service;
	h2_link_init(&f->link, &f->front.stream, &all->h2.outs, on_turn);
	if (!open_session(f)) {
		slab_put(&all->h2_fronts, f);
		return false;
	}
	list_init(&f->streams);
	f->streams_n = f->requests = 0;
	f->state = H2_SERVES;
	f->timing = H2_TIMES_NOTHING;
	f->has_begun = f->was_read = false;
	f->stepping = true;
	front_move(&f->front, from, &start);
	stream_watch_read(&f->front.stream, true);
	settle_timing(f);
	if (buf_len(in) > 0)
		receive(f, buf_head(in), buf_len(in));
	else
		read_stream(f);
	h2_link_stir(&f->link);
	leave_step(f);
	return true;
}

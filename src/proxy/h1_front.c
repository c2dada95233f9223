#include "proxy/h1_front.h"

#include "http/h1_framing.h"
#include "net/tls_stream.h"
#include "proxy/h2_front.h"
#include "proxy/handshake.h"

enum {
	EMPTY_LINES_MAX = 16, /* before a request */
	SHARE_REQUESTS = 8,   /* of one connection in one turn of the loop, if there is time */
};

_Static_assert(sizeof(struct h1_front) <= 240, "an idle connection is to cost little memory");

static struct h1_front *of_front(const struct front *f)
{
	return container_of(f, struct h1_front, front);
}

static struct loop *loop_of(const struct h1_front *f)
{
	return front_plane(&f->front)->loop;
}

static void free_front(struct h1_front *f)
{
	struct slab *slab = &front_all(&f->front)->h1_fronts;
	loop_defer_cancel(&f->turn);
	buf_drop(&f->in);
	if (f->state == H1_TAKEN) {
		slab_put(slab, f);
		return;
	}
	handshake_note_broken(&f->front);
	front_free(&f->front, slab);
}

static void end(struct h1_front *f)
{
	f->state = H1_CLOSED;
	if (!f->stepping)
		free_front(f);
}

/* ---- between and before requests ---- */

static struct timer_lane *idle_lane(const struct h1_front *f)
{
	if (unlikely(front_plane(&f->front)->phase == PLANE_DRAINS_SOON))
		return front_all(&f->front)->linger;
	return f->requests == 0 ? f->front.service->client_header : f->front.service->client_idle;
}

static void become_idle(struct h1_front *f)
{
	buf_drop(&f->in);
	buf_init(&f->in, &front_all(&f->front)->heads);
	f->state = H1_IDLE;
	stream_watch_read(&f->front.stream, true);
	if (!timer_runs(&f->front.timer)) /* empty lines are no reason to begin again */
		timer_start(&f->front.timer, idle_lane(f));
}

static int64_t linger_until(const struct h1_front *f)
{
	uint32_t ms = f->front.service->conf->timeouts.linger;
	return ms == 0 ? INT64_MAX : loop_now_ms(loop_of(f)) + ms;
}

/*
 * Our side ends now, the client's is read until it ends or is silent, so that no reset overtakes
 * the answer (RFC 9112 §9.6): a client may send all of its body before it reads.
 */
static void become_lingering(struct h1_front *f)
{
	buf_drop(&f->in);
	f->state = H1_LINGER;
	f->linger_until_ms = linger_until(f);
	stream_shutdown_write(&f->front.stream);
	stream_watch_write(&f->front.stream, false);
	stream_watch_read(&f->front.stream, true);
	timer_start(&f->front.timer, f->front.service->silence);
}

static void linger_read(struct h1_front *f)
{
	ssize_t n = stream_read(&f->front.stream, front_plane(&f->front)->scratch,
				front_plane(&f->front)->scratch_bytes);
	if (n == IO_EOF || n == IO_ERROR || loop_now_ms(loop_of(f)) >= f->linger_until_ms)
		end(f);
	else if (n > 0)
		timer_start(&f->front.timer, f->front.service->silence);
}

/* ---- the end of an exchange ---- */

/*
 * RFC 9112 §9.6: a client that says "close" sends nothing more. (After a body some send an empty
 * line.)
 */
static bool said_last(const struct http_head *head)
{
	return (head->flags & HTTP_CONN_CLOSE) != 0 && head->framing == FRAMING_NONE;
}

static bool unread_is_possible(const struct h1_front *f, const struct h1_client *c)
{
	const struct exchange *ex = &c->ex;
	return ex->rq.head.refusal.status != 0 || !exchange_is_whole(ex) || h1_client_has_rest(c) ||
	       (!stream_watches_read(&f->front.stream) && !said_last(&ex->rq.head) &&
		stream_has_input(&f->front.stream));
}

static void front_step(struct h1_front *f);
static void wait_turn(struct h1_front *f);

/* The next request may have come already. A client that sent it so early lets others pass. */
static void go_on_after(struct h1_front *f)
{
	f->pipelines = buf_len(&f->in) > 0;
	if (f->pipelines && !loop_has_time(loop_of(f)))
		wait_turn(f);
	else
		front_step(f);
}

static void on_done(struct h1_client *c)
{
	struct h1_front *f = c->owner;
	const struct request *rq = &c->ex.rq;
	bool is_over = rq->end != REQUEST_WELL;
	bool keep = c->client.keep && !is_over;
	bool is_broken = request_is_broken(rq);
	bool resets = is_broken && relay_ends_with_connection(&c->ex.relay);
	bool linger = !keep && (!is_over || is_broken) && !resets && unread_is_possible(f, c);
	if (resets) {
		handshake_note_broken(&f->front);
		stream_reset(&f->front.stream); /* a clean end would look like a whole answer */
	}
	h1_client_end(c, keep ? H1_REST_KEEP : H1_REST_DROP);
	slab_put(&front_all(&f->front)->h1_clients, c);
	f->client = NULL;
	f->state = H1_IDLE;
	timer_stop(&f->front.timer);
	if (linger)
		become_lingering(f);
	else if (!keep)
		end(f);
	else if (!f->stepping)
		go_on_after(f);
}

/* ---- requests ---- */

static bool make_client(struct h1_front *f)
{
	struct h1_client *c = slab_take(&front_all(&f->front)->h1_clients);
	struct h1_origin origin = { .service = f->front.service,
				    .stream = &f->front.stream,
				    .in = &f->in,
				    .peer = &f->front.peer,
				    .on_done = on_done,
				    .owner = f,
				    .outer_tls = front_outer_tls(&f->front),
				    .is_secure = front_is_secure(&f->front) };
	if (c == NULL)
		return false;
	h1_client_init(c, &origin);
	f->client = c;
	f->state = H1_HEAD;
	return true;
}

static void begin_request(struct h1_front *f)
{
	uint32_t limit = f->front.service->conf->limits.requests;
	f->state = H1_BUSY;
	f->requests++;
	f->empty_lines = 0;
	/*
	 * Most connections with one request have its answer and their end before anything else
	 * comes: they are only watched when it takes longer, which saves a system call and work at
	 * closing.
	 */
	if (stream_watches_read(&f->front.stream))
		timer_stop(&f->front.timer);
	else
		timer_start(&f->front.timer, front_plane(&f->front)->attention);
	bool keep = h1_keeps_alive(&f->client->ex.rq.head) &&
		    !plane_drains(front_plane(&f->front)) && (limit == 0 || f->requests < limit);
	h1_client_start(f->client, keep);
}

static void refuse(struct h1_front *f)
{
	f->state = H1_BUSY;
	timer_stop(&f->front.timer);
	h1_client_refuse(f->client);
}

static void drop_client(struct h1_front *f)
{
	if (f->client != NULL)
		slab_put(&front_all(&f->front)->h1_clients, f->client);
	f->client = NULL;
}

static void want_more(struct h1_front *f)
{
	if (f->in.start > 0)
		buf_compact(&f->in);
	stream_watch_read(&f->front.stream, true);
}

/*
 * RFC 9112 §2.2: empty lines before a request are passed over, however they were cut into pieces.
 * Half of one may have looked like the beginning of a request.
 */
static void skip_empty_lines(struct h1_front *f)
{
	size_t n = 0;
	if (f->client != NULL && f->client->ex.rq.head.at > 0)
		return;
	while (f->empty_lines < EMPTY_LINES_MAX &&
	       (n = h1_skip_empty_line(buf_head(&f->in), buf_len(&f->in))) > 0) {
		buf_consume(&f->in, n);
		f->empty_lines++;
	}
	if (f->client != NULL && buf_len(&f->in) == 0) {
		drop_client(f);
		timer_stop(&f->front.timer);
	}
}

/* ---- HTTP/2 ---- */

static void hand_over(struct h1_front *f)
{
	f->state = h2_front_take(&f->front, &f->in) ? H1_TAKEN : H1_CLOSED;
	if (!f->stepping)
		free_front(f);
}

/* RFC 9113 §3.3: by prior knowledge, with the first bytes of a connection in the clear. */
static bool may_be_preface(const struct h1_front *f)
{
	return unlikely(*buf_head(&f->in) == 'P') && f->requests == 0 &&
	       f->front.service->conf->http2 && !stream_is_secure(&f->front.stream) &&
	       h2_front_is_preface(buf_head(&f->in), buf_len(&f->in));
}

static enum h1_result parse_head(struct h1_front *f)
{
	if (unlikely(may_be_preface(f)))
		return H1_MORE;
	return h1_head_parse(&f->client->ex.rq.head, buf_head(&f->in), buf_len(&f->in));
}

/* Goes as far as the bytes at hand allow; true: a request was ended, look again. */
static bool next_request(struct h1_front *f)
{
	bool is_new = f->client == NULL;
	skip_empty_lines(f);
	if (f->client == NULL && buf_len(&f->in) == 0) {
		become_idle(f);
		return false;
	}
	if (may_be_preface(f) && buf_len(&f->in) >= H2_PREFACE_BYTES) {
		drop_client(f);
		hand_over(f);
		return false;
	}
	if (f->client == NULL && !make_client(f)) {
		end(f);
		return false;
	}
	switch (parse_head(f)) {
	case H1_MORE:
		if (is_new) /* the time of the head begins; of one that is here whole it does not */
			timer_start(&f->front.timer, f->front.service->client_header);
		want_more(f);
		return false;
	case H1_BAD:
		refuse(f);
		break;
	case H1_DONE:
		begin_request(f);
		break;
	}
	return f->state == H1_IDLE;
}

/* ---- what a connection begins with ---- */

/* A missing or bad PROXY header is answered like a bad request. */
static void refuse_preface(struct h1_front *f, const char *reason)
{
	if (!make_client(f)) {
		stream_reset(&f->front.stream);
		end(f);
		return;
	}
	f->client->ex.rq.head.refusal = (struct http_refusal){ .status = 400, .reason = reason };
	refuse(f);
}

static const struct front_start start;

/* What came after the PROXY header is its beginning. */
static void begin_shaking(struct h1_front *f)
{
	struct str first = { buf_head(&f->in), buf_len(&f->in) };
	f->state = H1_SHAKES;
	front_secure(&f->front, first, &start);
	buf_drop(&f->in);
	buf_init(&f->in, &front_all(&f->front)->heads);
}

/* true: the PROXY header was whole, and requests follow. */
static bool take_preface(struct h1_front *f)
{
	const char *reason = "";
	switch (front_take_preface(&f->front, &f->in, &reason)) {
	case PREFACE_MORE:
		want_more(f);
		return false;
	case PREFACE_BAD:
		refuse_preface(f, reason);
		return false;
	case PREFACE_TAKEN:
		break;
	}
	if (f->state == H1_PREFACE_TLS) {
		begin_shaking(f);
		return false;
	}
	f->state = H1_IDLE;
	return true;
}

static bool has_preface(const struct h1_front *f)
{
	return f->state == H1_PREFACE || f->state == H1_PREFACE_TLS;
}

/* Many requests were sent together: other clients have their turn before the rest. */
static bool had_share(const struct h1_front *f, unsigned requests)
{
	return buf_len(&f->in) > 0 && (requests >= SHARE_REQUESTS || !loop_has_time(loop_of(f)));
}

static void wait_turn(struct h1_front *f)
{
	f->state = H1_TURN;
	f->pipelines = true;
	loop_yield(loop_of(f), &f->turn);
}

static void serve_requests(struct h1_front *f)
{
	bool has_more = false;
	unsigned requests = 1;
	for (; next_request(f); requests++) {
		if (had_share(f, requests)) {
			wait_turn(f);
			return;
		}
		has_more |= buf_len(&f->in) > 0;
	}
	if (requests > 1) /* otherwise it is known when the exchange ends */
		f->pipelines = has_more;
}

static void front_step(struct h1_front *f)
{
	f->stepping = true;
	if (!has_preface(f) || take_preface(f))
		serve_requests(f);
	f->stepping = false;
	if (f->state >= H1_CLOSED)
		free_front(f);
}

static void close_front(struct front *front, const char *reason);

static void read_head(struct h1_front *f)
{
	if (!buf_hold(&f->in)) {
		close_front(&f->front, "out of buffers");
		return;
	}
	ssize_t n = stream_read(&f->front.stream, buf_tail(&f->in), buf_room(&f->in));
	if (n == IO_AGAIN) {
		buf_drop_if_empty(&f->in);
		stream_watch_read(&f->front.stream, true);
		return;
	}
	if (n <= 0) {
		if (f->state == H1_IDLE && buf_len(&f->in) == 0)
			tls_stream_pardon_cut(&f->front.stream);
		close_front(&f->front, "client left");
		return;
	}
	buf_added(&f->in, (size_t)n);
	front_step(f);
}

/*
 * What a client sends ahead may end the watch over it. So it is looked after in a while; f may be
 * gone on return.
 */
static void busy_ready(struct h1_front *f, int events)
{
	if ((events & STREAM_READABLE) != 0 && !timer_runs(&f->front.timer))
		timer_start(&f->front.timer, front_plane(&f->front)->attention);
	h1_client_ready(f->client, events);
}

static void on_turn(struct deferred *d)
{
	struct h1_front *f = container_of(d, struct h1_front, turn);
	f->state = H1_IDLE;
	if (buf_len(&f->in) > 0)
		front_step(f);
	else
		read_head(f);
}

static void on_ready(struct stream *s, int events)
{
	struct h1_front *f = container_of(s, struct h1_front, front.stream);
	if (f->state == H1_BUSY)
		busy_ready(f, events);
	else if (f->state == H1_LINGER)
		linger_read(f);
	else if (f->state == H1_IDLE && f->pipelines)
		wait_turn(f);
	else if (f->state != H1_TURN) /* it is read when what it sent is used up */
		read_head(f);
}

static void on_due(struct timer *t)
{
	struct h1_front *f = container_of(t, struct h1_front, front.timer);
	if (f->state == H1_BUSY) {
		if (h1_client_attend(f->client))
			timer_start(&f->front.timer, front_plane(&f->front)->attention);
		return;
	}
	if (f->state == H1_TURN) { /* neap lets it wait */
		timer_start(t, f->front.service->client_idle);
		return;
	}
	if (f->state == H1_SHAKES)
		handshake_note_late(&f->front);
	if (f->state != H1_HEAD) {
		end(f);
		return;
	}
	f->client->ex.rq.head.refusal =
		(struct http_refusal){ .status = 408,
				       .reason = "the request head did not come in time" };
	refuse(f);
}

static bool is_busy(const struct front *front)
{
	const struct h1_front *f = of_front(front);
	return f->state == H1_BUSY || f->state == H1_TURN;
}

static void drain(struct front *front)
{
	const struct h1_front *f = of_front(front);
	bool is_soon = front_plane(front)->phase == PLANE_DRAINS_SOON;
	if (is_soon && (f->state == H1_IDLE || has_preface(f)))
		timer_start(&front->timer, front_all(front)->linger);
}

static void close_front(struct front *front, const char *reason)
{
	struct h1_front *f = of_front(front);
	if (f->state == H1_BUSY) {
		exchange_cut(&f->client->ex, reason);
		return;
	}
	if (f->state != H1_LINGER && f->client != NULL)
		slab_put(&front_all(front)->h1_clients, f->client);
	end(f);
}

static void answer_plain(struct h1_front *f)
{
	tls_stream_go_plain(&f->front.stream, on_ready);
	refuse_preface(f, "plain HTTP request on a TLS address: use https://");
}

static void end_shaking(struct h1_front *f, bool is_open)
{
	handshake_note(&f->front, is_open);
	f->state = H1_IDLE;
	if (is_open && handshake_was_challenge(&f->front)) {
		end(f);
	} else if (is_open && handshake_agreed_on(&f->front, STR("h2"))) {
		hand_over(f);
	} else if (is_open) {
		timer_start(&f->front.timer, idle_lane(f));
		read_head(f);
	} else if (handshake_met_plain_http(&f->front)) {
		answer_plain(f);
	} else {
		end(f);
	}
}

static void on_open(struct stream *s, bool is_open)
{
	struct h1_front *f = container_of(s, struct h1_front, front.stream);
	if (f->state == H1_SHAKES)
		end_shaking(f, is_open);
	else if (is_open)
		read_head(f);
	else
		end(f);
}

static const struct front_ops ops = { is_busy, drain, close_front };
static const struct front_start start = { &ops, { on_ready, on_open }, on_due };

static enum h1_state first_state(const struct conf_listen *listen)
{
	if (listen->proxy_protocol)
		return listen->is_tls ? H1_PREFACE_TLS : H1_PREFACE;
	return listen->is_tls ? H1_SHAKES : H1_IDLE;
}

void h1_front_open(struct h1_front *f, struct service *s, const struct conf_listen *listen, int fd,
		   const struct peer *peer)
{
	front_init(&f->front, s, peer, &start);
	f->client = NULL;
	f->requests = 0;
	f->empty_lines = 0;
	f->state = (uint8_t)first_state(listen);
	f->pipelines = f->stepping = false;
	buf_init(&f->in, &front_all(&f->front)->heads);
	deferred_init(&f->turn, on_turn);
	front_open(&f->front, fd, listen, &start);
}

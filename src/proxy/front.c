#include "proxy/front.h"

#include <unistd.h>

#include "net/ppro.h"
#include "proxy/exchange.h"
#include "proxy/reply.h"

enum { LINGER_BYTES_MAX = 64 * 1024 * 1024 }; /* its time is what bounds it */

static void count_connections(struct proxy *p, int by)
{
	p->connections += (uint32_t)by;
	atomic_store_explicit(&p->board->workers[p->worker].connections, p->connections,
			      memory_order_relaxed);
}

static void front_free(struct front *f)
{
	struct proxy *p = f->proxy;
	timer_stop(&f->timer);
	stream_close(&f->stream);
	buf_drop(&f->in);
	list_remove(&f->node);
	slab_put(&p->fronts, f);
	count_connections(p, -1);
	if (p->draining && p->connections == 0 && p->on_drained != NULL)
		p->on_drained(p->drained_ctx);
}

static void end(struct front *f)
{
	f->state = FRONT_CLOSED;
	if (!f->stepping)
		front_free(f);
}

/* ---- between and before requests ---- */

static void become_idle(struct front *f)
{
	buf_drop(&f->in);
	buf_init(&f->in, &f->proxy->heads);
	f->state = FRONT_IDLE;
	stream_watch_read(&f->stream, true);
	if (!timer_runs(&f->timer)) /* empty lines are no reason to begin again */
		timer_start(&f->timer,
			    f->requests == 0 ? f->service->client_header : f->service->client_idle);
}

/*
 * Our side ends now, the client's is read until it ends, so that no reset overtakes the answer (RFC
 * 9112 §9.6).
 */
static void become_lingering(struct front *f)
{
	buf_drop(&f->in);
	f->state = FRONT_LINGER;
	f->lingered = 0;
	stream_shutdown_write(&f->stream);
	stream_watch_write(&f->stream, false);
	stream_watch_read(&f->stream, true);
	timer_start(&f->timer, f->proxy->linger);
}

static void linger_read(struct front *f)
{
	ssize_t n = stream_read(&f->stream, f->proxy->scratch, f->proxy->scratch_bytes);
	if (n > 0)
		f->lingered += (uint32_t)n;
	if (n == IO_EOF || n == IO_ERROR || f->lingered > LINGER_BYTES_MAX)
		end(f);
}

/* ---- the end of an exchange ---- */

/* What was read beyond this request becomes the beginning of the next. */
static void keep_surplus(struct front *f, struct exchange *ex)
{
	buf_consume(&f->in, ex->req.bytes + ex->early);
	if (ex->surplus == 0)
		return;
	buf_drop(&f->in);
	ex->body.start = ex->body.end - ex->surplus;
	buf_move(&f->in, &ex->body);
}

/*
 * RFC 9112 §9.6: who says "close" sends nothing more. (Behind a body some do: an empty line.)
 */
static bool said_last(const struct exchange *ex)
{
	return (ex->req.flags & HTTP_CONN_CLOSE) != 0 && ex->req.framing == FRAMING_NONE;
}

static bool unread_is_possible(const struct front *f, const struct exchange *ex)
{
	return ex->req.refusal.status != 0 || !exchange_request_is_whole(ex) || ex->surplus > 0 ||
	       buf_len(&f->in) > ex->req.bytes + ex->early ||
	       (!stream_watches_read(&f->stream) && !said_last(ex) && sock_has_input(f->stream.fd));
}

static void front_step(struct front *f);

static void on_done(struct exchange *ex)
{
	struct front *f = ex->front;
	bool is_over = ex->client_gone || ex->truncated || ex->was_cut;
	bool keep = ex->keep && !is_over;
	bool linger = !keep && !is_over && unread_is_possible(f, ex);
	if (ex->truncated && (ex->res.framing == FRAMING_UNTIL_CLOSE || ex->decode))
		stream_reset(&f->stream); /* a clean end would look like a whole answer */
	if (keep)
		keep_surplus(f, ex);
	buf_drop(&ex->body);
	slab_put(&f->proxy->exchanges, ex);
	f->exchange = NULL;
	f->state = FRONT_IDLE;
	timer_stop(&f->timer);
	if (linger)
		become_lingering(f);
	else if (!keep)
		end(f);
	else if (!f->stepping)
		front_step(f);
}

/* ---- requests ---- */

static bool make_exchange(struct front *f)
{
	struct exchange *ex = slab_take(&f->proxy->exchanges);
	if (ex == NULL)
		return false;
	exchange_init(ex, f->proxy, f->service, &f->stream, &f->in, &f->peer, f, on_done);
	f->exchange = ex;
	f->state = FRONT_HEAD;
	timer_start(&f->timer, f->service->client_header);
	return true;
}

static void begin(struct front *f)
{
	uint32_t limit = f->service->conf->limits.requests;
	f->state = FRONT_BUSY;
	f->requests++;
	/*
	 * Most connections with one request have its answer and their end before anything else
	 * comes: they are only watched when it takes longer, which saves a system call and work at
	 * closing.
	 */
	if (stream_watches_read(&f->stream))
		timer_stop(&f->timer);
	else
		timer_start(&f->timer, f->proxy->attention);
	bool keep = h1_keeps_alive(&f->exchange->req) && !f->proxy->draining &&
		    (limit == 0 || f->requests < limit);
	exchange_start(f->exchange, keep);
}

static void refuse(struct front *f)
{
	f->state = FRONT_BUSY;
	timer_stop(&f->timer);
	exchange_refuse(f->exchange);
}

static void want_more(struct front *f)
{
	if (f->in.start > 0)
		buf_compact(&f->in);
	stream_watch_read(&f->stream, true);
}

/* Goes as far as the bytes at hand allow; true: a request was ended, look again. */
static bool next_request(struct front *f)
{
	if (f->exchange == NULL || f->exchange->req.at == 0)
		buf_consume(&f->in, h1_skip_empty_line(buf_head(&f->in), buf_len(&f->in)));
	if (f->exchange == NULL && buf_len(&f->in) == 0) {
		become_idle(f);
		return false;
	}
	if (f->exchange == NULL && !make_exchange(f)) {
		end(f);
		return false;
	}
	switch (h1_head_parse(&f->exchange->req, buf_head(&f->in), buf_len(&f->in))) {
	case H1_MORE:
		want_more(f);
		return false;
	case H1_BAD:
		refuse(f);
		break;
	case H1_DONE:
		begin(f);
		break;
	}
	return f->state == FRONT_IDLE;
}

/* ---- connections as they are ---- */

static void on_connection_done(struct exchange *ex)
{
	struct front *f = ex->front;
	if (ex->truncated)
		stream_reset(&f->stream);
	slab_put(&f->proxy->sessions, ex);
	f->exchange = NULL;
	end(f);
}

static void begin_connection(struct front *f)
{
	struct exchange *ex = slab_take(&f->proxy->sessions);
	if (ex == NULL) {
		end(f);
		return;
	}
	exchange_init(ex, f->proxy, f->service, &f->stream, &f->in, &f->peer, f,
		      on_connection_done);
	f->exchange = ex;
	f->state = FRONT_BUSY;
	timer_stop(&f->timer);
	exchange_open(ex);
}

/* ---- what a connection begins with ---- */

static void refuse_preface(struct front *f, const char *reason)
{
	if (f->service->conf->is_tcp || !make_exchange(f)) {
		stream_reset(&f->stream);
		end(f);
		return;
	}
	f->exchange->req.refusal = (struct http_refusal){ 400, reason };
	refuse(f);
}

/*
 * The PROXY header at the beginning; true: it was whole. Where there is none it is answered like a
 * bad request.
 */
static bool take_preface(struct front *f)
{
	struct ppro header;
	switch (ppro_parse(&header, buf_head(&f->in), buf_len(&f->in))) {
	case PPRO_MORE:
		want_more(f);
		return false;
	case PPRO_BAD:
		refuse_preface(f, header.reason);
		return false;
	case PPRO_DONE:
		break;
	}
	if (header.has_source)
		f->peer = header.source;
	buf_consume(&f->in, header.bytes);
	f->state = FRONT_IDLE;
	return true;
}

static void go_on(struct front *f)
{
	if (f->service->conf->is_tcp) {
		begin_connection(f);
		return;
	}
	while (next_request(f))
		;
}

static void front_step(struct front *f)
{
	f->stepping = true;
	if (f->state != FRONT_PREFACE || take_preface(f))
		go_on(f);
	f->stepping = false;
	if (f->state == FRONT_CLOSED)
		front_free(f);
}

/* What comes behind the PROXY header of a tcp service must fit into the exchange's buffer. */
static size_t room(const struct front *f)
{
	size_t n = buf_room(&f->in);
	return f->service->conf->is_tcp && n > PROXY_HEAD_ROOM ? PROXY_HEAD_ROOM : n;
}

static void read_head(struct front *f)
{
	if (!buf_hold(&f->in)) {
		front_close(f, "out of buffers");
		return;
	}
	ssize_t n = stream_read(&f->stream, buf_tail(&f->in), room(f));
	if (n == IO_AGAIN) {
		buf_drop_if_empty(&f->in);
		stream_watch_read(&f->stream, true);
		return;
	}
	if (n <= 0) {
		front_close(f, "client left");
		return;
	}
	buf_added(&f->in, (size_t)n);
	front_step(f);
}

static void on_ready(struct stream *s, int events)
{
	struct front *f = container_of(s, struct front, stream);
	if (f->state == FRONT_BUSY)
		exchange_client_ready(f->exchange, events);
	else if (f->state == FRONT_LINGER)
		linger_read(f);
	else
		read_head(f);
}

static void on_due(struct timer *t)
{
	struct front *f = container_of(t, struct front, timer);
	if (f->state == FRONT_BUSY) {
		exchange_attend(f->exchange);
		return;
	}
	if (f->state != FRONT_HEAD) {
		end(f);
		return;
	}
	f->exchange->req.refusal =
		(struct http_refusal){ 408, "the request head did not come in time" };
	refuse(f);
}

void front_drain(struct front *f)
{
	if (f->state == FRONT_IDLE || f->state == FRONT_PREFACE)
		timer_start(&f->timer, f->proxy->linger);
}

void front_close(struct front *f, const char *reason)
{
	struct exchange *ex = f->exchange;
	if (ex == NULL) {
		end(f);
	} else if (f->state == FRONT_BUSY) {
		exchange_cut(ex, reason);
	} else {
		f->exchange = NULL;
		slab_put(&f->proxy->exchanges, ex);
		end(f);
	}
}

/* ---- accepting ---- */

/* No object for it: what it sent is read once so that closing does not reset the answer away. */
static void turn_away(struct proxy *p, const struct service *s, int fd)
{
	uint32_t skipped = 0;
	char text[512];
	stat_add(&s->counts->refused[REFUSED_CONNECTIONS], 1);
	if (s->conf->is_tcp) {
		sock_set_reset(fd);
	} else {
		size_t n = reply_static(text, sizeof(text), 503, "too many connections");
		(void)recv(fd, p->scratch, p->scratch_bytes, MSG_DONTWAIT); /* whatever it is */
		(void)send(fd, text, n, MSG_DONTWAIT | MSG_NOSIGNAL);	    /* as far as it goes */
		(void)shutdown(fd, SHUT_WR);
	}
	close(fd);
	if (log_may(&p->crowded, loop_now_ms(p->loop), &skipped))
		log_warn(
			"too many connections: %u are open, limits.connections is %u (%u more turned away)",
			p->connections, p->connections_max, skipped);
}

void front_accept(struct proxy *p, struct service *s, int fd, const struct peer *peer)
{
	struct front *f = p->connections < p->connections_max ? slab_take(&p->fronts) : NULL;
	if (f == NULL) {
		turn_away(p, s, fd);
		return;
	}
	count_connections(p, 1);
	stat_add(&s->counts->connections, 1);
	stream_open(&f->stream, p->loop, fd, on_ready);
	f->proxy = p;
	f->service = s;
	f->exchange = NULL;
	f->requests = 0;
	f->lingered = 0;
	f->peer = *peer;
	f->state = s->conf->proxy_protocol ? FRONT_PREFACE : FRONT_IDLE;
	f->stepping = false;
	buf_init(&f->in, &p->heads);
	timer_init(&f->timer, on_due);
	timer_start(&f->timer, s->client_header);
	list_append(&p->open, &f->node);
	if (s->conf->is_tcp && f->state != FRONT_PREFACE) {
		stream_watch_read(&f->stream, true);
		begin_connection(f);
	} else {
		read_head(f);
	}
}

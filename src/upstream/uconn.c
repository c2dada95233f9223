#include "upstream/uconn.h"

#include <errno.h>

#include "base/log.h"
#include "net/sock.h"
#include "net/tls_dial.h"

int64_t uconn_age_us(const struct uconn *u)
{
	return u->stream.loop->now_us - u->since_us;
}

static struct uconn *uconn_create(struct upstream *up, struct backend *b, void *owner)
{
	struct uconn *u = slab_take(&up->uconns);
	if (u == NULL)
		return NULL;
	stream_init(&u->stream, up->loop);
	u->upstream = up;
	u->backend = b;
	list_init(&u->node);
	timer_init(&u->idle_timer, NULL);
	u->requests = 0;
	u->places = b->places;
	u->state = UCONN_DIAL;
	u->dialing = NULL;
	u->owner = owner;
	u->since_us = up->loop->now_us;
	list_append(&b->dials, &u->node);
	pace_on_dial(&b->pace);
	return u;
}

static void drop_dialing(struct uconn *u)
{
	slab_put(&u->upstream->dialings, u->dialing);
	u->dialing = NULL;
}

/* The oldest dial that is not connected; NULL: none of before then. */
static struct uconn *older(struct backend *b, int64_t before_us)
{
	for (struct list *node = b->dials.next; node != &b->dials; node = node->next) {
		struct uconn *u = container_of(node, struct uconn, node);
		if (u->since_us > before_us)
			break;
		if (!uconn_shakes(u))
			return u;
	}
	return NULL;
}

/* A later dial stands: those begun a moment before it were lost. */
static void lose_older(const struct uconn *stands)
{
	struct backend *b = stands->backend;
	int64_t before_us = stands->since_us - PACE_MOMENT_MS * 1000;
	struct uconn *u;
	bool has_lost = false;
	while ((u = older(b, before_us)) != NULL) {
		u->on_lost(u);
		has_lost = true;
	}
	if (has_lost)
		pace_on_loss(&b->pace);
}

static void connected(struct uconn *u)
{
	list_remove(&u->node);
	lose_older(u);
	u->state = UCONN_NEW;
	pace_on_stands(&u->backend->pace, uconn_age_us(u));
}

/* The next dial begins with the address that stood. */
static void remember(struct backend *b, const struct stream_dialling *d)
{
	for (unsigned i = 0; b->addrs_n > 1 && i < b->addrs_n; i++) {
		if (addr_equal(&b->addrs[i], stream_dial_winner(d)))
			b->first = (uint8_t)i;
	}
}

static void end_dial(struct uconn *u, bool is_open)
{
	if (is_open)
		remember(u->backend, u->dialing);
	drop_dialing(u);
	if (is_open)
		connected(u);
}

static void on_open(struct stream *s, bool is_open)
{
	struct uconn *u = container_of(s, struct uconn, stream);
	end_dial(u, is_open);
	u->on_connected(u, is_open);
}

static const struct stream_owner owner = { .on_open = on_open };

/* Closes idle connections, if what the dial lacks may come from them. */
static bool make_room(struct uconn *u)
{
	return sock_err_is_shortage(stream_dial_lacks(u->dialing)) &&
	       u->upstream->close_idle(u->upstream) > 0;
}

static enum stream_opened start(struct uconn *u, const struct uconn_wish *wish,
				const struct stream_tls *tls)
{
	const struct backend *b = u->backend;
	struct dial_goal goal = { b->addrs, b->addrs_n, b->first, wish->timeout_ms };
	enum stream_opened opened = stream_dial(&u->stream, u->dialing, &goal, tls, &owner);
	return opened == STREAM_OPENING && make_room(u) ? stream_dial_again(u->dialing) : opened;
}

/* *why: words. It may happen for each request. */
static bool tell_tls_fault(struct upstream *up, const char *words, const char *text,
			   struct stream_failure *why)
{
	char left_out[LOG_LEFT_OUT_MAX];
	uint32_t skipped = 0;
	*why = (struct stream_failure){ STREAM_FAILURE_TLS, EPROTO, words };
	if (log_may(&up->tls_faults, loop_now_ms(up->loop), &skipped))
		log_error("%s%s", text, log_left_out(left_out, skipped));
	return false;
}

/* The TLS of a new connection; false: *why has the reason. */
static bool prepare_tls(struct uconn *u, const struct uconn_wish *wish, struct stream_tls *tls,
			struct stream_failure *why)
{
	struct upstream *up = u->upstream;
	struct backend_text *text = u->backend->text;
	struct tls_goal goal = { .sessions = &text->sessions, .alpn = wish->alpn };
	static const char no_tls[] = "TLS with a backend cannot begin: no memory, or its name is "
				     "too long";
	struct error e;
	if (pool_tls_context(&up->tls, wish->pool, &goal.context, &e) != ERR_OK)
		return tell_tls_fault(up, "the TLS settings of the pool are wrong", e.text, why);
	goal.name = pool_tls_name(&up->tls, wish->pool, text->server_name,
				  text->host[0] != '\0' ? text->host : "localhost");
	*tls = (struct stream_tls){ tls_dial_open(&goal), wish->first };
	if (tls->ssl != NULL)
		return true;
	return tell_tls_fault(up, no_tls, no_tls, why);
}

static enum stream_opened start_dial(struct uconn *u, const struct uconn_wish *wish,
				     struct stream_failure *why)
{
	struct stream_tls tls;
	if (likely(!u->backend->is_tls))
		return start(u, wish, NULL);
	return prepare_tls(u, wish, &tls, why) ? start(u, wish, &tls) : STREAM_FAILED;
}

enum uconn_dialled uconn_dial(struct upstream *up, struct backend *b, const struct uconn_wish *wish,
			      struct uconn **out, struct stream_failure *why)
{
	struct uconn *u = uconn_create(up, b, wish->owner);
	*out = u;
	*why = (struct stream_failure){ STREAM_FAILURE_SYSTEM, ENOMEM, sock_err_text(ENOMEM) };
	if (u == NULL)
		return UCONN_FAILED;
	u->on_connected = wish->on_connected;
	u->on_lost = wish->on_lost;
	u->dialing = slab_take(&up->dialings);
	if (u->dialing == NULL)
		goto fail;
	enum stream_opened opened = start_dial(u, wish, why);
	if (opened == STREAM_OPENING)
		return UCONN_IN_PROGRESS;
	end_dial(u, opened == STREAM_OPEN);
	if (opened == STREAM_OPEN)
		return UCONN_CONNECTED;
	if (why->kind == STREAM_FAILURE_SYSTEM)
		*why = stream_failure(&u->stream);
fail:
	uconn_close(u);
	*out = NULL;
	return UCONN_FAILED;
}

int uconn_lacks(const struct uconn *u)
{
	return u->dialing != NULL ? stream_dial_lacks(u->dialing) : 0;
}

int uconn_first_lacks(const struct backend *b)
{
	const struct list *node = list_first(&b->dials);
	return node == NULL ? 0 : uconn_lacks(container_of(node, struct uconn, node));
}

void uconn_first_answer(struct uconn *u)
{
	u->state = UCONN_BUSY;
	pace_on_answer(&u->backend->pace, uconn_age_us(u));
}

void uconn_close(struct uconn *u)
{
	if (u->state != UCONN_BUSY)
		pace_on_failure(&u->backend->pace, u->state == UCONN_NEW);
	list_remove(&u->node);
	timer_stop(&u->idle_timer);
	if (u->dialing != NULL) {
		stream_dial_cancel(u->dialing);
		drop_dialing(u);
	}
	stream_close(&u->stream);
	slab_put(&u->upstream->uconns, u);
}

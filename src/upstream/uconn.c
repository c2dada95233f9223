#include "upstream/uconn.h"

#include <errno.h>

#include "upstream/upstream.h"

/*
 * What a dial needs and a connection that stands does not: it is large, so it lives only while
 * dialling.
 */
struct dialing {
	struct dial dial;
	struct uconn *uconn;
};

size_t uconn_dialing_bytes(void)
{
	return sizeof(struct dialing);
}

static void idle_ready(struct stream *s, int events)
{
	(void)events; /* an end or unasked bytes: either way it cannot be used again */
	uconn_close(container_of(s, struct uconn, stream));
}

static void idle_due(struct timer *t)
{
	uconn_close(container_of(t, struct uconn, idle_timer));
}

/*
 * Did an end or unasked bytes come? What came before this turn of the loop shows as a pending
 * event. A connection given back in this very turn was not looked at since its answer was read:
 * what the backend sent behind it may be there, unseen.
 */
static bool is_spent(const struct uconn *u)
{
	char byte;

	if (stream_is_pending(&u->stream))
		return true;
	return u->put_turn == ev_iteration(u->stream.loop->ev) &&
	       recv(u->stream.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

/* The warmest on which nothing has happened. */
static struct uconn *warmest(struct backend *b)
{
	struct list *node;
	while ((node = list_first(&b->idle)) != NULL) {
		struct uconn *u = container_of(node, struct uconn, node);
		if (likely(!is_spent(u)))
			return u;
		uconn_close(u);
	}
	return NULL;
}

struct uconn *uconn_take_idle(struct backend *b)
{
	struct uconn *u = warmest(b);
	if (u == NULL)
		return NULL;
	list_remove(&u->node);
	b->idle_n--;
	timer_stop(&u->idle_timer);
	u->state = UCONN_BUSY;
	return u;
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
	timer_init(&u->idle_timer, idle_due);
	u->requests = 0;
	u->places = b->places;
	u->state = UCONN_DIAL;
	u->dialing = NULL;
	u->owner = owner;
	u->on_connected = NULL;
	return u;
}

static void drop_dialing(struct uconn *u)
{
	slab_put(&u->upstream->dialings, u->dialing);
	u->dialing = NULL;
}

static void connected(struct uconn *u, int fd)
{
	u->state = UCONN_BUSY;
	stream_open(&u->stream, u->upstream->loop, fd, idle_ready);
}

static void dial_done(struct dial *d, int fd)
{
	struct uconn *u = container_of(d, struct dialing, dial)->uconn;
	int sys = d->sys;
	drop_dialing(u);
	if (fd >= 0)
		connected(u, fd);
	else
		u->stream.sys = sys;
	u->on_connected(u, fd >= 0);
}

static bool start(struct uconn *u, const struct backend *b, int *fd)
{
	return dial_start(&u->dialing->dial, u->upstream->loop, b->addrs, b->addrs_n, dial_done,
			  fd);
}

enum uconn_dialled uconn_dial(struct upstream *up, struct backend *b,
			      void (*on_connected)(struct uconn *, bool), void *owner,
			      struct uconn **out, int *sys)
{
	struct uconn *u = uconn_create(up, b, owner);
	*out = u;
	*sys = ENOMEM;
	if (u == NULL)
		return UCONN_FAILED;
	u->on_connected = on_connected;
	u->dialing = slab_take(&up->dialings);
	if (u->dialing == NULL)
		goto fail;
	u->dialing->uconn = u;
	int fd = -1;
	bool is_over = start(u, b, &fd);
	if (is_over && fd < 0 && sock_err_is_shortage(u->dialing->dial.sys) &&
	    upstream_close_idle(up) > 0)
		is_over = start(u, b, &fd);
	if (!is_over)
		return UCONN_IN_PROGRESS;
	*sys = u->dialing->dial.sys;
	drop_dialing(u);
	if (fd >= 0) {
		connected(u, fd);
		return UCONN_CONNECTED;
	}
fail:
	uconn_close(u);
	*out = NULL;
	return UCONN_FAILED;
}

void uconn_put(struct uconn *u, uint32_t max_idle, struct timer_lane *idle)
{
	struct backend *b = u->backend;
	if (b->idle_n >= max_idle || unlikely(u->places != b->places)) {
		uconn_close(u);
		return;
	}
	u->state = UCONN_IDLE;
	u->put_turn = ev_iteration(u->stream.loop->ev);
	u->owner = NULL;
	u->stream.on_ready = idle_ready;
	stream_watch_write(&u->stream, false);
	stream_watch_read(&u->stream, true);
	list_prepend(&b->idle, &u->node);
	b->idle_n++;
	timer_start(&u->idle_timer, idle);
}

void uconn_close(struct uconn *u)
{
	if (u->state == UCONN_IDLE)
		u->backend->idle_n--;
	list_remove(&u->node);
	timer_stop(&u->idle_timer);
	if (u->dialing != NULL) {
		dial_cancel(&u->dialing->dial);
		drop_dialing(u);
	}
	stream_close(&u->stream);
	slab_put(&u->upstream->uconns, u);
}

unsigned uconn_close_idle(struct backend *b)
{
	unsigned closed = b->idle_n;
	while (!list_is_empty(&b->idle))
		uconn_close(container_of(list_first(&b->idle), struct uconn, node));
	return closed;
}

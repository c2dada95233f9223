#include "net/listener.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/bind.h"

enum {
	BATCH_MAX = 64,
	BATCH_US = 10000, /* the time of a batch, with the requests that came with it */
	TURN_BUSY = 8,	  /* so many things told make a turn a long one */
	PATIENCE_MIN = 4,
	PATIENCE_MAX = 16,
};

static const double pause_s = 0.1;

static void pause_accepting(struct listener *l, int sys)
{
	uint32_t skipped;

	if (l->on_shortage != NULL)
		l->on_shortage(l);
	ev_io_stop(l->loop->ev, &l->reader);
	ev_timer_set(&l->pause, pause_s, 0.);
	ev_timer_start(l->loop->ev, &l->pause);
	if (log_may(&l->shortage, loop_now_ms(l->loop), &skipped))
		log_error("cannot accept connections: %s; trying again every 100 ms",
			  sock_err_text(sys));
}

/*
 * A connection that ended before it was accepted; Linux reports its pending errors here too
 * (accept(2)).
 */
static bool concerns_one(int sys)
{
	switch (sys) {
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case EPERM: /* a firewall's decision */
	case ENOPROTOOPT:
	case EOPNOTSUPP:
	case ENETDOWN:
	case ENETUNREACH:
	case ENONET:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

/* False when there is nothing more to accept now. */
static bool accept_one(struct listener *l)
{
	struct addr from = { .len = sizeof(from.u) };
	int fd = accept4(l->fd, &from.u.sa, &from.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct peer peer;

	if (fd < 0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return false;
		if (concerns_one(errno))
			return true;
		/* A shortage, or an error that should not be: neither may make the loop spin. */
		pause_accepting(l, errno);
		return false;
	}
	peer_of_addr(&peer, &from);
	l->on_accept(l, fd, &peer);
	return true;
}

/*
 * It costs much to find out that nobody else waits: accept4 makes a descriptor and a socket before
 * it looks. So mostly one connection is accepted. More are tried after a long turn (more have
 * probably come, and the next turn would be late), or when several turns in a row had connections.
 * Each time there turn out to be no others, it takes more turns until they are tried again.
 */
static int batch_max(struct listener *l)
{
	unsigned turn = ev_iteration(l->loop->ev);

	l->in_row = turn == l->turn + 1 ? l->in_row + 1 : 0;
	l->turn = turn;
	return l->loop->told < TURN_BUSY && l->in_row < l->patience ? 1 : BATCH_MAX;
}

/* After a whole batch there are probably more. */
static void note_batch(struct listener *l, int n)
{
	l->in_row = n == BATCH_MAX ? PATIENCE_MAX : 0;
	l->patience = n > 1 ? PATIENCE_MIN : l->patience * 2;
	if (l->patience > PATIENCE_MAX)
		l->patience = PATIENCE_MAX;
}

/* The next one of a batch; the first is accepted in any case. */
static bool may_go_on(const struct listener *l, int n, int64_t began_ns)
{
	return ev_is_active(&l->reader) &&
	       (n == 0 || clock_now_ns() - began_ns < (int64_t)BATCH_US * 1000);
}

static void listening_cb(struct ev_loop *ev, ev_io *w, int events)
{
	struct listener *l = container_of(w, struct listener, reader);
	int max = batch_max(l), n = 0;
	int64_t began_ns = max > 1 ? clock_now_ns() : 0;

	(void)ev;
	(void)events;
	for (; n < max && may_go_on(l, n, began_ns); n++) {
		if (l->may_accept != NULL && !l->may_accept(l)) {
			listener_stop(l);
			return;
		}
		if (!accept_one(l))
			break;
	}
	if (max > 1)
		note_batch(l, n);
}

static void pause_cb(struct ev_loop *ev, ev_timer *w, int events)
{
	(void)ev;
	(void)events;
	listener_start(container_of(w, struct listener, pause));
}

void listener_init(struct listener *l, struct loop *loop, int fd)
{
	*l = (struct listener){ .loop = loop, .fd = fd, .patience = PATIENCE_MIN };
	ev_io_init(&l->reader, listening_cb, fd, EV_READ);
	ev_set_priority(&l->reader, LOOP_LATE); /* open connections come first */
	ev_timer_init(&l->pause, pause_cb, pause_s, 0.);
}

void listener_start(struct listener *l)
{
	if (!ev_is_active(&l->pause))
		ev_io_start(l->loop->ev, &l->reader);
}

void listener_stop(struct listener *l)
{
	ev_io_stop(l->loop->ev, &l->reader);
	ev_timer_stop(l->loop->ev, &l->pause);
}

void listener_close(struct listener *l)
{
	listener_stop(l);
	if (l->fd >= 0)
		(void)close(l->fd); /* nothing was written to it */
	l->fd = -1;
}

void listener_sweep(struct listener *l)
{
	for (int i = 0; i < BIND_BACKLOG; i++) {
		if ((l->may_accept != NULL && !l->may_accept(l)) || !accept_one(l))
			return;
	}
}

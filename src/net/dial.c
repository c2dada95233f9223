#include "net/dial.h"

#include <errno.h>
#include <unistd.h>

static void writer_cb(struct ev_loop *ev, ev_io *w, int events);

/* The fd with *sys 0 or EINPROGRESS, or -1 with the errno there. */
static int start_one(const struct addr *a, int *sys)
{
	int fd = sock_connect_start(a);

	*sys = errno;
	if (fd >= 0 && *sys == EINPROGRESS)
		*sys = sock_connect_again(fd, a);
	if (fd >= 0 && *sys != 0 && *sys != EINPROGRESS) {
		(void)close(fd); /* never connected */
		fd = -1;
	}
	return fd;
}

/* From address d->next on: true with *fd when decided, false when one is in progress. */
static bool advance(struct dial *d, int *fd)
{
	while (d->next < d->count) {
		int sys;
		int started = start_one(&d->addrs[d->next++], &sys);

		if (started >= 0 && sys == EINPROGRESS) {
			d->fd = started;
			ev_io_init(&d->writer, writer_cb, started, EV_WRITE);
			ev_io_start(d->loop->ev, &d->writer);
			return false;
		}
		if (started >= 0) {
			*fd = started;
			return true;
		}
		d->sys = sys;
	}
	*fd = -1;
	return true;
}

/* The one way out of "in progress"; the descriptor is the caller's. */
static int take_fd(struct dial *d)
{
	int fd = d->fd;

	ev_io_stop(d->loop->ev, &d->writer);
	d->fd = -1;
	return fd;
}

static void writer_cb(struct ev_loop *ev, ev_io *w, int events)
{
	struct dial *d = container_of(w, struct dial, writer);
	int fd = take_fd(d);
	int sys = sock_connect_result(fd);

	(void)ev;
	(void)events;
	if (sys != 0) {
		(void)close(fd); /* never connected */
		d->sys = sys;
		if (!advance(d, &fd))
			return;
	}
	d->on_done(d, fd); /* may free d */
}

bool dial_start(struct dial *d, struct loop *loop, const struct addr *addrs, unsigned count,
		void (*on_done)(struct dial *self, int fd), int *fd)
{
	d->loop = loop;
	d->fd = -1;
	d->sys = EADDRNOTAVAIL; /* of an empty list */
	d->next = 0;
	d->count = count < DIAL_ADDRS_MAX ? count : DIAL_ADDRS_MAX;
	d->on_done = on_done;
	ev_init(&d->writer, writer_cb);
	for (unsigned i = 0; i < d->count; i++)
		d->addrs[i] = addrs[i];
	return advance(d, fd);
}

void dial_cancel(struct dial *d)
{
	if (ev_is_active(&d->writer))
		(void)close(take_fd(d)); /* never connected */
}

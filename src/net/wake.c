#include "net/wake.h"

#include <unistd.h>

static void watcher_cb(struct ev_loop *ev, ev_io *watcher, int events)
{
	struct wake *w = container_of(watcher, struct wake, watcher);
	uint64_t times;

	(void)ev, (void)events;
	(void)!read(watcher->fd, &times, sizeof(times)); /* however often */
	w->on_wake(w);
}

void wake_init(struct wake *w, struct loop *loop, int fd, void (*on_wake)(struct wake *self))
{
	w->loop = loop;
	w->on_wake = on_wake;
	ev_io_init(&w->watcher, watcher_cb, fd, EV_READ);
}

void wake_start(struct wake *w)
{
	if (w->watcher.fd >= 0)
		ev_io_start(w->loop->ev, &w->watcher);
}

void wake_stop(struct wake *w)
{
	ev_io_stop(w->loop->ev, &w->watcher);
}

void wake_send(int fd)
{
	const uint64_t once = 1;
	(void)!write(fd, &once, sizeof(once)); /* full: it will look anyway */
}

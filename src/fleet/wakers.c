#include "fleet/wakers.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cc.h"

void wakers_init(struct wakers *w)
{
	for (unsigned i = 0; i < countof(w->fds); i++)
		w->fds[i] = -1;
}

enum err wakers_open(struct wakers *w, unsigned n, struct error *e)
{
	for (unsigned i = 0; i < n && i < countof(w->fds); i++) {
		if (w->fds[i] < 0)
			w->fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (w->fds[i] < 0)
			return err_sys(e, errno, "eventfd for worker %u", i);
	}
	return ERR_OK;
}

void wakers_fini(struct wakers *w)
{
	for (unsigned i = 0; i < countof(w->fds); i++) {
		if (w->fds[i] >= 0)
			(void)close(w->fds[i]); /* nothing was written to a disk */
		w->fds[i] = -1;
	}
}

void wakers_wake_all(const struct wakers *w)
{
	const uint64_t once = 1;
	for (unsigned i = 0; i < countof(w->fds); i++) {
		if (w->fds[i] >= 0)
			(void)!write(w->fds[i], &once, sizeof(once)); /* full: it looks anyway */
	}
}

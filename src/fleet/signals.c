#include "fleet/signals.h"

#include <signal.h>

static const struct {
	int number;
	enum signals_wish wish;
} meanings[SIGNALS] = {
	{ SIGTERM, SIGNALS_STOP },  { SIGINT, SIGNALS_STOP },	     { SIGQUIT, SIGNALS_DRAIN },
	{ SIGHUP, SIGNALS_RELOAD }, { SIGUSR1, SIGNALS_REOPEN_LOG }, { SIGUSR2, SIGNALS_UPGRADE },
	{ SIGCHLD, SIGNALS_REAP },
};

static void signal_cb(struct ev_loop *ev, ev_signal *w, int events)
{
	struct signals *s = w->data;

	(void)ev, (void)events;
	s->on_signal(s, meanings[w - s->watchers].wish);
}

void signals_start(struct signals *s, struct loop *loop)
{
	s->loop = loop;
	for (unsigned i = 0; i < SIGNALS; i++) {
		ev_signal_init(&s->watchers[i], signal_cb, meanings[i].number);
		s->watchers[i].data = s;
		ev_signal_start(loop->ev, &s->watchers[i]);
	}
}

void signals_stop(struct signals *s)
{
	for (unsigned i = 0; i < SIGNALS; i++)
		ev_signal_stop(s->loop->ev, &s->watchers[i]);
}

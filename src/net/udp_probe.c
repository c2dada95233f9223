#include "net/udp_probe.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const double again_s = 1;

static void done(struct udp_probe *p, int sys)
{
	udp_probe_cancel(p);
	p->on_done(p, sys);
}

static void probe_readable_cb(struct ev_loop *ev, ev_io *w, int events)
{
	struct udp_probe *p = container_of(w, struct udp_probe, reader);
	(void)ev, (void)events;
	ssize_t n = recv(p->fd, p->answer, sizeof(p->answer), 0);
	if (n >= 0) {
		p->answer_n = (size_t)n;
		done(p, 0);
	} else if (errno != EAGAIN && errno != EINTR) {
		done(p, errno);
	}
}

/* What the system does not take now is sent again later. */
static int ask(const struct udp_probe *p)
{
	bool is_sent = send(p->fd, p->question, p->question_n, 0) >= 0;
	return is_sent || errno == EAGAIN || errno == ENOBUFS ? 0 : errno;
}

static void probe_again_cb(struct ev_loop *ev, ev_timer *w, int events)
{
	struct udp_probe *p = container_of(w, struct udp_probe, again);
	(void)ev, (void)events;
	int sys = ask(p);
	if (sys != 0)
		done(p, sys);
}

int udp_probe_start(struct udp_probe *p, struct loop *loop, const struct addr *to,
		    struct str question, void (*on_done)(struct udp_probe *self, int sys))
{
	p->loop = loop;
	p->on_done = on_done;
	p->answer_n = 0;
	p->question_n = question.n < sizeof(p->question) ? question.n : sizeof(p->question);
	memcpy(p->question, question.p, p->question_n);
	p->fd = socket(to->u.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		return errno;
	ev_io_init(&p->reader, probe_readable_cb, p->fd, EV_READ);
	ev_timer_init(&p->again, probe_again_cb, again_s, again_s);
	int sys = connect(p->fd, &to->u.sa, to->len) == 0 ? ask(p) : errno;
	if (sys != 0) {
		udp_probe_cancel(p);
		return sys;
	}
	ev_io_start(loop->ev, &p->reader);
	ev_timer_start(loop->ev, &p->again);
	return 0;
}

void udp_probe_cancel(struct udp_probe *p)
{
	if (p->fd < 0)
		return;
	ev_io_stop(p->loop->ev, &p->reader);
	ev_timer_stop(p->loop->ev, &p->again);
	(void)close(p->fd); /* nothing is lost */
	p->fd = -1;
}

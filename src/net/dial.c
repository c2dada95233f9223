#include "net/dial.h"

#include <errno.h>
#include <unistd.h>

#include "net/sock.h"

static const double stagger_most_s = 0.25; /* RFC 8305 §8 */
static const double again_least_s = 0.005, again_most_s = 0.1;

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

/* Does it say nothing about the other side? */
static bool is_for_now(int sys)
{
	return sock_err_is_shortage(sys) || sys == EADDRNOTAVAIL || sys == EAGAIN;
}

static void note_failed_try(struct dial *d, unsigned i, int sys)
{
	d->sys = d->tries[i].sys = sys;
	d->tries[i].state = is_for_now(sys) ? DIAL_AGAIN : DIAL_FAILED;
}

/* true: it stands, with *fd. */
static bool begin_try(struct dial *d, unsigned i, int *fd)
{
	struct dial_try *try = &d->tries[i];
	int sys;
	int started = start_one(&d->addrs[i], &sys);

	d->last = i;
	if (started < 0) {
		note_failed_try(d, i, sys);
		return false;
	}
	*fd = started;
	if (sys == 0)
		return true;
	try->state = DIAL_BUSY;
	ev_io_init(&try->writer, writer_cb, started, EV_WRITE);
	ev_io_start(d->loop->ev, &try->writer);
	return false;
}

static int family_of(const struct dial *d, unsigned i)
{
	return i < d->count ? d->addrs[i].u.sa.sa_family : AF_UNSPEC;
}

/* The next address: of the other family if there is one, else the first; d->count: none is left. */
static unsigned next_untried(const struct dial *d)
{
	unsigned found = d->count;

	for (unsigned i = 0; i < d->count; i++) {
		if (d->tries[i].state != DIAL_UNTRIED)
			continue;
		if (family_of(d, i) != family_of(d, d->last))
			return i;
		if (found == d->count)
			found = i;
	}
	return found;
}

static bool has_state(const struct dial *d, enum dial_state state)
{
	for (unsigned i = 0; i < d->count; i++) {
		if (d->tries[i].state == state)
			return true;
	}
	return false;
}

static void arm_pace(struct dial *d, double seconds)
{
	ev_timer_stop(d->loop->ev, &d->pace);
	if (seconds <= 0)
		return;
	ev_timer_set(&d->pace, seconds, 0.);
	ev_timer_start(d->loop->ev, &d->pace);
}

static double next_again(struct dial *d)
{
	double now = d->again_s;

	d->again_s = now * 2 < again_most_s ? now * 2 : again_most_s;
	return now;
}

/* The descriptor is the caller's. */
static int take_fd(struct dial_try *try)
{
	ev_io_stop(try->dial->loop->ev, &try->writer);
	return try->writer.fd;
}

static void stop_all(struct dial *d)
{
	arm_pace(d, 0);
	for (unsigned i = 0; i < d->count; i++) {
		if (d->tries[i].state != DIAL_BUSY)
			continue;
		(void)close(take_fd(&d->tries[i])); /* it did not win */
		d->tries[i].state = DIAL_FAILED;
	}
}

/* Begins untried addresses up to one that does not answer at once. Returns as dial_start. */
static bool begin_more(struct dial *d, int *fd)
{
	unsigned i;

	do {
		i = next_untried(d);
		if (i < d->count && begin_try(d, i, fd)) {
			stop_all(d);
			return true;
		}
	} while (i < d->count && d->tries[i].state != DIAL_BUSY);
	bool is_busy = has_state(d, DIAL_BUSY);
	if (has_state(d, DIAL_AGAIN))
		arm_pace(d, next_again(d));
	else
		arm_pace(d, is_busy && has_state(d, DIAL_UNTRIED) ? d->stagger_s : 0);
	*fd = -1;
	return !is_busy && !ev_is_active(&d->pace);
}

bool dial_again(struct dial *d, int *fd)
{
	for (unsigned i = 0; i < d->count; i++) {
		if (d->tries[i].state == DIAL_AGAIN)
			d->tries[i].state = DIAL_UNTRIED;
	}
	return begin_more(d, fd);
}

static void writer_cb(struct ev_loop *ev, ev_io *w, int events)
{
	struct dial_try *try = container_of(w, struct dial_try, writer);
	struct dial *d = try->dial;
	int fd = take_fd(try), sys = sock_connect_result(fd);

	(void)ev;
	(void)events;
	try->state = DIAL_FAILED;
	if (sys == 0) {
		d->last = (unsigned)(try - d->tries);
		stop_all(d);
	} else {
		(void)close(fd); /* never connected */
		note_failed_try(d, (unsigned)(try - d->tries), sys);
		if (!begin_more(d, &fd))
			return;
	}
	d->on_done(d, fd); /* may free d */
}

static void pace_cb(struct ev_loop *ev, ev_timer *t, int events)
{
	struct dial *d = container_of(t, struct dial, pace);
	int fd;

	(void)ev;
	(void)events;
	if (dial_again(d, &fd))
		d->on_done(d, fd); /* may free d */
}

/* In the order in which they are begun, before families take turns. */
static void order_addrs(struct dial *d, const struct dial_goal *goal)
{
	unsigned first = goal->first < goal->count ? goal->first : 0, n = 0;

	if (goal->count > 0)
		d->addrs[n++] = goal->addrs[first];
	for (unsigned i = 0; i < goal->count && n < DIAL_ADDRS_MAX; i++) {
		if (i != first)
			d->addrs[n++] = goal->addrs[i];
	}
	d->count = n;
	for (unsigned i = 0; i < n; i++)
		d->tries[i] = (struct dial_try){ .dial = d };
}

bool dial_start(struct dial *d, struct loop *loop, const struct dial_goal *goal,
		void (*on_done)(struct dial *self, int fd), int *fd)
{
	d->loop = loop;
	d->sys = EADDRNOTAVAIL; /* of an empty list */
	d->last = DIAL_ADDRS_MAX;
	d->on_done = on_done;
	d->again_s = again_least_s;
	order_addrs(d, goal);
	ev_init(&d->pace, pace_cb);
	d->stagger_s = d->count > 0 ? goal->timeout_ms / 1e3 / d->count : 0;
	if (d->stagger_s <= 0 || d->stagger_s > stagger_most_s)
		d->stagger_s = stagger_most_s;
	return begin_more(d, fd);
}

int dial_lacks(const struct dial *d)
{
	for (unsigned i = 0; i < d->count; i++) {
		const struct dial_try *try = &d->tries[i];
		bool is_theirs = try->sys == EAGAIN && addr_is_unix(&d->addrs[i]);

		if (try->state == DIAL_AGAIN && !is_theirs)
			return try->sys;
	}
	return 0;
}

const char *dial_lack_text(int sys)
{
	return sys == EADDRNOTAVAIL || sys == EAGAIN ? "no local port is left" : sock_err_text(sys);
}

const struct addr *dial_winner(const struct dial *d)
{
	return &d->addrs[d->last];
}

void dial_cancel(struct dial *d)
{
	if (d->loop != NULL)
		stop_all(d);
}

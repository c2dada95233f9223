#include "net/udp_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void udp_readable_cb(struct ev_loop *ev, ev_io *w, int events)
{
	struct udp_socket *s = container_of(w, struct udp_socket, reader);
	(void)ev, (void)events;
	s->on_readable(s);
}

void udp_socket_init(struct udp_socket *s, struct loop *loop, int fd,
		     void (*on_readable)(struct udp_socket *s))
{
	*s = (struct udp_socket){ .loop = loop, .fd = fd, .batch = 1, .on_readable = on_readable };
	ev_io_init(&s->reader, udp_readable_cb, fd, EV_READ);
}

int udp_socket_open(struct udp_socket *s, struct loop *loop, int family,
		    void (*on_readable)(struct udp_socket *s))
{
	int fd = udp_open(family);
	if (fd < 0)
		return errno;
	udp_socket_init(s, loop, fd, on_readable);
	return 0;
}

static int veil(int fd, int family)
{
	int on = 1;
	bool is_v6 = family == AF_INET6;
	int rc = setsockopt(fd, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP,
			    is_v6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, &on, sizeof(on));
	return rc == 0 ? 0 : errno;
}

int udp_socket_veil(const struct udp_socket *s, int family)
{
	return veil(s->fd, family);
}

/* The right is the same for both families. */
enum err udp_socket_may_veil(struct error *e)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, errno, "a socket of datagrams");
	int sys = veil(fd, AF_INET);
	(void)close(fd); /* nothing was sent */
	if (sys == 0)
		return ERR_OK;
	return err_sys(
		e, sys,
		"source = \"client\" needs CAP_NET_ADMIN or CAP_NET_RAW, which the switch to "
		"`user` drops: start neap as root without `user`, or as a user that has one of "
		"them (systemd: AmbientCapabilities=)");
}

int udp_socket_share(struct udp_socket *s, struct loop *loop, int fd,
		     void (*on_readable)(struct udp_socket *s))
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return errno;
	udp_socket_init(s, loop, own, on_readable);
	return 0;
}

void udp_socket_start(struct udp_socket *s, bool is_late)
{
	if (!ev_is_active(&s->reader))
		ev_set_priority(&s->reader, is_late ? LOOP_LATE : 0);
	ev_io_start(s->loop->ev, &s->reader);
}

void udp_socket_stop(struct udp_socket *s)
{
	ev_io_stop(s->loop->ev, &s->reader);
}

void udp_socket_close(struct udp_socket *s)
{
	udp_socket_stop(s);
	(void)close(s->fd); /* what is not sent by now is lost, as datagrams are */
	s->fd = -1;
}

/* As many as came the last time, and more after a whole batch: to look for none costs, too. */
static void learn(struct udp_socket *s, unsigned n)
{
	if (n == s->batch && s->batch < UDP_BATCH)
		s->batch = (uint16_t)(s->batch * 2);
	else if (n <= s->batch / 2U)
		s->batch = (uint16_t)(n > 1 ? n : 1);
}

unsigned udp_socket_read(struct udp_socket *s, struct udp_batch *b, unsigned first, unsigned room,
			 bool *more)
{
	unsigned most = s->batch < room ? s->batch : room;
	unsigned n = udp_read(b, s->fd, first, most);
	learn(s, n);
	*more = n == most && n > 1;
	return n;
}

bool udp_socket_trouble(const struct udp_socket *s, struct udp_addr *to, int *sys)
{
	return udp_read_trouble(s->fd, to, sys);
}

void udp_socket_send(const struct udp_socket *s, struct udp_outbox *o, const struct datagram *d,
		     const void *whose)
{
	udp_outbox_add(o, s->fd, d, whose);
}

bool udp_socket_name(const struct udp_socket *s, struct udp_addr *to)
{
	socklen_t n = sizeof(*to);
	return getsockname(s->fd, &to->u.sa, &n) == 0;
}

int udp_socket_number(const struct udp_socket *s)
{
	return s->fd;
}

#include "net/bind_udp.h"

#include <errno.h>
#include <netinet/udp.h>
#include <unistd.h>

#include "net/bind.h"

enum { QUEUE_BYTES = 4 * 1024 * 1024 }; /* of datagrams that wait for a busy worker */

static bool set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

/* Optimisations: no harm where they cannot be had. */
static void set_wishes(int fd)
{
	if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, QUEUE_BYTES))
		(void)set_option(fd, SOL_SOCKET, SO_RCVBUF, QUEUE_BYTES);
	if (!set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, QUEUE_BYTES))
		(void)set_option(fd, SOL_SOCKET, SO_SNDBUF, QUEUE_BYTES);
	(void)set_option(fd, IPPROTO_UDP, UDP_GRO, 1);
}

/* Answers leave from the address that the client sent to. */
static bool set_needs(int fd, const struct addr *a)
{
	if (a->u.sa.sa_family == AF_INET)
		return set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
	return set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) &&
	       set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

static int make(const struct addr *a)
{
	int fd = socket(a->u.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (set_needs(fd, a)) {
		set_wishes(fd);
		return fd;
	}
	int sys = errno;
	(void)close(fd); /* nothing was sent */
	errno = sys;
	return -1;
}

static bool do_bind(int fd, const struct addr *a, bool is_first)
{
	if (!is_first && !set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1))
		return false;
	if (bind(fd, &a->u.sa, a->len) != 0)
		return false;
	return !is_first || set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

static bool learn_port(struct addr *a, int fd)
{
	struct addr bound = { .len = sizeof(bound.u) };
	if (addr_port(a) != 0)
		return true;
	if (getsockname(fd, &bound.u.sa, &bound.len) != 0)
		return false;
	addr_set_port(a, addr_port(&bound));
	return true;
}

enum err bind_udp_open(struct addr *a, unsigned count, bool is_beside, int *fds, struct error *e)
{
	for (unsigned i = 0; i < count; i++) {
		fds[i] = make(a);
		if (fds[i] >= 0 && do_bind(fds[i], a, i == 0 && !is_beside) &&
		    learn_port(a, fds[i]))
			continue;
		int sys = errno;
		for (unsigned k = 0; k <= i; k++) {
			if (fds[k] >= 0)
				(void)close(fds[k]); /* nobody was told of them */
		}
		return bind_refuse(a, sys, e);
	}
	return ERR_OK;
}

enum err bind_udp_join(const struct addr *a, int *fd, struct error *e)
{
	*fd = make(a);
	return *fd >= 0 ? ERR_OK : bind_refuse(a, errno, e);
}

enum err bind_udp_start(const struct addr *a, int fd, struct error *e)
{
	return do_bind(fd, a, false) ? ERR_OK : bind_refuse(a, errno, e);
}

void bind_udp_adopt(const struct addr *a, int fd)
{
	(void)set_needs(fd, a); /* without it answers leave from any address of the machine */
	set_wishes(fd);
}

bool bind_udp_is_one(int fd)
{
	int type = 0;
	socklen_t n = sizeof(type);
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_DGRAM;
}

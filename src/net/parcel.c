#include "net/parcel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONTROL = CMSG_SPACE(PARCEL_FDS * sizeof(int)) };

static void add_fds(struct msghdr *m, char *control, const struct parcel *p)
{
	size_t bytes = p->fds_n * sizeof(int);
	struct cmsghdr c = { .cmsg_len = CMSG_LEN(bytes),
			     .cmsg_level = SOL_SOCKET,
			     .cmsg_type = SCM_RIGHTS };
	if (p->fds_n == 0)
		return;
	memset(control, 0, CMSG_SPACE(bytes));
	memcpy(control, &c, sizeof(c));
	memcpy(control + CMSG_LEN(0), p->fds, bytes);
	m->msg_control = control;
	m->msg_controllen = CMSG_SPACE(bytes);
}

static bool wait_for_room(int channel, int patience_ms)
{
	struct pollfd look = { .fd = channel, .events = POLLOUT };
	return poll(&look, 1, patience_ms) == 1;
}

bool parcel_send(int channel, const struct parcel *p, int patience_ms)
{
	_Alignas(struct cmsghdr) char control[CONTROL];
	struct iovec piece = { (char *)(uintptr_t)p->bytes, p->n };
	struct msghdr m = { .msg_iov = &piece, .msg_iovlen = 1 };
	add_fds(&m, control, p);
	for (;;) {
		if (sendmsg(channel, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return true;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN || !wait_for_room(channel, patience_ms))
			return false;
	}
}

static void take_fds(struct parcel *p, struct msghdr *m)
{
	p->fds_n = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t bytes = c->cmsg_len - CMSG_LEN(0);
		memcpy(p->fds, CMSG_DATA(c), bytes); /* the control data has room for no more */
		p->fds_n = (unsigned)(bytes / sizeof(int));
	}
}

int parcel_receive(int channel, struct parcel *p)
{
	_Alignas(struct cmsghdr) char control[CONTROL];
	struct iovec piece = { p->bytes, sizeof(p->bytes) };
	struct msghdr m = { .msg_iov = &piece,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(channel, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	p->n = (size_t)n;
	take_fds(p, &m);
	return n > 0 ? 1 : -1;
}

void parcel_close(struct parcel *p, unsigned first)
{
	for (unsigned i = first; i < p->fds_n; i++)
		(void)close(p->fds[i]); /* others have them still */
	p->fds_n = first < p->fds_n ? first : p->fds_n;
}

#include "net/udp.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/errqueue.h>

enum {
	CONTROL = 128, /* addresses on our side, and how long a segment is */
	QUEUE_BYTES = 1024 * 1024,
};

struct place {
	struct udp_addr addr;
	_Alignas(struct cmsghdr) char control[CONTROL];
};

struct udp_batch {
	struct mmsghdr heads[UDP_BATCH];
	struct iovec pieces[UDP_BATCH];
	struct place places[UDP_BATCH];
	char *bytes;
};

/* One that is to go out: it, or what goes before it and it. */
struct letter {
	struct iovec pieces[2];
	uint16_t segment;
	const void *whose;
	char head[UDP_HEAD_MAX];
};

struct udp_outbox {
	int fd;
	unsigned n;
	struct mmsghdr heads[UDP_BATCH];
	struct place places[UDP_BATCH];
	struct letter letters[UDP_BATCH];
	udp_on_loss on_loss;
};

/* ---- reading ---- */

struct udp_batch *udp_batch_create(void)
{
	struct udp_batch *b = calloc(1, sizeof(*b));
	if (b == NULL)
		return NULL;
	b->bytes = malloc((size_t)UDP_BATCH * UDP_ROOM); /* the system gives what is touched */
	if (b->bytes == NULL) {
		free(b);
		return NULL;
	}
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		struct msghdr *m = &b->heads[i].msg_hdr;
		b->pieces[i] = (struct iovec){ b->bytes + (size_t)i * UDP_ROOM, UDP_ROOM };
		m->msg_name = &b->places[i].addr;
		m->msg_iov = &b->pieces[i];
		m->msg_iovlen = 1;
		m->msg_control = b->places[i].control;
	}
	return b;
}

void udp_batch_destroy(struct udp_batch *b)
{
	if (b == NULL)
		return;
	free(b->bytes);
	free(b);
}

unsigned udp_read(struct udp_batch *b, int fd, unsigned first, unsigned most)
{
	for (unsigned i = first; i < first + most; i++) {
		b->heads[i].msg_hdr.msg_namelen = sizeof(b->places[i].addr);
		b->heads[i].msg_hdr.msg_controllen = CONTROL;
	}
	int n = recvmmsg(fd, b->heads + first, most, MSG_DONTWAIT, NULL);
	return n > 0 ? (unsigned)n : 0;
}

static void note_ip4(struct udp_local *to, const struct cmsghdr *c)
{
	struct in_pktinfo info;
	memcpy(&info, CMSG_DATA(c), sizeof(info));
	to->family = AF_INET;
	memcpy(to->ip, &info.ipi_addr, 4);
}

static void note_ip6(struct udp_local *to, const struct cmsghdr *c)
{
	struct in6_pktinfo info;
	memcpy(&info, CMSG_DATA(c), sizeof(info));
	to->family = AF_INET6;
	memcpy(to->ip, &info.ipi6_addr, 16);
	if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
		to->link = (uint32_t)info.ipi6_ifindex;
}

static void note_segment(struct datagram *d, const struct cmsghdr *c)
{
	int segment;
	memcpy(&segment, CMSG_DATA(c), sizeof(segment));
	if (segment > 0 && (size_t)segment < d->n)
		d->segment = (uint16_t)segment;
}

void udp_batch_at(const struct udp_batch *b, unsigned at, struct datagram *d)
{
	struct msghdr head = b->heads[at].msg_hdr; /* the macros want one that may be written to */
	*d = (struct datagram){ .bytes = b->pieces[at].iov_base,
				.n = b->heads[at].msg_len,
				.peer = b->places[at].addr };
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&head); c != NULL; c = CMSG_NXTHDR(&head, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
			note_ip4(&d->local, c);
		else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
			note_ip6(&d->local, c);
		else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO)
			note_segment(d, c);
	}
}

/* ---- sending ---- */

struct udp_outbox *udp_outbox_create(udp_on_loss on_loss)
{
	struct udp_outbox *o = calloc(1, sizeof(*o));
	if (o == NULL)
		return NULL;
	o->fd = -1;
	o->on_loss = on_loss;
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		struct msghdr *m = &o->heads[i].msg_hdr;
		m->msg_name = &o->places[i].addr;
		m->msg_iov = o->letters[i].pieces;
		m->msg_iovlen = 1;
	}
	return o;
}

void udp_outbox_destroy(struct udp_outbox *o)
{
	free(o);
}

static size_t add_control(char *to, int level, int type, const void *data, size_t n)
{
	struct cmsghdr c = { .cmsg_len = CMSG_LEN(n), .cmsg_level = level, .cmsg_type = type };
	memset(to, 0, CMSG_SPACE(n));
	memcpy(to, &c, sizeof(c));
	memcpy(to + CMSG_LEN(0), data, n);
	return CMSG_SPACE(n);
}

static size_t add_local(char *to, const struct udp_local *local)
{
	if (local->family == AF_INET) {
		struct in_pktinfo info = { 0 };
		memcpy(&info.ipi_spec_dst, local->ip, 4);
		return add_control(to, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	}
	if (local->family == AF_INET6) {
		struct in6_pktinfo info = { .ipi6_ifindex = local->link };
		memcpy(&info.ipi6_addr, local->ip, 16);
		return add_control(to, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
	return 0;
}

static size_t bytes_of(const struct letter *l)
{
	return l->pieces[0].iov_len + l->pieces[1].iov_len;
}

/* Where the kernel does not cut it: one by one. */
static void send_pieces(struct udp_outbox *o, unsigned at)
{
	const struct letter *l = &o->letters[at];
	struct msghdr head = o->heads[at].msg_hdr;
	struct iovec whole = l->pieces[0], piece;
	size_t cut = CMSG_SPACE(sizeof(uint16_t)); /* the last thing in the control data */
	head.msg_controllen -= cut;
	head.msg_iov = &piece;
	for (size_t from = 0; from < whole.iov_len; from += l->segment) {
		size_t left = whole.iov_len - from;
		piece.iov_base = (char *)whole.iov_base + from;
		piece.iov_len = left < l->segment ? left : l->segment;
		if (sendmsg(o->fd, &head, MSG_DONTWAIT) < 0)
			o->on_loss(l->whose, errno, 1, piece.iov_len);
	}
}

static void lose(const struct udp_outbox *o, unsigned at, int sys)
{
	const struct letter *l = &o->letters[at];
	struct datagram d = { .n = bytes_of(l), .segment = l->segment };
	o->on_loss(l->whose, sys, datagram_count(&d), l->segment != 0 ? l->segment : d.n);
}

/*
 * The error may be that of an earlier datagram, of which ICMP told: it is reported once, by whatever is
 * called next.
 */
static void send_again(struct udp_outbox *o, unsigned at)
{
	if (errno == EAGAIN || errno == ENOBUFS)
		lose(o, at, errno);
	else if (sendmsg(o->fd, &o->heads[at].msg_hdr, MSG_DONTWAIT) >= 0)
		return;
	else if (o->letters[at].segment != 0)
		send_pieces(o, at);
	else
		lose(o, at, errno);
}

/* A failure is that of the first that was not taken: the others are tried all the same. */
void udp_outbox_flush(struct udp_outbox *o)
{
	for (unsigned at = 0; at < o->n;) {
		int n = sendmmsg(o->fd, o->heads + at, o->n - at, MSG_DONTWAIT);
		if (n > 0)
			at += (unsigned)n;
		else if (errno != EINTR)
			send_again(o, at++);
	}
	o->n = 0;
}

static void fill(struct letter *l, const struct datagram *d)
{
	size_t n = d->head.n;
	l->segment = d->segment;
	l->pieces[n > 0] = (struct iovec){ d->bytes, d->n };
	if (likely(n == 0)) {
		l->pieces[1].iov_len = 0;
		return;
	}
	memcpy(l->head, d->head.p, n);
	l->pieces[0] = (struct iovec){ l->head, n };
}

void udp_outbox_add(struct udp_outbox *o, int fd, const struct datagram *d, const void *whose)
{
	if (o->n > 0 && (o->fd != fd || o->n == UDP_BATCH))
		udp_outbox_flush(o);
	unsigned at = o->n++;
	struct msghdr *m = &o->heads[at].msg_hdr;
	char *control = o->places[at].control;
	o->fd = fd;
	o->places[at].addr = d->peer;
	fill(&o->letters[at], d);
	o->letters[at].whose = whose;
	m->msg_iovlen = d->head.n > 0 ? 2 : 1;
	size_t n = add_local(control, &d->local);
	if (d->segment != 0)
		n += add_control(control + n, IPPROTO_UDP, UDP_SEGMENT, &d->segment,
				 sizeof(d->segment));
	m->msg_namelen = udp_addr_len(&d->peer);
	m->msg_control = n > 0 ? control : NULL;
	m->msg_controllen = n;
}

/* ---- sockets to backends ---- */

static void set_option(int fd, int level, int name, int value)
{
	(void)setsockopt(fd, level, name, &value, sizeof(value)); /* it works without, too */
}

int udp_open(int family)
{
	struct udp_addr any = { .u.sa.sa_family = (sa_family_t)family };
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (family == AF_INET6)
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (bind(fd, &any.u.sa, udp_addr_len(&any)) != 0) {
		int sys = errno;
		(void)close(fd); /* nothing was sent */
		errno = sys;
		return -1;
	}
	set_option(fd, family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP,
		   family == AF_INET6 ? IPV6_RECVERR : IP_RECVERR, 1);
	set_option(fd, SOL_SOCKET, SO_RCVBUF, QUEUE_BYTES);
	set_option(fd, IPPROTO_UDP, UDP_GRO, 1);
	return fd;
}

static int errno_of(struct msghdr *head)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c != NULL; c = CMSG_NXTHDR(head, c)) {
		bool is_error = (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
				(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
		struct sock_extended_err err;
		if (!is_error)
			continue;
		memcpy(&err, CMSG_DATA(c), sizeof(err));
		return err.ee_origin == SO_EE_ORIGIN_LOCAL ? 0 : (int)err.ee_errno;
	}
	return 0;
}

bool udp_read_trouble(int fd, struct udp_addr *to, int *sys)
{
	char byte;
	_Alignas(struct cmsghdr) char control[512];
	struct iovec piece = { &byte, sizeof(byte) };
	struct msghdr head = { .msg_name = to,
			       .msg_namelen = sizeof(*to),
			       .msg_iov = &piece,
			       .msg_iovlen = 1,
			       .msg_control = control,
			       .msg_controllen = sizeof(control) };
	memset(to, 0, sizeof(*to));
	if (recvmsg(fd, &head, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	*sys = errno_of(&head);
	return true;
}

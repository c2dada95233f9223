#include "net/ping.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/num.h"

enum {
	ICMP_HEAD = 8,
	IP_HEAD_MIN = 20,
	RECEIVED_MAX = 128, /* longer than any reply to us, with any IP header */
	RECEIVES = 16, /* in one turn of the loop; a raw socket may get the replies of others */
	GROUPS_MAX = 1024,
	GROUPS_FILE_MAX = 64,
};

static const double again_s = 1;
static const char groups_path[] = "/proc/sys/net/ipv4/ping_group_range";

static char groups_text[GROUPS_FILE_MAX]; /* as ping_remember_groups found it */

static uint16_t checksum(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* With IPv6 the kernel fills in the checksum, which covers the addresses, too. */
void ping_write(uint8_t to[PING_BYTES], const struct ping_mark *m)
{
	memset(to, 0, ICMP_HEAD);
	to[0] = m->is_v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	put16(to + 4, m->id);
	put16(to + 6, m->sent);
	memcpy(to + ICMP_HEAD, m->nonce, PING_NONCE);
	if (!m->is_v6)
		put16(to + 2, checksum(to, PING_BYTES));
}

bool ping_is_reply(const struct ping_mark *m, const uint8_t *p, size_t n)
{
	if (m->is_raw && !m->is_v6) {
		size_t head = n < IP_HEAD_MIN ? 0 : (size_t)(p[0] & 0x0f) * 4;
		if (head < IP_HEAD_MIN || head > n || p[0] >> 4 != 4 || p[9] != IPPROTO_ICMP)
			return false;
		p += head;
		n -= head;
	}
	if (n != PING_BYTES || p[0] != (m->is_v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) || p[1] != 0)
		return false;
	uint16_t sequence = get16(p + 6);
	if (sequence == 0 || sequence > m->sent || (m->is_raw && get16(p + 4) != m->id))
		return false;
	return memcmp(p + ICMP_HEAD, m->nonce, PING_NONCE) == 0;
}

static int open_icmp(int family, int type)
{
	int protocol = family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;

	return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

/* The kernel then hands over replies only to a raw socket. */
static void pass_replies_only(int fd, bool is_v6)
{
	if (is_v6) {
		struct icmp6_filter f;
		ICMP6_FILTER_SETBLOCKALL(&f);
		ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &f);
		(void)setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &f, sizeof(f)); /* a saving */
	} else {
		struct icmp_filter f = { .data = ~(1u << ICMP_ECHOREPLY) };
		(void)setsockopt(fd, SOL_RAW, ICMP_FILTER, &f, sizeof(f)); /* likewise */
	}
}

static int open_any(int family, bool *is_raw)
{
	int fd = open_icmp(family, SOCK_DGRAM);
	int sys = errno;

	*is_raw = false;
	if (fd >= 0 || (sys != EACCES && sys != EPERM && sys != EPROTONOSUPPORT))
		return fd;
	fd = open_icmp(family, SOCK_RAW);
	*is_raw = true;
	if (fd >= 0)
		pass_replies_only(fd, family == AF_INET6);
	return fd;
}

static void end_ping(struct ping *p, int sys)
{
	ping_cancel(p);
	p->on_done(p, sys); /* may free p */
}

static bool is_from(const struct ping *p, const struct addr *from)
{
	if (from->u.sa.sa_family != p->to.u.sa.sa_family)
		return false;
	if (p->mark.is_v6)
		return memcmp(&from->u.in6.sin6_addr, &p->to.u.in6.sin6_addr,
			      sizeof(from->u.in6.sin6_addr)) == 0;
	return from->u.in.sin_addr.s_addr == p->to.u.in.sin_addr.s_addr;
}

static void reply_cb(struct ev_loop *ev, ev_io *w, int events)
{
	struct ping *p = container_of(w, struct ping, reader);
	uint8_t bytes[RECEIVED_MAX];

	(void)ev, (void)events;
	for (unsigned i = 0; i < RECEIVES; i++) {
		struct addr from = { .len = sizeof(from.u) };
		ssize_t n = recvfrom(p->fd, bytes, sizeof(bytes), MSG_TRUNC, &from.u.sa, &from.len);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n >= 0 && (size_t)n <= sizeof(bytes) && is_from(p, &from) &&
		    ping_is_reply(&p->mark, bytes, (size_t)n)) {
			end_ping(p, 0);
			return;
		}
	}
}

/* 0, or why it cannot be sent at all; a full queue passes. */
static int send_echo(struct ping *p)
{
	uint8_t bytes[PING_BYTES];

	if (p->mark.sent < UINT16_MAX)
		p->mark.sent++;
	ping_write(bytes, &p->mark);
	if (send(p->fd, bytes, sizeof(bytes), MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : errno;
}

static void again_cb(struct ev_loop *ev, ev_timer *w, int events)
{
	struct ping *p = container_of(w, struct ping, again);

	(void)ev, (void)events;
	int sys = send_echo(p);
	if (sys != 0)
		end_ping(p, sys);
}

static int send_first(struct ping *p)
{
	if (getrandom(p->mark.nonce, sizeof(p->mark.nonce), 0) != PING_NONCE ||
	    getrandom(&p->mark.id, sizeof(p->mark.id), 0) != (ssize_t)sizeof(p->mark.id))
		return errno;
	if (connect(p->fd, &p->to.u.sa, p->to.len) != 0)
		return errno;
	return send_echo(p);
}

int ping_start(struct ping *p, struct loop *loop, const struct addr *to,
	       void (*on_done)(struct ping *self, int sys))
{
	int family = to->u.sa.sa_family;

	*p = (struct ping){ .loop = loop, .fd = -1, .to = *to, .on_done = on_done };
	if (family != AF_INET && family != AF_INET6)
		return EAFNOSUPPORT;
	addr_set_port(&p->to, 0);
	p->mark.is_v6 = family == AF_INET6;
	p->fd = open_any(family, &p->mark.is_raw);
	if (p->fd < 0)
		return errno;
	int sys = send_first(p);
	if (sys != 0) {
		(void)close(p->fd);
		p->fd = -1;
		return sys;
	}
	ev_io_init(&p->reader, reply_cb, p->fd, EV_READ);
	ev_io_start(loop->ev, &p->reader);
	ev_timer_init(&p->again, again_cb, again_s, again_s);
	ev_timer_start(loop->ev, &p->again);
	return 0;
}

void ping_cancel(struct ping *p)
{
	if (p->fd < 0)
		return;
	ev_io_stop(p->loop->ev, &p->reader);
	ev_timer_stop(p->loop->ev, &p->again);
	(void)close(p->fd);
	p->fd = -1;
}

static void read_groups(char text[GROUPS_FILE_MAX])
{
	int fd = open(groups_path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, GROUPS_FILE_MAX - 1);

	if (fd >= 0)
		(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	char *tab = strchr(text, '\t');
	if (tab != NULL)
		*tab = ' ';
}

void ping_remember_groups(void)
{
	read_groups(groups_text);
}

static bool is_in(gid_t group, uint64_t low, uint64_t high)
{
	return group >= low && group <= high;
}

static bool has_group(const char *text)
{
	struct str rest = str_of(text), first;
	uint64_t low, high;
	static gid_t groups[GROUPS_MAX];

	if (!str_split(&rest, ' ', &first) || !num_parse_u64(first, UINT32_MAX, &low) ||
	    !num_parse_u64(str_trim(rest), UINT32_MAX, &high))
		return false;
	if (is_in(getegid(), low, high))
		return true;
	int count = getgroups(GROUPS_MAX, groups);
	for (int i = 0; i < count; i++) {
		if (is_in(groups[i], low, high))
			return true;
	}
	return false;
}

enum err ping_check(struct error *e)
{
	char now[GROUPS_FILE_MAX];
	const char *groups = groups_text;
	bool is_raw;
	int fd = open_any(AF_INET, &is_raw);

	if (fd < 0)
		fd = open_any(AF_INET6, &is_raw);
	if (fd >= 0) {
		(void)close(fd);
		return ERR_OK;
	}
	if (groups[0] == '\0') {
		read_groups(now);
		groups = now;
	} else if (has_group(groups)) {
		return ERR_OK;
	}
	return err_set(
		e, ERR_SYSTEM,
		"ICMP is not allowed here: the group %u is not in net.ipv4.ping_group_range "
		"(%s), and there is no CAP_NET_RAW (expected one of them, or another type of "
		"check)",
		(unsigned)getegid(), groups[0] != '\0' ? groups : "unknown");
}

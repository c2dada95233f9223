#include "base/syslog_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/cc.h"
#include "base/clock.h"
#include "base/num.h"

#define UDP "syslog+udp://"
#define TCP "syslog+tcp://"

enum {
	DAEMON = 3 << 3, /* RFC 5424 §6.2.1 */
	BACKOFF_MS = 1000,
	BACKOFF_MAX_MS = 30000,
	CONNECT_MS = 5000,
};

bool syslog_net_is(const char *target)
{
	return strncmp(target, "syslog+", 7) == 0;
}

/* ---- the address ---- */

static bool set_address(struct syslog_net *n, const char *host, uint16_t port)
{
	struct sockaddr_in *four = (struct sockaddr_in *)&n->to;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&n->to;

	if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		n->to_n = sizeof(*four);
		return true;
	}
	if (inet_pton(AF_INET6, host, &six->sin6_addr) != 1)
		return false;
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(port);
	n->to_n = sizeof(*six);
	return true;
}

/* An address with colons of its own stands in brackets. */
static bool read_address(struct syslog_net *n, const char *text)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN];
	uint64_t port;

	if (colon == NULL || !num_parse_u64(str_of(colon + 1), UINT16_MAX, &port) || port == 0)
		return false;
	struct str name = { text, (size_t)(colon - text) };
	bool is_six = name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']';
	if (is_six)
		name = (struct str){ name.p + 1, name.n - 2 };
	if (!str_copy(host, sizeof(host), name) || (strchr(host, ':') != NULL) != is_six)
		return false;
	return set_address(n, host, (uint16_t)port);
}

static enum err read_target(struct syslog_net *n, const char *target, struct error *e)
{
	*n = (struct syslog_net){ .fd = -1, .backoff_ms = BACKOFF_MS, .why = ENOTCONN };
	n->is_stream = strncmp(target, TCP, sizeof(TCP) - 1) == 0;
	if ((!n->is_stream && strncmp(target, UDP, sizeof(UDP) - 1) != 0) ||
	    !read_address(n, target + sizeof(TCP) - 1))
		return err_set(e, ERR_INVALID,
			       "log target \"%.100s\": expected syslog+udp:// or syslog+tcp:// and "
			       "an IP address with a port",
			       target);
	if (gethostname(n->host, sizeof(n->host) - 1) != 0)
		n->host[0] = '\0';
	for (const char *c = n->host; *c != '\0'; c++) {
		if (*c <= ' ' || *c > '~') /* RFC 5424 §6: PRINTUSASCII */
			n->host[0] = '\0';
	}
	return ERR_OK;
}

/* ---- the connection ---- */

static void become(struct syslog_net *n, enum syslog_net_phase phase)
{
	n->phase = phase;
	n->since_ms = clock_now_ms();
}

/* The first try after a connection that lasted is made at once. */
static void cut(struct syslog_net *n, int why)
{
	bool was_up = n->phase == SYSLOG_NET_UP;
	int64_t up_ms = n->since_ms;

	if (was_up)
		(void)shutdown(n->fd, SHUT_RDWR); /* for the other processes that have it */
	become(n, SYSLOG_NET_DOWN);
	n->why = why;
	if (was_up)
		n->next_ms = up_ms + BACKOFF_MS;
	else
		n->next_ms = n->since_ms + n->backoff_ms;
	n->backoff_ms = was_up ? BACKOFF_MS : n->backoff_ms * 2;
	if (n->backoff_ms > BACKOFF_MAX_MS)
		n->backoff_ms = BACKOFF_MAX_MS;
	errno = why;
}

static void begin(struct syslog_net *n)
{
	int type = n->is_stream ? SOCK_STREAM : SOCK_DGRAM;
	int fd = socket(n->to.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	become(n, SYSLOG_NET_TRYING);
	if (fd < 0) {
		cut(n, errno);
		return;
	}
	syslog_net_close(n);
	n->fd = fd;
	if (connect(fd, (const struct sockaddr *)&n->to, n->to_n) == 0)
		become(n, SYSLOG_NET_UP);
	else if (errno != EINPROGRESS)
		cut(n, errno);
}

enum err syslog_net_open(struct syslog_net *n, const char *target, struct error *e)
{
	if (read_target(n, target, e) != ERR_OK)
		return e->code;
	begin(n);
	return n->fd >= 0 ? ERR_OK : err_sys(e, n->why, "cannot open a socket for %s", target);
}

enum err syslog_net_take(struct syslog_net *n, const char *target, int fd, struct error *e)
{
	if (read_target(n, target, e) != ERR_OK) {
		(void)close(fd); /* nothing was written */
		return e->code;
	}
	n->fd = fd;
	become(n, n->is_stream ? SYSLOG_NET_TRYING : SYSLOG_NET_UP);
	return ERR_OK;
}

void syslog_net_close(struct syslog_net *n)
{
	if (n->fd >= 0)
		(void)close(n->fd); /* what was sent is with the kernel */
	n->fd = -1;
}

static bool has_connected(struct syslog_net *n, int wait_ms)
{
	struct pollfd p = { .fd = n->fd, .events = POLLOUT };
	int why = 0;
	socklen_t why_n = sizeof(why);

	if (poll(&p, 1, wait_ms) <= 0) {
		if (clock_now_ms() - n->since_ms >= CONNECT_MS)
			cut(n, ETIMEDOUT);
		errno = ETIMEDOUT;
		return false;
	}
	if (getsockopt(n->fd, SOL_SOCKET, SO_ERROR, &why, &why_n) != 0)
		why = errno;
	if (why == 0 && (p.revents & POLLHUP) != 0)
		why = ENOTCONN;
	if (why != 0) {
		cut(n, why);
		return false;
	}
	n->backoff_ms = BACKOFF_MS;
	become(n, SYSLOG_NET_UP);
	return true;
}

/* The kernel takes a message for a peer that has closed, and then drops it. */
static bool is_closed_by_peer(const struct syslog_net *n)
{
	char byte;
	ssize_t got = recv(n->fd, &byte, 1, MSG_DONTWAIT);

	return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

bool syslog_net_is_up(struct syslog_net *n, int wait_ms)
{
	if (n->is_stream && n->phase == SYSLOG_NET_UP && is_closed_by_peer(n))
		cut(n, ECONNRESET);
	if (n->phase == SYSLOG_NET_DOWN && clock_now_ms() >= n->next_ms)
		begin(n);
	if (n->phase == SYSLOG_NET_TRYING)
		return has_connected(n, wait_ms);
	errno = n->why;
	return n->phase == SYSLOG_NET_UP;
}

/* ---- messages ---- */

size_t syslog_net_head(const struct syslog_net *n, char to[SYSLOG_NET_HEAD_MAX], int severity,
		       const char *msgid)
{
	char stamp[32];
	struct timespec now;
	struct tm tm;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
	if (gmtime_r(&now.tv_sec, &tm) == NULL ||
	    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return 0;
	int wrote = snprintf(to, SYSLOG_NET_HEAD_MAX, "<%d>1 %s.%03dZ %s neap %ld %s - ",
			     DAEMON | severity, stamp, (int)(now.tv_nsec / 1000000),
			     n->host[0] != '\0' ? n->host : "-", (long)getpid(), msgid);
	return wrote > 0 && wrote < SYSLOG_NET_HEAD_MAX ? (size_t)wrote : 0;
}

static void advance(struct msghdr *m, size_t n)
{
	while (m->msg_iovlen > 0 && n >= m->msg_iov->iov_len) {
		n -= m->msg_iov->iov_len;
		m->msg_iov++;
		m->msg_iovlen--;
	}
	if (m->msg_iovlen > 0) {
		m->msg_iov->iov_base = (char *)m->msg_iov->iov_base + n;
		m->msg_iov->iov_len -= n;
	}
}

static bool wait_room(const struct syslog_net *n, int wait_ms)
{
	struct pollfd p = { .fd = n->fd, .events = POLLOUT };

	return wait_ms > 0 && poll(&p, 1, wait_ms) > 0;
}

/* False: *SENT octets of it went, and errno says why not more. */
static bool send_whole(const struct syslog_net *n, struct msghdr *m, int wait_ms, size_t *sent)
{
	*sent = 0;
	while (m->msg_iovlen > 0) {
		ssize_t took = sendmsg(n->fd, m, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (took >= 0) {
			*sent += (size_t)took;
			advance(m, (size_t)took);
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return false;
		if (errno == EAGAIN && !wait_room(n, wait_ms)) {
			errno = EAGAIN;
			return false;
		}
	}
	return true;
}

bool syslog_net_send(struct syslog_net *n, struct str head, struct str text, int wait_ms)
{
	char count[24];
	struct iovec parts[] = { { count, 0 },
				 { (void *)(uintptr_t)head.p, head.n },
				 { (void *)(uintptr_t)text.p, text.n } };
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = countof(parts) };
	size_t sent;

	if (!syslog_net_is_up(n, wait_ms))
		return false;
	if (n->is_stream)
		parts[0].iov_len = (size_t)snprintf(count, sizeof(count), "%zu ", head.n + text.n);
	if (send_whole(n, &m, wait_ms, &sent))
		return true;
	/* After half a message the server cannot find the next one. */
	if (n->is_stream && (errno != EAGAIN || sent > 0 || wait_ms > 0))
		cut(n, errno == EAGAIN ? ETIMEDOUT : errno);
	return false;
}

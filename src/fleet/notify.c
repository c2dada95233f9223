#include "fleet/notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/str.h"

/* "/path", or "@name" of an abstract one. */
static bool find_address(struct notify *n)
{
	const char *name = getenv("NOTIFY_SOCKET");

	n->to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (name == NULL || (name[0] != '/' && name[0] != '@') || name[1] == '\0' ||
	    !str_copy(n->to.sun_path, sizeof(n->to.sun_path), str_of(name)))
		return false;
	size_t bytes = offsetof(struct sockaddr_un, sun_path) + strlen(name);
	n->to_bytes = (socklen_t)(name[0] == '@' ? bytes : bytes + 1);
	if (name[0] == '@')
		n->to.sun_path[0] = '\0';
	return true;
}

/* Half of what is asked for. */
static int64_t watchdog_ms(void)
{
	const char *every = getenv("WATCHDOG_USEC"), *whose = getenv("WATCHDOG_PID");
	uint64_t us, pid;

	if (every == NULL || !num_parse_u64(str_of(every), INT64_MAX, &us) || us == 0)
		return 0;
	if (whose != NULL &&
	    (!num_parse_u64(str_of(whose), INT32_MAX, &pid) || (pid_t)pid != getpid()))
		return 0;
	return (int64_t)(us / 2000) + 1;
}

void notify_init(struct notify *n)
{
	*n = (struct notify){ .fd = -1 };
	if (find_address(n))
		n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	n->watchdog_ms = watchdog_ms();
}

void notify_fini(struct notify *n)
{
	if (n->fd >= 0)
		(void)close(n->fd); /* datagrams: nothing is pending */
	n->fd = -1;
}

void notify_tell(const struct notify *n, const char *format, ...)
{
	char text[1024];
	va_list values;

	if (n->fd < 0)
		return;
	va_start(values, format);
	int length = vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	size_t bytes = length < 0 ? 0 : (size_t)length;
	if (bytes >= sizeof(text))
		bytes = sizeof(text) - 1;
	/* A manager that does not read is no reason to stop serving. */
	(void)sendto(n->fd, text, bytes, MSG_NOSIGNAL, (const struct sockaddr *)&n->to,
		     n->to_bytes);
}

void notify_reloading(const struct notify *n)
{
	notify_tell(n, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=loading another generation",
		    (long long)(clock_now_ns() / 1000));
}

void notify_alive(struct notify *n, int64_t now_ms)
{
	if (n->watchdog_ms == 0 || now_ms - n->told_ms < n->watchdog_ms)
		return;
	n->told_ms = now_ms;
	notify_tell(n, "WATCHDOG=1");
}

#include "base/syslog.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"
#include "base/syslog_net.h"

const char *syslog_path(const char *target)
{
	if (strcmp(target, "syslog") == 0)
		return "/dev/log";
	return strncmp(target, "syslog:", 7) == 0 ? target + 7 : NULL;
}

bool syslog_is_target(const char *target)
{
	return syslog_path(target) != NULL || syslog_net_is(target);
}

int syslog_connect(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (!str_copy(to.sun_path, sizeof(to.sun_path), str_of(path))) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
		int sys = errno;
		(void)close(fd); /* nothing was sent */
		errno = sys;
		return -1;
	}
	return fd;
}

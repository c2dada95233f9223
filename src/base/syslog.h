/*
 * Where log targets named "syslog" go: the local daemon's datagram socket.
 */
#ifndef NEAP_BASE_SYSLOG_H
#define NEAP_BASE_SYSLOG_H

#include <stdbool.h>

/* The path of the socket: /dev/log for "syslog", /path for "syslog:/path"; NULL: another target. */
const char *syslog_path(const char *target);

/* Does TARGET go to a syslog daemon, here or elsewhere? */
bool syslog_is_target(const char *target);

/* A descriptor to send lines with, closed on exec; -1 with errno. */
int syslog_connect(const char *path);

#endif

/*
 * What a service manager is told (sd_notify(3)): datagrams to the socket that NOTIFY_SOCKET names,
 * and keep-alives when WATCHDOG_USEC asks for them. Without these variables nothing is sent. In the
 * master.
 */
#ifndef NEAP_FLEET_NOTIFY_H
#define NEAP_FLEET_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cc.h"

struct notify {
	int fd; /* -1: nobody wants to know */
	struct sockaddr_un to;
	socklen_t to_bytes;
	int64_t watchdog_ms; /* between two keep-alives; 0: none */
	int64_t told_ms;     /* the last one */
};

/* Reads the environment. */
void notify_init(struct notify *n);
void notify_fini(struct notify *n); /* harmless twice; nothing is told from here on */

/* Sends lines of the form NAME=value, as the manager knows them. */
void notify_tell(const struct notify *n, const char *format, ...) printf_like(2, 3);

/* A reload begins: sends RELOADING=1 with its time. */
void notify_reloading(const struct notify *n);

/* Called often. Sends a keep-alive when one is due. */
void notify_alive(struct notify *n, int64_t now_ms);

#endif

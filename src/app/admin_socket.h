/*
 * The admin side's listening socket: bound and kept by the master like those of the services, and
 * handed to the agent of the generation that serves, so that it outlives any agent.
 */
#ifndef NEAP_APP_ADMIN_SOCKET_H
#define NEAP_APP_ADMIN_SOCKET_H

#include "net/addr.h"
#include "shm/board.h"

struct admin_socket {
	char address[128]; /* as the config names it */
	struct addr addr;  /* with the real port */
	int fd;		   /* -1: the plan names none */
};

/*
 * What the next generation's plan names, into *next: the one that serves where it is the same
 * address, else bound anew; a unix socket has its mode and group before anyone can connect.
 */
enum err admin_socket_claim(struct admin_socket *next, const struct admin_socket *serving,
			    const struct board_plan *p, struct error *e);
/* The next one serves now: the other is closed, unless it is the same. */
void admin_socket_replace(struct admin_socket *serving, struct admin_socket *next);
/* The next one will not serve. */
void admin_socket_release(struct admin_socket *next, const struct admin_socket *serving);
void admin_socket_close(struct admin_socket *s);
void admin_socket_unlink(const struct admin_socket *s); /* takes a unix socket's file away */

#endif

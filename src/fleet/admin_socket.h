/*
 * The admin side's listening socket. The master binds and keeps it, like those of the services, and
 * hands it to the agent of the generation that serves. So it outlives any agent.
 */
#ifndef NEAP_FLEET_ADMIN_SOCKET_H
#define NEAP_FLEET_ADMIN_SOCKET_H

#include "fleet/sockets.h"
#include "shm/board_plan.h"

struct admin_socket {
	char address[128]; /* as the config names it */
	struct addr addr;  /* with the real port */
	struct unix_file file;
	int fd;		    /* -1: the plan names none */
	bool is_bound_only; /* it listens only when its generation serves */
};

/*
 * Makes *next what the next generation's plan names: the socket that serves where the address is
 * the same, else a new one. A unix socket has its mode and group before anyone can connect. The
 * sockets are told of both.
 */
enum err admin_socket_claim(struct admin_socket *next, const struct admin_socket *serving,
			    const struct board_plan *p, struct sockets *sockets, struct error *e);
/*
 * The next one serves now, and the other is closed, unless it is the same. An error changes
 * nothing.
 */
enum err admin_socket_replace(struct admin_socket *serving, struct admin_socket *next,
			      struct error *e);
/* The next one will not serve. */
void admin_socket_release(struct admin_socket *next, const struct admin_socket *serving);
void admin_socket_close(struct admin_socket *s);
void admin_socket_unlink(const struct admin_socket *s); /* takes a unix socket's file away */

#endif

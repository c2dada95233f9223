/*
 * What `neap reload` speaks to in the master: a SEQPACKET socket with an abstract name made of its
 * pid, for the same user and root alone. A client gets the result over the connection on which it
 * asked. The command finds masters with the functions at the end.
 */
#ifndef NEAP_FLEET_CONTROL_H
#define NEAP_FLEET_CONTROL_H

#include <sys/types.h>
#include <sys/un.h>

#include "fleet/channel.h"

enum { CONTROL_CLIENTS_MAX = 16 };

struct control_client {
	struct channel channel;
	struct control *control;
	unsigned asks; /* results until its own; 0: it asked for nothing yet */
};

struct control {
	/* Set by the owner. */
	void *owner;
	const char *config; /* the path of the config, for those who ask which master this is */
	/* Asks for a reload: how many results until that one's; 0: it is not the time. */
	unsigned (*on_reload)(struct control *self);

	/* The socket, and who is connected. */
	struct loop *loop;
	int fd; /* -1: none */
	ev_io reader;
	struct control_client clients[CONTROL_CLIENTS_MAX];
};

/*
 * The caller has set owner, config and on_reload. Without may_hear there is no socket, and `neap
 * reload` never finds this process. A socket that cannot be made is a warning.
 */
void control_open(struct control *c, struct loop *loop, bool may_hear);
void control_close(struct control *c); /* harmless when closed */

/* In a child: the descriptors only. */
void control_drop(const struct control *c);

/* The reload that is under way finds something that is not wrong, but may not be meant. */
void control_warn(const struct control *c, const char *text);

/* A reload ended. */
void control_tell(struct control *c, enum message_kind kind, const char *text);

/* Makes *a the address of the master of that pid (in our pid namespace). Returns its length. */
socklen_t control_address(struct sockaddr_un *a, pid_t pid);

/* Lists the masters that can be asked from here, at most max. Returns how many there are. */
unsigned control_find(pid_t *pids, unsigned max);

#endif

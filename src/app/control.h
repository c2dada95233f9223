/*
 * The master's ear for `neap reload`: a SEQPACKET socket with an abstract name made of its pid, for
 * the same user and root alone. Whoever asks gets the result over the same connection. Also what
 * the command needs to find it.
 */
#ifndef NEAP_APP_CONTROL_H
#define NEAP_APP_CONTROL_H

#include <sys/types.h>
#include <sys/un.h>

#include "app/channel.h"

enum { CONTROL_CLIENTS_MAX = 16 };

struct control_client {
	struct channel channel;
	struct control *control;
	unsigned asks; /* results until its own; 0: it asked for nothing yet */
};

struct control {
	struct loop *loop;
	int fd; /* -1: none */
	ev_io reader;
	struct control_client clients[CONTROL_CLIENTS_MAX];
	void *owner;
	/* Asks for a reload: how many results until that one's; 0: it is not the time. */
	unsigned (*on_reload)(struct control *self);
};

/*
 * The caller has set owner and on_reload. Without such a socket it works too: a warning. A process
 * that may not hear is one that `neap reload` never finds.
 */
void control_open(struct control *c, struct loop *loop, bool may_hear);
void control_close(struct control *c); /* harmless when closed */

/* In a child: the descriptors only. */
void control_drop(const struct control *c);

/* A reload ended. */
void control_tell(struct control *c, enum message_kind kind, const char *text);

/* The address of the master of that pid (in our pid namespace). Returns its length. */
socklen_t control_address(struct sockaddr_un *a, pid_t pid);

/* Pids of the masters that can be asked from here, at most max. Returns how many there are. */
unsigned control_find(pid_t *pids, unsigned max);

#endif

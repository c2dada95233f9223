/*
 * What a process is given when it starts: listening sockets from systemd (LISTEN_FDS), or from the
 * master whose place it is to take, with a line to it and what is known of its backends. And the
 * giving side of the latter.
 *
 * The environment variable NEAP_HANDOVER is "CHANNEL,SOCKETS,STATE": three descriptors. SOCKETS is
 * text, a line a listening address: "listen own|foreign COUNT FD… ADDRESS", "admin FD ADDRESS"; STATE
 * is handed on as it is (state.h). All versions read the lines; a STATE of another version is left alone.
 */
#ifndef NEAP_APP_HANDOVER_H
#define NEAP_APP_HANDOVER_H

#include "app/admin_socket.h"
#include "app/sockets.h"

struct handover {
	int channel; /* to the master before; -1: there is none */
	int state;   /* memfd; -1: none */
	struct sockets sockets;
	struct admin_socket admin;
};

/* Reads and clears the environment: before anything is forked. */
enum err handover_take(struct handover *h, struct error *e);

/* Writes the sockets into a new memfd, in *fd. */
enum err handover_write(const struct sockets *s, const struct admin_socket *admin, int *fd,
			struct error *e);

/* In the child that becomes the next master: what it is given outlives its exec. */
struct handover_fds {
	int channel, list, state;
};
bool handover_pass(const struct sockets *s, const struct admin_socket *admin,
		   const struct handover_fds *fds);

#endif

/*
 * What a process is given when it starts: listening sockets from systemd (LISTEN_FDS), or from the
 * master whose place it takes. That master gives it a line to itself and what is known of the
 * backends, too. Both sides are here, taking and giving.
 *
 * The environment variable NEAP_HANDOVER is "CHANNEL,SOCKETS,STATE,JOURNAL": four descriptors.
 * SOCKETS is text, one line per listening address: "listen own|foreign COUNT FD… ADDRESS", "admin
 * FD ADDRESS"; and per store: "store FD LAYOUT BYTES NAME", where one of another layout
 * (shm/row_store.h) is left alone. STATE (shm/state.h) and JOURNAL (lua/journal.h) are handed on as they are. All
 * versions read the lines; a STATE or JOURNAL of another version is left alone.
 */
#ifndef NEAP_FLEET_HANDOVER_H
#define NEAP_FLEET_HANDOVER_H

#include "fleet/admin_socket.h"
#include "fleet/sockets.h"
#include "fleet/stores.h"

struct handover {
	int channel; /* to the master before; -1: there is none */
	int state;   /* memfd; -1: none */
	int journal; /* memfd; -1: none */
	struct sockets sockets;
	struct admin_socket admin;
	struct store_set stores;
};

/* Reads and clears the environment: before anything is forked. */
enum err handover_take(struct handover *h, struct error *e);

/* What is handed over besides what is written for it. */
struct handover_parts {
	const struct sockets *sockets;
	const struct admin_socket *admin;
	const struct store_set *stores;
};

/* Writes the list of them into a new memfd, in *fd. */
enum err handover_write(const struct handover_parts *parts, int *fd, struct error *e);

/* In the child that becomes the next master: makes its descriptors outlive exec, and names them. */
struct handover_fds {
	int channel, list, state, journal;
};
bool handover_pass(const struct handover_parts *parts, const struct handover_fds *fds);

#endif

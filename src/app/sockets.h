/*
 * The listening sockets: bound and kept by the master, one a worker slot and address, so that what
 * waits in their queues outlives any worker. Children inherit all and serve those of their slot.
 */
#ifndef NEAP_APP_SOCKETS_H
#define NEAP_APP_SOCKETS_H

#include "net/addr.h"
#include "shm/board.h"

struct socket_row {
	struct addr addr; /* with the real port */
	bool is_tcp;
	uint16_t service;
	int fds[BOARD_WORKERS_MAX];
};

struct sockets {
	unsigned rows_n, slots; /* slots: sockets a row */
	struct socket_row *rows;
};

/* Binds all that the plan names; on failure none. */
enum err sockets_open(struct sockets *s, const struct board_plan *p, struct error *e);

/* Closes them, in a worker too. */
void sockets_close(struct sockets *s);

/* In a worker: closes all but those of its slot. */
void sockets_keep_slot(struct sockets *s, unsigned slot);

/* In the master, at its end: takes the files of unix sockets away. */
void sockets_unlink(const struct sockets *s);

/* "http 127.0.0.1:8080, tcp unix:/run/x", cut to size. */
void sockets_print(const struct sockets *s, char *to, size_t size);

#endif

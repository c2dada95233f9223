/*
 * The listening sockets: bound and kept by the master, one a worker slot and address, so that what
 * waits in their queues outlives any worker and any generation. A generation claims those that its
 * plan names: what listens already is handed over, the rest is bound. Children inherit all and
 * serve those of their slot; sockets beyond the number of workers are shared out among them.
 */
#ifndef NEAP_APP_SOCKETS_H
#define NEAP_APP_SOCKETS_H

#include "net/addr.h"
#include "shm/board.h"

struct socket_row {
	struct addr addr;	   /* with the real port */
	char address[128];	   /* as a config names it */
	bool is_foreign;	   /* systemd's: kept whatever the config says */
	unsigned users;		   /* generations that claim it */
	unsigned fds_n, listening; /* those behind `listening` are bound only */
	int fds[BOARD_WORKERS_MAX];
};

/* All of the master. */
struct sockets {
	bool keeps_files; /* another master has them too: files of unix sockets stay */
	unsigned rows_n;
	struct socket_row *rows[2 * BOARD_LISTENS_MAX];
};

struct socket_use {
	struct socket_row *row; /* owned by struct sockets */
	unsigned fds_n;
	bool is_tcp;
	uint16_t service;
};

/* Those of one generation. */
struct socket_set {
	unsigned uses_n, workers;
	struct socket_use uses[BOARD_LISTENS_MAX];
};

/* Finds or binds all that the plan names; on failure none. */
enum err sockets_claim(struct sockets *s, struct socket_set *set, const struct board_plan *p,
		       struct error *e);

/*
 * A listening address that was handed over. address: as a config named it, or "". Foreign ones are
 * one socket, shared by all workers.
 */
enum err sockets_adopt(struct sockets *s, const char *address, const int *fds, unsigned count,
		       bool is_foreign, struct error *e);

/* The generation begins to serve: all of its sockets listen. */
enum err sockets_commit(struct socket_set *set, struct error *e);

/* It serves no longer, or never did: what no other one uses is closed. */
void sockets_release(struct sockets *s, struct socket_set *set);

/* The same for what was handed over and that nobody claimed. */
void sockets_prune(struct sockets *s);

/* Closes all and frees them; in a child too. */
void sockets_close(struct sockets *s);

/* In a worker: closes all but those of its slot. */
void sockets_keep_slot(struct sockets *s, const struct socket_set *set, unsigned slot);

/* In the master, at its end: takes the files of unix sockets away. */
void sockets_unlink(const struct sockets *s);

/* "http 127.0.0.1:8080, tcp unix:/run/x", cut to size. */
void sockets_print(const struct socket_set *set, char *to, size_t size);

/* Does the i-th socket of a row belong to that worker? */
static inline bool socket_set_serves(const struct socket_set *set, unsigned slot, unsigned i)
{
	return i % set->workers == slot;
}

#endif

/*
 * The listening sockets, one per worker slot and address. The master binds and keeps them, so that
 * the connections in their queues outlive any worker and any generation. A generation claims those
 * that its plan names: what listens already is handed over, the rest is bound. Children inherit all
 * sockets, and serve those of their slot; sockets beyond the number of workers are shared out among
 * them.
 */
#ifndef NEAP_FLEET_SOCKETS_H
#define NEAP_FLEET_SOCKETS_H

#include "net/addr.h"
#include "net/unix_file.h"
#include "shm/board_plan.h"
#include "shm/board_size.h"

struct socket_row {
	struct addr addr;  /* with the real port */
	char address[128]; /* as a config names it */
	struct unix_file file;
	bool is_udp;
	bool is_foreign;	   /* systemd's: kept whatever the config says */
	unsigned users;		   /* generations that claim it */
	unsigned fds_n, listening; /* those from `listening` on are bound, and do not listen yet */
	int fds[BOARD_WORKERS_MAX];
};

/* All sockets of the master. */
struct sockets {
	bool keeps_files; /* another master has the sockets too: files of unix sockets stay */
	/*
	 * The admin side's addresses, of the generation that serves and of the next one; len 0:
	 * none.
	 */
	struct addr admin[2];
	unsigned rows_n;
	struct socket_row *rows[2 * BOARD_LISTENS_MAX];
	/*
	 * By slot, where there are datagrams: a pair of sockets by which a worker that retires gives its
	 * flows to the next one. 0: not made.
	 */
	struct socket_passage {
		int give, take;
	} passages[BOARD_WORKERS_MAX];
};

struct socket_use {
	struct socket_row *row; /* owned by struct sockets */
	unsigned fds_n;
	bool is_tcp, is_tls, is_udp;
	uint16_t service, listen; /* which address of which service */
};

/* The sockets of one generation. */
struct socket_set {
	unsigned uses_n, workers;
	bool inherits[BOARD_WORKERS_MAX]; /* by slot: the passage was there before */
	struct socket_use uses[BOARD_LISTENS_MAX];
};

/* Finds or binds all sockets that the plan names. On failure the set is empty. */
enum err sockets_claim(struct sockets *s, struct socket_set *set, const struct board_plan *p,
		       struct error *e);

/*
 * Binds one for the admin side, beside those of the services. *is_bound_only: it listens only after
 * bind_listen, because other sockets of ours still have the port.
 */
enum err sockets_bind_admin(const struct sockets *s, struct addr *addr, int *fd,
			    bool *is_bound_only, struct error *e);

/*
 * Takes a listening address that was handed over. address: as a config named it, or "". A foreign
 * one is one socket, which all workers share.
 */
enum err sockets_adopt(struct sockets *s, const char *address, const int *fds, unsigned count,
		       bool is_foreign, struct error *e);

/* The generation begins to serve: all of its sockets listen. */
enum err sockets_commit(struct socket_set *set, struct error *e);

/* The generation serves no longer, or never did: closes what no other one uses. */
void sockets_release(struct sockets *s, struct socket_set *set);

/* Closes what was handed over and nobody claimed. */
void sockets_prune(struct sockets *s);

/* Closes all and frees them; in a child too. */
void sockets_close(struct sockets *s);

/* In a worker: closes all but those of its slot. */
void sockets_keep_slot(struct sockets *s, const struct socket_set *set, unsigned slot);

/* In the master, at its end: removes the files of unix sockets. */
void sockets_unlink(const struct sockets *s);

/* Writes "http 127.0.0.1:8080, https 0.0.0.0:8443, tcp unix:/run/x", cut to size. */
void sockets_print(const struct socket_set *set, char *to, size_t size);

#endif

/*
 * USR2: another binary takes over. It is started beside this master with the listening sockets and
 * what is known of the backends; when it serves, this one drains and ends; when it does not, this
 * one goes on.
 */
#ifndef NEAP_APP_UPGRADE_H
#define NEAP_APP_UPGRADE_H

#include "app/admin_socket.h"
#include "app/channel.h"
#include "app/settings.h"
#include "app/sockets.h"
#include "shm/board.h"

struct upgrade {
	/* set by the owner */
	struct loop *loop;
	const char *binary; /* path of it */
	char **argv;
	const struct settings *settings;
	const struct sockets *sockets;
	const struct admin_socket *admin;
	void *owner;
	/* It serves: accept no more, give up what only one can have, then call upgrade_yield. */
	void (*on_ready)(struct upgrade *self);
	void (*on_failed)(struct upgrade *self, const char *why);

	pid_t pid; /* 0: none is under way */
	bool is_ready;
	struct channel channel;
	ev_timer deadline;
	char error[sizeof((struct error *)0)->text]; /* its last words */
};

void upgrade_init(struct upgrade *u, struct loop *loop);
void upgrade_fini(struct upgrade *u);

/* board: of the generation that serves. */
enum err upgrade_start(struct upgrade *u, const struct board *board, struct error *e);

/* All that only one can have is the other one's. */
void upgrade_yield(struct upgrade *u);

/* Gives it up, if it does not serve yet. */
void upgrade_stop(struct upgrade *u);

/* From waitpid; false when it was not that process. */
bool upgrade_ended(struct upgrade *u, pid_t pid, int status);

/* In a child. */
void upgrade_drop(const struct upgrade *u);

#endif

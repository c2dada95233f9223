/*
 * USR2: another binary takes over. It starts beside this master, with the listening sockets and
 * what is known of the backends. When it serves, this master drains and ends; if it fails, this
 * master goes on.
 */
#ifndef NEAP_FLEET_UPGRADE_H
#define NEAP_FLEET_UPGRADE_H

#include "fleet/admin_socket.h"
#include "fleet/channel.h"
#include "fleet/generation.h"
#include "fleet/settings.h"
#include "fleet/sockets.h"

enum upgrade_state {
	UPGRADE_NONE,	  /* none is under way */
	UPGRADE_STARTING, /* it may still fail */
	UPGRADE_SERVES,	  /* the other master does */
};

struct upgrade {
	enum upgrade_state state;

	/* Set by the owner: what is started, and what it is given. */
	struct loop *loop;
	const char *binary; /* its path */
	char **argv;
	const struct settings *settings;
	const struct sockets *sockets;
	const struct admin_socket *admin;

	/* Set by the owner: what it is told. */
	void *owner;
	/*
	 * It serves: the owner accepts no more, gives up what only one can have, then calls
	 * upgrade_yield.
	 */
	void (*on_ready)(struct upgrade *self);
	void (*on_failed)(struct upgrade *self, const char *why);

	/* The process. */
	pid_t pid; /* 0: none */
	struct channel channel;
	ev_timer deadline;
	char error[sizeof((struct error *)0)->text]; /* its last words */
};

/* The caller has set the members up to on_failed. */
void upgrade_init(struct upgrade *u, struct loop *loop);
void upgrade_fini(struct upgrade *u);

/* from: the generation that serves. */
enum err upgrade_start(struct upgrade *u, const struct generation *from, struct error *e);

/* Tells the other one that it now has all that only one can have. */
void upgrade_yield(struct upgrade *u);

/* Kills it, if it does not serve yet. */
void upgrade_stop(struct upgrade *u);

/* waitpid told of this process. false: it is not the upgrade's. */
bool upgrade_ended(struct upgrade *u, pid_t pid, int status);

/* In a child: the descriptor only. */
void upgrade_drop(const struct upgrade *u);

#endif

/*
 * The places that a generation's plan gives the master itself: where its log goes, its pid file,
 * and the admin side's socket. They are claimed when the plan is read, kept when the generation is
 * about to serve, and given back when it will not. In the master.
 */
#ifndef NEAP_FLEET_PLACES_H
#define NEAP_FLEET_PLACES_H

#include "fleet/admin_socket.h"
#include "fleet/generation.h"
#include "fleet/pid_file.h"

/* Who has the pid file while this master starts? */
enum places_pid {
	PLACES_PID_OURS,   /* nobody, or this master */
	PLACES_PID_BEFORE, /* the master before this one, until it lets go */
};

struct places {
	/* What the generation that serves has. */
	struct admin_socket admin;
	struct pid_file pid_file;
	char log_target[256]; /* "": none serves yet */
	int log_level;

	/* What the next one claimed. */
	struct admin_socket next_admin;
	struct pid_file next_pid_file;

	/* Set by the owner. */
	enum places_pid pid;
	char pid_path[256]; /* PLACES_PID_BEFORE: the path of the pid file that will be ours */
};

/* Nothing is claimed yet. */
void places_init(struct places *p);

/*
 * Claims what the generation's plan names: first the log, then the rest. After an error
 * places_give_back undoes what was done.
 */
enum err places_claim_log(const struct generation *g, struct error *e);
enum err places_claim(struct places *p, const struct generation *g, struct sockets *sockets,
		      struct error *e);

/* The generation is about to serve: keeps what it claimed. An error changes nothing. */
enum err places_keep(struct places *p, const struct board_plan *plan, struct error *e);

/* It will not serve: pid file and admin socket are again what they were before the plan. */
void places_give_back(struct places *p);

/* The same for the log, where a generation goes on serving. A failure is logged. */
void places_give_back_log(const struct places *p);

/* The master before let go of the pid file: it becomes ours. A failure is logged. */
void places_take_pid_file(struct places *p);

/* Another master serves: the pid file stays for it. */
void places_release_pid_file(struct places *p);

/* After the log was opened again: the user that the generation runs as may read it. */
void places_give_log(const struct generation *g);

/* In a child: the descriptors only. */
void places_drop(struct places *p);

/* The end. keeps_files: the file of a unix socket stays, for another master serves there. */
void places_close(struct places *p, bool keeps_files);

#endif

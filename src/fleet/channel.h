/*
 * The line between the master and one child: a SEQPACKET socket pair that carries small messages.
 * Either end may die at any time; the other then reads the end of it. Each side uses it on its own
 * loop, and stops what it starts. The master trusts no child: a message is cut to size and zero
 * terminated here, and its reader checks what it means.
 */
#ifndef NEAP_FLEET_CHANNEL_H
#define NEAP_FLEET_CHANNEL_H

#include "base/err.h"
#include "net/loop.h"

enum message_kind {
	/* from a child */
	MESSAGE_USER = 1, /* probe: the config's user and group, "user\ngroup" */
	MESSAGE_PLAN,	  /* agent: the config is loaded, board->plan is written */
	MESSAGE_READY,	  /* it has loaded; the agent has published, too */
	MESSAGE_ERROR,	  /* why it ends, as lines for a person */
	MESSAGE_LEFT,	  /* it was told to drain or retire, and accepts no more */
	MESSAGE_RELOAD,	  /* agent, neap reload: start the next generation; the answer is one of: */
	MESSAGE_RELOADED, /* it serves; the text is its number */
	MESSAGE_REFUSED,  /* it does not; the text says why, one line per error */
	MESSAGE_CONFIG,	  /* neap reload: by which config? The answer is the same, with its path */
	MESSAGE_WARNING,  /* agent, trial: of what it loads; neap reload is told, too */
	/* to a child */
	MESSAGE_GO,    /* worker: accept; agent: begin (the log comes along, see below) */
	MESSAGE_DRAIN, /* worker: finish what is open, idle connections soon, then end */
	/* Another generation serves. worker: finish, and let idle connections have one more answer
	   while there is time; agent: check no more, finish, then end. */
	MESSAGE_RETIRE,
	MESSAGE_STOP, /* end at once */
	/*
	 * The text is the log's target. Its descriptor comes along, so that no child needs rights
	 * for the path; without one a child opens its own log again.
	 */
	MESSAGE_REOPEN_LOG,
	/*
	 * Worker: accept in the place of another one as well, "SLOT SERVICE LISTEN"; the socket
	 * comes along. Later, "SLOT": no longer.
	 */
	MESSAGE_STAND_IN,
	MESSAGE_STAND_DOWN,
	/*
	 * Agent: a store comes along, the text is its number in the plan; the one of that name before,
	 * of another size, to be copied from.
	 */
	MESSAGE_STORE,
	MESSAGE_STORE_BEFORE,
	MESSAGE_ADMIN, /* agent: serve the admin side; its listening socket comes along */
};

struct message {
	uint32_t kind;
	char text[sizeof((struct error *)0)->text];
};

struct channel {
	struct loop *loop;
	int fd; /* owned; -1: closed */
	ev_io reader;
	void *owner;
	bool takes_fds; /* a child does; the master does not */
	int passed_fd;	/* came with this message; a callback that keeps it sets -1 */
	void (*on_message)(struct channel *self,
			   const struct message *m); /* may close the channel */
	void (*on_closed)(struct channel *self);     /* the other end is gone; still open here */
};

/* Takes fd. Does not read before channel_start. */
void channel_init(struct channel *c, struct loop *loop, int fd);
void channel_start(struct channel *c);
void channel_close(struct channel *c); /* harmless when closed */

/* Hands over what has arrived already, before the end of a child is judged. */
void channel_read(struct channel *c);

/* false: not sent, because the peer is gone or does not read. text may be NULL. */
bool channel_send(const struct channel *c, enum message_kind kind, const char *text);
bool channel_send_fd(const struct channel *c, enum message_kind kind, const char *text,
		     int passed_fd);
bool message_send(int fd, enum message_kind kind, const char *text);
bool message_send_fd(int fd, enum message_kind kind, const char *text, int passed_fd);

/*
 * Waits up to timeout_ms (-1: for ever) for one message, without a loop. ERR_GONE: the other end
 * closed; ERR_LIMIT: nothing came. *passed_fd is a descriptor that came along, or -1; NULL: none is
 * taken.
 */
enum err message_wait(int fd, int timeout_ms, struct message *m, int *passed_fd);

#endif

/*
 * The line between the master and one child: a SEQPACKET socket pair that carries small messages.
 * Either end may die at any time; the other then reads the end of it. Both sides use it on their
 * own loop; who starts it, stops it. The master trusts no child: what arrives is cut to size and
 * zero terminated here, its meaning is checked by the reader.
 */
#ifndef NEAP_APP_CHANNEL_H
#define NEAP_APP_CHANNEL_H

#include "base/err.h"
#include "net/loop.h"

enum message_kind {
	/* from a child */
	MESSAGE_USER = 1, /* probe: the config's user and group, "user\ngroup" */
	MESSAGE_PLAN,	  /* agent: the config is loaded, board->plan is written */
	MESSAGE_READY,	  /* loaded; the agent: published, too */
	MESSAGE_ERROR,	  /* why it ends: lines for a person */
	MESSAGE_DEAF,	  /* told to drain or retire: it accepts no more */
	MESSAGE_RELOAD,	  /* agent, neap reload: start the next generation; answered by one of: */
	MESSAGE_RELOADED, /* it serves; the text is its number */
	MESSAGE_REFUSED,  /* it does not; the text says why, one line an error */
	/* to a child */
	MESSAGE_GO,	/* worker: accept; agent: begin, the text is the log target */
	MESSAGE_DRAIN,	/* worker: finish what is open, idle connections soon, then end */
	MESSAGE_RETIRE, /* another generation serves. worker: finish, idle connections too while
			   there is time; agent: no more checks, finish, then end */
	MESSAGE_STOP,	/* end at once */
	MESSAGE_REOPEN_LOG,
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
	bool takes_fds; /* in a child; the master takes none */
	int passed_fd;	/* came with the message being handed over; who keeps it sets -1 */
	void (*on_message)(struct channel *self,
			   const struct message *m); /* may close the channel */
	void (*on_closed)(struct channel *self);     /* the other end is gone; still open here */
};

/* Takes fd. Does not read before channel_start. */
void channel_init(struct channel *c, struct loop *loop, int fd);
void channel_start(struct channel *c);
void channel_close(struct channel *c); /* harmless when closed */

/* Hands over what has arrived already: before the end of a child is judged. */
void channel_read(struct channel *c);

/* false: not sent (the peer is gone, or does not read). text may be NULL. */
bool channel_send(const struct channel *c, enum message_kind kind, const char *text);
bool channel_send_fd(const struct channel *c, enum message_kind kind, int passed_fd);
bool message_send(int fd, enum message_kind kind, const char *text);

/*
 * Waits up to timeout_ms for one message, without a loop. ERR_GONE: the other end closed;
 * ERR_LIMIT: nothing came.
 */
enum err message_wait(int fd, int timeout_ms, struct message *m);

#endif

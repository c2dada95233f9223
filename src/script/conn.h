/*
 * A connection of a waiting coroutine: dialled, written and read on its behalf. It does one thing at a
 * time, its wish. What it has received and not given out yet lies in a bounded buffer. Owned by a wait
 * (wait.h), which hears of what it waits for.
 */
#ifndef NEAP_SCRIPT_CONN_H
#define NEAP_SCRIPT_CONN_H

#include "net/stream_open.h"
#include "script/io.h"
#include "script/reading.h"

enum { CONN_FIRST_MAX = 64, CONN_WORDS_MAX = 256, CONN_KEY_MAX = 65 };

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
enum {
	CONN_BUFFER_MAX = 16 * 1024 * 1024, /* received and not given out */
	CONN_LINE_MAX = 64 * 1024,
	CONN_UNTIL_MAX = 64, /* bytes of a delimiter */
};
/* cdef end */

enum conn_state { CONN_NEW, CONN_DIALLING, CONN_OPEN, CONN_ENDED /* by the other side */ };

/* What is to be done on it. */
enum conn_wish {
	CONN_NOTHING,
	CONN_SEND,
	CONN_LINE,
	CONN_UNTIL, /* conn_expect_end was called before */
	CONN_BYTES,
	CONN_ALL,
	CONN_SOME,
	CONN_RESPONSE, /* for these three, conn_expect_answer */
	CONN_HEAD,
	CONN_PIECE,
};

struct conn {
	struct list node; /* the owner's */
	struct io *io;
	uint32_t id; /* never 0; another one for each connection of the process */
	enum conn_state state;
	struct stream stream;
	struct stream_dialling dialling;
	uint16_t port;		    /* for the names that are resolved for it */
	SSL *ssl;		    /* until it is dialled; NULL: in the clear */
	char first[CONN_FIRST_MAX]; /* sent in the clear before TLS */
	uint8_t first_n;

	/* It is dialled, or the wish is over: from the loop, and it may be destroyed in there. */
	void (*on_over)(struct conn *c);
	void *owner;

	/* The wish; what became of the last one. */
	enum conn_wish wish;
	size_t left;	     /* bytes to send or to receive */
	const char *sending; /* `left` bytes of the script's string, or of `unsent` */
	char *unsent;	     /* owned: what had to wait outlives the script's string */
	const char *failure; /* NULL: fine */

	/* What was received: what is not given out begins at `at`. */
	char *bytes;
	size_t at, n, cap;
	size_t taken; /* given out by the last wish, and there until the next */
	size_t seen;  /* bytes without what the wish looks for */
	char end[CONN_UNTIL_MAX];
	uint8_t end_n;
	struct reading *answer; /* made when the first one is read */

	/* While it is kept (kept.h): what for, and for how long. */
	char key[CONN_KEY_MAX];
	ev_timer idle;
};

/* Into the owner's list. NULL: no memory. */
struct conn *conn_create(struct io *io, struct list *list);
void conn_destroy(struct conn *c);

/*
 * Before it is dialled: it speaks TLS, with ssl (tls_dial_open), its own from now on. first, at most
 * CONN_FIRST_MAX bytes, goes before that.
 */
void conn_secure(struct conn *c, SSL *ssl, struct str first);

/*
 * Dials the first of these addresses that takes it, all of them within timeout_ms. true: decided at
 * once (c->failure); false: on_over comes.
 */
bool conn_dial(struct conn *c, const struct addr *addrs, unsigned count, uint32_t timeout_ms);

/*
 * Wishes. The connection stands. true: it is over (c->failure, or io->current has the result); false:
 * on_over comes. conn_receive: `n` of CONN_BYTES, CONN_SOME, and of CONN_UNTIL, at most.
 */
bool conn_send(struct conn *c, const char *bytes, size_t n);
bool conn_receive(struct conn *c, enum conn_wish wish, size_t n);

/*
 * Makes it ready for an answer, with CONN_RESPONSE, or with CONN_HEAD and then CONN_PIECE until one is
 * empty; the flags are of enum neap_answer_flag. false: no memory.
 */
bool conn_expect_answer(struct conn *c, uint32_t flags, size_t body_max);

/* Makes it ready for CONN_UNTIL these bytes. false: there are none, or too many. */
bool conn_expect_end(struct conn *c, struct str end);

/* One that was kept is lent again: it has a new number, and its owner is still to be set. */
void conn_lend(struct conn *c);

/* Nobody waits for it any more. */
void conn_stop(struct conn *c);

#endif

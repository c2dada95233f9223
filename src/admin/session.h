/*
 * One client's connection to the admin side. It reads a whole request, has it answered, writes the
 * answer and goes on with the next one. Private to this room.
 */
#ifndef NEAP_ADMIN_SESSION_H
#define NEAP_ADMIN_SESSION_H

#include "http/h1_reader.h"
#include "net/listener.h"
#include "net/stream.h"
#include "net/timer.h"
#include "script/answer.h"

enum {
	ADMIN_SESSIONS_MAX = 64, /* fewer where this process may open few files */
	ADMIN_HEAD_MAX = 16 * 1024,
	ADMIN_BODY_MAX = 64 * 1024,
	ADMIN_FIELDS_MAX = 64,
	ADMIN_UNREAD_MAX = 64 * 1024 * 1024, /* bytes of answers that clients have not taken yet */
};

struct admin {
	/* What it works with. */
	struct loop *loop;
	struct vm *vm;
	struct listener listener;
	struct h1_reader_bounds bounds; /* of requests */
	struct timer_lane *idle, *request, *progress, *linger, *reload;
	bool (*ask_reload)(void *ctx);
	void *ctx;

	/* Its sessions. */
	struct list sessions; /* the oldest first */
	unsigned sessions_n, sessions_max;
	size_t unread; /* bytes of answers that clients have not taken yet */
	bool is_draining;
	struct log_limit failing, crowded;

	/* Whose turn it is. */
	struct deferred turn; /* makes the next answer, while a session is in SESSION_TURN */
	struct list guesses;  /* sessions in SESSION_WAIT, by `guess`; the first one is next */
	struct timer guess;   /* looks at the token of the first one */
	struct timer_lane *pace;
};

enum session_state {
	SESSION_IDLE, /* no byte of the next request has come */
	SESSION_HEAD,
	SESSION_BODY,
	SESSION_TURN,	/* the request is whole and waits for its turn of the loop */
	SESSION_WAIT,	/* too many tokens were wrong: its own is looked at later */
	SESSION_RELOAD, /* waits for the master's word */
	SESSION_ANSWER,
	SESSION_LINGER, /* all is said; what the client still sends is read away */
};

struct session {
	struct list node; /* in admin.sessions */
	struct admin *admin;
	struct stream stream;
	struct timer timer;
	struct list guess; /* in admin.guesses */
	struct peer peer;
	enum session_state state;
	bool keep;	   /* the connection goes on after this answer */
	bool has_waited;   /* this request was in SESSION_WAIT */
	bool has_answered; /* at least one request */
	int64_t asked_ms;  /* when its last request was whole */
	int64_t spent_ns;  /* on its answers lately */

	/* The answer. */
	int64_t answer_until_ms;
	char out_head[VM_ANSWER_HEADERS_MAX + 512];
	size_t out_head_n, out_sent; /* sent: of head and body together */
	char *out_body;		     /* owned; NULL: none */
	size_t out_body_n;
	size_t out_charged; /* bytes of admin.unread */

	/* The request. */
	struct h1_reader request;
	struct http_field fields[ADMIN_FIELDS_MAX];
	size_t n; /* bytes in `in`: the request and what follows it */
	char in[ADMIN_HEAD_MAX + ADMIN_BODY_MAX + 4096]; /* with room for a coding */
};

/* Takes over fd, even if it has no memory for a session. */
void session_create(struct admin *a, int fd, const struct peer *peer);
void session_destroy(struct session *s);

/* What a session in SESSION_RELOAD waits for; text as in admin_tell_reload. */
void session_tell_reload(struct session *s, bool is_ok, const char *text);

/* Ends it, at once or after its answer. May free it. */
void session_retire(struct session *s);

/* Its turn in SESSION_TURN or SESSION_WAIT has come: makes the answer. May free it. */
void session_go_on(struct session *s);

/* What is lost if it makes room for another session, the least first. */
enum session_worth {
	WORTH_NOTHING,	  /* nothing is under way */
	WORTH_INCOMPLETE, /* a request that is not whole */
	WORTH_STALLED,	  /* an answer that the client does not take */
	WORTH_WAITING,	  /* a request whose token is looked at later */
	WORTH_AGAIN,	  /* a further request of a client that was answered before */
	WORTH_NEEDED,	  /* too much: it stays */
};
enum session_worth session_worth(const struct session *s);

#endif

/*
 * One client connection of the admin side: reads a request whole, has it answered, writes the
 * answer, goes on with the next. Private to this room.
 */
#ifndef NEAP_ADMIN_SESSION_H
#define NEAP_ADMIN_SESSION_H

#include "http/h1_body.h"
#include "http/h1_head.h"
#include "net/listener.h"
#include "net/stream.h"
#include "net/timer.h"
#include "script/answer.h"

enum {
	ADMIN_SESSIONS_MAX = 64, /* or a quarter of the files that this process may open */
	ADMIN_HEAD_MAX = 16 * 1024,
	ADMIN_BODY_MAX = 64 * 1024,
	ADMIN_FIELDS_MAX = 64,
	ADMIN_UNREAD_MAX = 64 * 1024 * 1024, /* bytes of answers that clients have not taken */
};

struct admin {
	struct loop *loop;
	struct vm *vm;
	struct listener listener;
	struct http_limits limits;
	struct timer_lane *idle, *request, *progress, *linger, *reload;
	bool (*ask_reload)(void *ctx);
	void *ctx;
	struct list sessions; /* the oldest first */
	unsigned sessions_n, sessions_max;
	size_t unread;
	bool is_draining;
	struct log_limit failing, crowded;
};

enum session_state {
	SESSION_HEAD,
	SESSION_BODY,
	SESSION_RELOAD, /* waits for the master's word */
	SESSION_ANSWER,
	SESSION_LINGER,
};

struct session {
	struct list node; /* in admin.sessions */
	struct admin *admin;
	struct stream stream;
	struct timer timer;
	struct peer peer;
	enum session_state state;
	bool keep;
	bool has_answered;     /* once at least */
	bool is_first_byte_in; /* the request's deadline runs */
	struct http_head head;
	struct http_field fields[ADMIN_FIELDS_MAX];
	struct h1_body body;
	size_t n;      /* bytes in `in`: the head, the payload, what follows */
	size_t body_n; /* of the payload */
	int64_t answer_until_ms;
	char out_head[VM_ANSWER_HEADERS_MAX + 512];
	size_t out_head_n, out_sent; /* sent: of head and body together */
	char *out_body;		     /* owned; NULL: none */
	size_t out_body_n, out_charged;
	char in[ADMIN_HEAD_MAX + ADMIN_BODY_MAX + 4096]; /* and what a coding adds */
};

/* Takes over fd, also when there is no room for it. */
void session_create(struct admin *a, int fd, const struct peer *peer);
void session_destroy(struct session *s);

/* What it waits for in SESSION_RELOAD. */
void session_tell_reload(struct session *s, bool is_ok, const char *text);

/* Ends it, now or with its answer. May free it. */
void session_retire(struct session *s);

/* Has it nothing under way that anyone would miss? */
bool session_is_idle(const struct session *s);

#endif

/*
 * What a client's frames do that nghttp2 passes over without a word, and that RFC 9113 calls errors
 * of the connection: frames on streams that are over, numbers of streams that go back, a priority that
 * depends on itself. The bytes are walked through from frame to frame on their way to nghttp2.
 */
#ifndef NEAP_HTTP_H2_WATCH_H
#define NEAP_HTTP_H2_WATCH_H

#include <nghttp2/nghttp2.h>

#include "http/h2_code.h"
#include "http/h2_recent.h"

enum { H2_WATCH_HEAD = 9, H2_WATCH_DEPENDENCY = 4 };

struct h2_watch {
	struct h2_recent recent;
	uint8_t bytes[H2_WATCH_HEAD + H2_WATCH_DEPENDENCY]; /* of the frame's begin */
	uint8_t n;					    /* of these, so far */
	uint32_t left; /* of the frame's rest, or of the preface */
	bool is_over;  /* we said which stream is the last: those above it are not looked at */
};

/* Before the preface. */
void h2_watch_init(struct h2_watch *w);

/* A HEADERS frame begins. */
enum h2_code h2_watch_headers(struct h2_watch *w, nghttp2_session *ng, int32_t id);

/*
 * Gives n bytes to nghttp2: what nghttp2_session_mem_recv returns. *code: an error of the connection
 * that was found, after which no more bytes were given.
 */
ssize_t h2_watch_receive(struct h2_watch *w, nghttp2_session *ng, const uint8_t *p, size_t n,
			 enum h2_code *code);

/*
 * Does more wait to be sent, beside DATA, than streams at a time can be the reason for? A client that
 * does not read and makes us answer all the same.
 */
bool h2_watch_is_deaf(nghttp2_session *ng, uint32_t streams);

/* The end of what came is the end of a frame. */
static inline bool h2_watch_is_between(const struct h2_watch *w)
{
	return w->n == 0 && w->left == 0;
}

#endif

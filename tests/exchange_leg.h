/*
 * A leg over memory: the second row of struct leg_ops. It frames as no HTTP/1 backend does: a
 * backend's answer is a list of frames, and each read gives one. A connection stands beside it, on
 * which nothing is ever sent.
 *
 * exchange_leg.c has h1_leg_open, in the place of the one in src/upstream/h1_leg.c: the linker takes
 * that one only when nobody else has it.
 */
#ifndef NEAP_TESTS_EXCHANGE_LEG_H
#define NEAP_TESTS_EXCHANGE_LEG_H

#include "exchange_stage.h"
#include "upstream/h1_leg.h"

enum { MEMORY_FRAMES_MAX = 8 };

enum frame_kind {
	FRAME_NONE, /* nothing more for now */
	FRAME_HEAD,
	FRAME_BODY,
	FRAME_LAST,   /* the end of the answer, with or without a rest of its body */
	FRAME_CLOSE,  /* the backend goes away */
	FRAME_REFUSE, /* that, and says that it took nothing of the request */
};

struct frame {
	uint8_t kind; /* enum frame_kind */
	const char *text;
	size_t n; /* of a body: text so often; 0: once */
};

struct memory_leg {
	/* How the backend behaves. */
	struct frame frames[MEMORY_FRAMES_MAX]; /* what it answers; the rest are FRAME_NONE */
	size_t room;				/* bytes of the request that it still takes */

	/* How it stands. */
	struct leg *leg; /* NULL: not opened */
	struct uconn *uconn;
	int is_open; /* it was */
	unsigned at; /* the next frame */
	bool wants, has_refused;
	char got[STAGE_HEAD_BYTES]; /* the first bytes of the request, as it got it */
	size_t got_n;		    /* all of them, counted */
};

/* The next n attempts use these, in their order. */
void memory_legs(struct memory_leg *legs, unsigned n);

/* Lets the loop run until this one is open. */
void memory_leg_await(struct stage *s, const struct memory_leg *m);

/* Tells its owner of the next frame, if it wants one; false: it does not, or there is none. */
bool memory_leg_tell(struct memory_leg *m);
void memory_leg_tell_all(struct memory_leg *m);

/* The backend takes so many bytes more of the request. */
void memory_leg_take(struct memory_leg *m, size_t n);

/* Does the request that it got begin with this text? */
bool memory_leg_begins(const struct memory_leg *m, const char *text);

#endif

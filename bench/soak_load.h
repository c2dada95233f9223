/*
 * The clients of the soak. A plan is what one client does on one connection: requests of known
 * kinds, and how they are sent, read and given up. The reader takes answers apart and judges
 * whether each is the one that belongs to its request.
 */
#ifndef BENCH_SOAK_LOAD_H
#define BENCH_SOAK_LOAD_H

#include "soak.h"

enum { PLAN_REQUESTS = 8, PLAN_BYTES = 1200 * 1024, NO_LIMIT = 0x7fffffff };

struct request {
	char kind; /* of soak.h; 'B': refused with `status` */
	bool is_head;
	uint64_t token;
	size_t size;
	unsigned status;
};

struct plan {
	char *bytes; /* PLAN_BYTES of room */
	size_t n;
	struct request requests[PLAN_REQUESTS];
	unsigned count;
	size_t piece;	     /* most bytes of one send */
	size_t stop_sending; /* after so many bytes; NO_LIMIT: never */
	size_t stop_reading; /* the client leaves after so many bytes read */
	bool leaves;	     /* after stop_sending; else it waits for what the server does */
	bool resets;	     /* leaves by a reset */
	bool keeps;	     /* the connection serves for another plan */
	uint32_t nap_ms;     /* before the first read */
};

void plan_make(struct plan *p, uint64_t *seed);

enum verdict {
	GOOD,	 /* the right answer */
	REFUSED, /* a bad request, and refused as it should be */
	EXCUSED, /* 502, 503 or 504 where the backend gave cause, or may have died */
	CUT,	 /* ended inside an answer that was right so far */
	WRONG,
	VERDICTS
};

struct answer {
	uint8_t state;
	bool closes, is_chunked, has_length, is_ours, is_right; /* is_right: every byte so far */
	unsigned status;
	uint64_t token, left, got;
	struct soak_chunks chunks;
	char head[20 * 1024];
	size_t head_n;
};

enum answer_result { ANSWER_MORE, ANSWER_DONE, ANSWER_BAD };

void answer_init(struct answer *a);

/* Uses *used of the n bytes, none behind the end of this answer. */
enum answer_result answer_feed(struct answer *a, const struct request *r, const char *p, size_t n,
			       size_t *used);

/* The connection ended: is this answer whole by that? */
bool answer_ends(const struct answer *a);
bool answer_began(const struct answer *a);

/* ended: all of it was read. stopped: the client stopped sending before this request was out. */
enum verdict answer_judge(const struct answer *a, const struct request *r, bool ended,
			  bool stopped);

#endif

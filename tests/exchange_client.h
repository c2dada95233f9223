/*
 * A client that records: the second row of struct client_ops. It notes each call by its name, keeps
 * the bytes, and takes as many of them as the test lets it.
 */
#ifndef NEAP_TESTS_EXCHANGE_CLIENT_H
#define NEAP_TESTS_EXCHANGE_CLIENT_H

#include "exchange/exchange.h"
#include "exchange_stage.h"

enum { RECORDER_BYTES = 256 * 1024 };

struct recorder {
	struct client client;

	/* Its request. */
	struct buf block;
	struct peer peer;
	struct exchange ex;
	struct http_field fields[STAGE_FIELDS];

	/* How it behaves. */
	size_t room; /* bytes that it still takes */
	bool is_gone;

	/* What it saw. */
	char calls[256]; /* names of the functions, a blank after each */
	bool is_read;	 /* its connection is read already */
	unsigned wants;	 /* how often more of its body was asked for */
	char *got;	 /* RECORDER_BYTES */
	size_t got_n;
	char kept[STAGE_HEAD_BYTES]; /* of heads and texts, not taken yet */
	size_t kept_n;
	bool is_done;
};

/* A client that takes everything, and whose request begins with these bytes. */
void recorder_open(struct recorder *r, struct stage *s, const char *head);

/* It begins, or is refused. What comes after the head is of its body; is_whole: that is all of it. */
void recorder_start(struct recorder *r, bool is_whole);

/* Its next bytes come, as much of them as there is room for; how many that were. */
size_t recorder_send(struct recorder *r, const char *bytes, size_t n, bool is_last);

/* It takes so many bytes more. */
void recorder_take(struct recorder *r, size_t n);

/* A check: the calls since the last one were these, as in "answer body done ". */
void recorder_check(struct recorder *r, const char *calls, const char *what);

/* Does what it got begin, or end, with this text? */
bool recorder_begins(const struct recorder *r, const char *text);
bool recorder_ends(const struct recorder *r, const char *text);

/* The test is over: its exchange has ended. */
void recorder_close(struct recorder *r);

#endif

/*
 * Answers made here: refusals, failures, and what a script replies, as heads of HTTP/1 in scratch
 * memory. keeps: the client's connection goes on afterwards.
 */
#ifndef NEAP_EXCHANGE_REPLY_H
#define NEAP_EXCHANGE_REPLY_H

#include "exchange/request.h"

/* How the answer of a policy goes out, if not as it was given. */
struct reply_changes {
	const void *edits; /* of its fields; NULL: none */
	bool varies;	   /* by Accept-Encoding, and it does not say so */
	bool is_squeezed;  /* its body is made anew on its way (squeeze.h) */
	uint8_t form;	   /* enum client_form: how its client takes bodies */
};

/*
 * The head of the answer rq->own, with the reason as x-neap-error where the service does not hide it,
 * and its body, a short text in scratch memory too. Sets rq->status and rq->bytes.
 */
struct str reply_error(struct request *rq, bool keeps, struct str *body);

/* The head of view.reply, and its body. Sets rq->status. Empty: it has too many headers. */
struct str reply_script(struct request *rq, bool keeps, const struct reply_changes *changes,
			struct str *body);

/* The same, where it stands for the answer rq->own: with the reason, as reply_error has it. */
struct str reply_words(struct request *rq, bool keeps, struct str *body);

/* Counts the refusal rq->own by its cause. */
void reply_count(const struct request *rq);

/*
 * A whole answer for a connection that gets no exchange (too many connections), into to[size]; its
 * length. reason "": none is told.
 */
size_t reply_static(char *to, size_t size, uint16_t status, const char *reason);

#endif

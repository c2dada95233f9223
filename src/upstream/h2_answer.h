/*
 * The answer on a stream of HTTP/2, as it comes: heads become text in the leg's `in` (http/h2_fields),
 * its body follows there in the form that is wanted, and what cannot go there yet waits (h2_spill.h).
 * What is wrong with it is told as a fault; what to do about it is the leg's business (h2_leg.h).
 */
#ifndef NEAP_UPSTREAM_H2_ANSWER_H
#define NEAP_UPSTREAM_H2_ANSWER_H

#include "http/h2_fields.h"
#include "upstream/h2_spill.h"
#include "upstream/leg.h"

/* How far it is, as far as it was looked at. */
enum h2_answer_phase {
	H2_ANSWER_NOTHING,
	H2_ANSWER_BLOCK,    /* a head is being read */
	H2_ANSWER_INTERIM,  /* that of a 1xx is at the start of `in` */
	H2_ANSWER_HEAD,	    /* that of the answer was whole: its body comes */
	H2_ANSWER_TRAILERS, /* they are being read, or were */
};

struct h2_answer {
	struct leg *leg;
	struct h2_fields fields;
	struct h2_spill spill;
	const char *fault; /* the backend does not keep to HTTP; NULL: it does so far */
	uint64_t got;	   /* bytes of the body */
	uint32_t chunk;	   /* the last bytes of `in`: a chunk that is still open; 0: none is */
	uint32_t untaken;  /* bytes of the body that count against the window */
	uint8_t phase;	   /* enum h2_answer_phase */
	uint8_t method_id; /* of the request */
	bool has_passed;   /* the head has: `in` has the body */
	bool has_ended;	   /* END_STREAM was looked at */
	bool is_closed;	   /* the end of the body is in `in`, too */
	bool lacks_memory;
};

void h2_answer_init(struct h2_answer *a, struct leg *leg, uint8_t method_id);

/* What comes. May be called when the answer has a fault: it is ignored. */
void h2_answer_block(struct h2_answer *a);
void h2_answer_field(struct h2_answer *a, struct str name, struct str value);
void h2_answer_block_end(struct h2_answer *a, bool is_last);
void h2_answer_data(struct h2_answer *a, struct str bytes);
void h2_answer_end(struct h2_answer *a);

/* Body bytes were taken from `in`: what waits is looked at. */
void h2_answer_go_on(struct h2_answer *a);

/* The same: the head of a 1xx was. */
void h2_answer_next(struct h2_answer *a);

/* The head is dropped from `in`; the body is wanted in this form. */
void h2_answer_pass(struct h2_answer *a, enum body_form form);

/* Before what is in `in` goes on: a chunk that is open is closed, and after the body its end is added. */
void h2_answer_settle(struct h2_answer *a);

/* Bytes of the body that were taken since the last call: they make room in the window. */
size_t h2_answer_taken(struct h2_answer *a);

/* Its leg is this one now; the answer's head is whole. */
void h2_answer_moved(struct h2_answer *a, struct leg *leg);

void h2_answer_fini(struct h2_answer *a);

#endif

/*
 * The fields of an HTTP/2 message, as HPACK gives them, become a head as HTTP/1 has it: text in the
 * owner's block, and a struct http_head of it. So hooks, edits, logs and records need no second form.
 * Nothing that could be read in two ways gets into that text: what RFC 9113 §8 calls malformed is
 * told, and what comes after it is dropped.
 *
 * A request becomes: the values of its pseudo-fields (method, target and so on are spans of them), a
 * line end, "host: AUTHORITY", and the other fields as lines. An answer: "HTTP/2 STATUS", then lines.
 * Trailers: lines alone.
 */
#ifndef NEAP_HTTP_H2_FIELDS_H
#define NEAP_HTTP_H2_FIELDS_H

#include "base/buf.h"
#include "http/h2_priority.h"
#include "http/msg.h"

enum h2_block { H2_REQUEST, H2_ANSWER, H2_TRAILERS };

enum h2_fields_result {
	H2_FIELDS_WHOLE,
	H2_FIELDS_REFUSED,   /* of a request: head->refusal is the answer to it */
	H2_FIELDS_MALFORMED, /* a stream error PROTOCOL_ERROR (RFC 9113 §8.1.1): `fault` says why */
};

struct h2_fields {
	struct http_head *head; /* of trailers: only its limits are used */
	struct buf *to;
	uint8_t block;	   /* enum h2_block */
	uint8_t pseudo;	   /* bits: pseudo-fields that came */
	bool is_past;	   /* the pseudo-fields are over */
	uint16_t cookie;   /* number of the Cookie line, from 1 on; 0: none */
	const char *fault; /* malformed, and why; NULL: not so far */
	uint32_t came_n;   /* fields so far, those that were dropped too */
	uint64_t came;	   /* bytes of them, counted as RFC 9113 §6.5.2 does */
	struct http_span scheme, authority, protocol;
	struct h2_priority priority;
};

/*
 * Begins a block. The text is appended to `to`; of a request and of an answer it begins at buf_head(to).
 * head: set up by h1_head_init.
 */
void h2_fields_begin(struct h2_fields *f, enum h2_block block, struct http_head *head,
		     struct buf *to);

/* Bytes of room in `to` that this field needs at most, with what may follow at the end. */
size_t h2_fields_room(const struct h2_fields *f, struct str name, struct str value);

/*
 * One field, in the order of the block. A request that is past a limit is refused, an answer too;
 * the owner has seen to room before, and drops the field where it has none (h2_fields_refuse).
 */
void h2_fields_add(struct h2_fields *f, struct str name, struct str value);

/*
 * Refuses a request, or an answer (502), for a reason of the owner's. Trailers are malformed then:
 * they come too late for an answer.
 */
void h2_fields_refuse(struct h2_fields *f, uint16_t status, const char *reason);

/*
 * The block is whole. is_last: END_STREAM came with it. The framing of a request is then FRAMING_NONE;
 * else FRAMING_LENGTH when it said its length, or FRAMING_UNTIL_CLOSE: the body ends with its stream.
 * That of an answer holds for one that has a body (h1_response_framing is the owner's business).
 */
enum h2_fields_result h2_fields_end(struct h2_fields *f, bool is_last);

/* RFC 8441: a CONNECT with :protocol. Of a whole request. */
static inline bool h2_fields_has_protocol(const struct h2_fields *f)
{
	return f->protocol.n > 0;
}

#endif

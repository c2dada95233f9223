/*
 * A block of fields that comes on a connection over HTTP/2 (link.h), the head of an answer or trailers:
 * looked at by http/h2_fields.h, then given to its call as the text that HTTP/1.1 would have. One block
 * comes at a time on a connection (RFC 9113 §4.3). What is wrong with it is the call's failure.
 */
#ifndef NEAP_SCRIPT_LINK_BLOCK_H
#define NEAP_SCRIPT_LINK_BLOCK_H

#include "http/h2_fields.h"
#include "script/link_call.h"
#include "script/reading.h"

struct link_block {
	struct h2_fields fields;
	struct http_head head;
	struct http_field lines[READING_HEADERS_MAX];
	struct buf text; /* holds memory while a block comes */
};

/* slab: of objects of LINK_BLOCK_BYTES. */
enum { LINK_BLOCK_BYTES = LINK_HEAD_MAX };
void link_block_init(struct link_block *b, struct slab *slab);
void link_block_fini(struct link_block *b);

void link_block_begin(struct link_block *b, struct link_call *c);
void link_block_field(struct link_block *b, struct link_call *c, struct str name, struct str value);
void link_block_end(struct link_block *b, struct link_call *c, bool is_last);

#endif

/*
 * The codings of content that neap knows (RFC 9110 §8.4.1), and an encoder of each: bytes in, bytes
 * out, in pieces of any size. Identity is one of them: it copies. Whoever makes an encoder ends it.
 */
#ifndef NEAP_CODING_ENCODER_H
#define NEAP_CODING_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "coding/encoder_ops.h"

enum coding { CODING_IDENTITY, CODING_GZIP, CODING_BR, CODING_ZSTD, CODINGS };

/* Its name in Content-Encoding. */
struct str coding_name(enum coding coding);

/* By its name; CODINGS: there is none. */
enum coding coding_of(struct str name);

struct encoder {
	const struct encoder_ops *ops;
	void *state;
};

/* false: no memory. level: one that the coding has (its header). */
bool encoder_init(struct encoder *e, enum coding coding, int level);
void encoder_fini(struct encoder *e);

static inline enum encode_result encoder_run(struct encoder *e, enum encode_goal goal,
					     struct encode_io *io)
{
	return e->ops->run(e->state, goal, io);
}

#endif

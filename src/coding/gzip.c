#include "coding/gzip.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

enum { WINDOW_BITS = 15, AS_GZIP = 16, MEMORY_LEVEL = 8 };

static void *gzip_create(int level)
{
	z_stream *z = calloc(1, sizeof(*z));
	if (z != NULL && deflateInit2(z, level, Z_DEFLATED, WINDOW_BITS + AS_GZIP, MEMORY_LEVEL,
				      Z_DEFAULT_STRATEGY) != Z_OK) {
		free(z);
		return NULL;
	}
	return z;
}

static enum encode_result gzip_run(void *state, enum encode_goal goal, struct encode_io *io)
{
	static const int flushes[] = { Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH };
	z_stream *z = state;
	z->next_in = (Bytef *)(uintptr_t)io->in;
	z->avail_in = (uInt)io->in_n;
	z->next_out = (Bytef *)io->out;
	z->avail_out = (uInt)io->out_n;
	int result = deflate(z, flushes[goal]);
	io->in += io->in_n - z->avail_in;
	io->in_n = z->avail_in;
	io->out += io->out_n - z->avail_out;
	io->out_n = z->avail_out;
	if (result == Z_STREAM_ERROR)
		return ENCODE_FAILED;
	if (goal == ENCODE_END)
		return result == Z_STREAM_END ? ENCODE_DONE : ENCODE_FULL;
	return z->avail_out == 0 ? ENCODE_FULL : ENCODE_DONE;
}

static void gzip_destroy(void *state)
{
	(void)deflateEnd(state); /* it says that some input was not written, which is known */
	free(state);
}

const struct encoder_ops gzip_ops = { gzip_create, gzip_run, gzip_destroy };

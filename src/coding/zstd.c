#include "coding/zstd.h"

#include <stdbool.h>
#include <zstd.h>

/* RFC 9659 allows 2^23; what a window is larger takes memory of each answer. */
enum { WINDOW_LOG = 18 };

static void *zstd_create(int level)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();
	if (z == NULL)
		return NULL;
	bool is_set = !ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, level)) &&
		      !ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, WINDOW_LOG));
	if (is_set)
		return z;
	(void)ZSTD_freeCCtx(z); /* it never fails on one that was made */
	return NULL;
}

static enum encode_result zstd_run(void *state, enum encode_goal goal, struct encode_io *io)
{
	static const ZSTD_EndDirective directives[] = { ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end };
	ZSTD_inBuffer in = { io->in, io->in_n, 0 };
	ZSTD_outBuffer out = { io->out, io->out_n, 0 };
	size_t left = ZSTD_compressStream2(state, &out, &in, directives[goal]);
	if (ZSTD_isError(left))
		return ENCODE_FAILED;
	io->in += in.pos;
	io->in_n -= in.pos;
	io->out += out.pos;
	io->out_n -= out.pos;
	if (goal == ENCODE_MORE)
		return io->in_n > 0 ? ENCODE_FULL : ENCODE_DONE;
	return left > 0 || io->in_n > 0 ? ENCODE_FULL : ENCODE_DONE;
}

static void zstd_destroy(void *state)
{
	(void)ZSTD_freeCCtx(state);
}

const struct encoder_ops zstd_ops = { zstd_create, zstd_run, zstd_destroy };

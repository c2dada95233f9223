#include "coding/brotli.h"

#include <brotli/encode.h>
#include <stdbool.h>

/* What a window is larger takes memory of each answer, and of each client. A block is what is worked
 * on at once, so it is the least that there is. */
enum { WINDOW_LOG = 18, BLOCK_LOG = BROTLI_MIN_INPUT_BLOCK_BITS };

static void *brotli_create(int level)
{
	BrotliEncoderState *b = BrotliEncoderCreateInstance(NULL, NULL, NULL);
	if (b == NULL)
		return NULL;
	bool is_set = BrotliEncoderSetParameter(b, BROTLI_PARAM_QUALITY, (uint32_t)level) &&
		      BrotliEncoderSetParameter(b, BROTLI_PARAM_LGWIN, WINDOW_LOG) &&
		      BrotliEncoderSetParameter(b, BROTLI_PARAM_LGBLOCK, BLOCK_LOG);
	if (is_set)
		return b;
	BrotliEncoderDestroyInstance(b);
	return NULL;
}

static enum encode_result brotli_run(void *state, enum encode_goal goal, struct encode_io *io)
{
	static const BrotliEncoderOperation operations[] = { BROTLI_OPERATION_PROCESS,
							     BROTLI_OPERATION_FLUSH,
							     BROTLI_OPERATION_FINISH };
	BrotliEncoderState *b = state;
	const uint8_t *in = (const uint8_t *)io->in;
	uint8_t *out = (uint8_t *)io->out;
	if (!BrotliEncoderCompressStream(b, operations[goal], &io->in_n, &in, &io->out_n, &out,
					 NULL))
		return ENCODE_FAILED;
	io->in = (const char *)in;
	io->out = (char *)out;
	if (io->in_n > 0 || BrotliEncoderHasMoreOutput(b))
		return ENCODE_FULL;
	return goal != ENCODE_END || BrotliEncoderIsFinished(b) ? ENCODE_DONE : ENCODE_FULL;
}

static void brotli_destroy(void *state)
{
	BrotliEncoderDestroyInstance(state);
}

const struct encoder_ops brotli_ops = { brotli_create, brotli_run, brotli_destroy };

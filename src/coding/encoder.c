#include "coding/encoder.h"

#include "coding/brotli.h"
#include "coding/gzip.h"
#include "coding/zstd.h"

/* ---- identity ---- */

static void *identity_create(int level)
{
	static char nothing;
	(void)level;
	return &nothing;
}

static enum encode_result identity_run(void *state, enum encode_goal goal, struct encode_io *io)
{
	size_t n = io->in_n < io->out_n ? io->in_n : io->out_n;
	(void)state;
	(void)goal;
	if (n > 0)
		memcpy(io->out, io->in, n);
	io->in += n;
	io->in_n -= n;
	io->out += n;
	io->out_n -= n;
	return io->in_n > 0 ? ENCODE_FULL : ENCODE_DONE;
}

static void identity_destroy(void *state)
{
	(void)state;
}

static const struct encoder_ops identity_ops = { identity_create, identity_run, identity_destroy };

/* ---- all of them ---- */

static const struct {
	struct str name;
	const struct encoder_ops *ops;
} rows[CODINGS] = {
	[CODING_IDENTITY] = { { "identity", 8 }, &identity_ops },
	[CODING_GZIP] = { { "gzip", 4 }, &gzip_ops },
	[CODING_BR] = { { "br", 2 }, &brotli_ops },
	[CODING_ZSTD] = { { "zstd", 4 }, &zstd_ops },
};

struct str coding_name(enum coding coding)
{
	return rows[coding].name;
}

enum coding coding_of(struct str name)
{
	int i = 0;
	while (i < CODINGS && !str_eq(rows[i].name, name))
		i++;
	return (enum coding)i;
}

bool encoder_init(struct encoder *e, enum coding coding, int level)
{
	e->ops = rows[coding].ops;
	e->state = e->ops->create(level);
	return e->state != NULL;
}

void encoder_fini(struct encoder *e)
{
	if (e->state != NULL)
		e->ops->destroy(e->state);
	e->state = NULL;
}

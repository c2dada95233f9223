#include "shm/board_self_signed.h"

#include "shm/board.h"
#include "shm/words.h"

_Static_assert(BOARD_SELF_SIGNED_WORDS * 8 == BOARD_SELF_SIGNED_BYTES, "the text is whole words");

void board_self_signed_set(struct board *b, struct str pem)
{
	char whole[BOARD_SELF_SIGNED_BYTES] = { 0 };

	if (pem.n == 0 || pem.n > sizeof(whole))
		return;
	memcpy(whole, pem.p, pem.n);
	words_store(b->self_signed.words, whole, sizeof(whole));
	explicit_bzero(whole, sizeof(whole));
	atomic_store(&b->self_signed.n, (uint32_t)pem.n);
}

struct str board_self_signed_get(const struct board *b, char *to)
{
	uint32_t n = atomic_load(&b->self_signed.n);

	if (n > BOARD_SELF_SIGNED_BYTES)
		n = 0;
	words_load(to, b->self_signed.words, BOARD_SELF_SIGNED_BYTES);
	return (struct str){ to, n };
}

/* ---- from board to board ---- */

struct kept {
	char mark[8];
	uint64_t n;
	char bytes[BOARD_SELF_SIGNED_BYTES];
};

static const char mark[8] = "SELFSIG1";

void board_self_signed_write(const struct board *b, FILE *to)
{
	struct kept k = { .n = 0 };

	memcpy(k.mark, mark, sizeof(mark));
	k.n = board_self_signed_get(b, k.bytes).n;
	(void)fwrite(&k, sizeof(k), 1, to);
	explicit_bzero(&k, sizeof(k));
}

void board_self_signed_read(struct board *b, FILE *from)
{
	struct kept k;

	if (fread(&k, sizeof(k), 1, from) == 1 && memcmp(k.mark, mark, sizeof(mark)) == 0 &&
	    k.n <= sizeof(k.bytes))
		board_self_signed_set(b, (struct str){ k.bytes, (size_t)k.n });
	explicit_bzero(&k, sizeof(k));
}

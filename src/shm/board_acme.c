#include "shm/board_acme.h"

#include <stdlib.h>

#include "base/num.h"
#include "shm/board.h"
#include "shm/words.h"

enum { TRIES = 8 };

enum err board_acme_write(struct board *b, struct str text, struct error *e)
{
	struct board_acme *a = &b->acme;
	uint32_t version = atomic_load_explicit(&a->version, memory_order_relaxed) + 1;
	size_t whole = text.n / 8 * 8;
	char last[8] = { 0 };

	if (text.n > BOARD_ACME_BYTES)
		return err_set(e, ERR_LIMIT, "certificates and keys exceed %d bytes in total",
			       BOARD_ACME_BYTES);
	version += version == 0; /* after the largest number */
	atomic_thread_fence(memory_order_release);
	words_store(a->text[version & 1], text.p, whole);
	if (text.n > whole) {
		memcpy(last, text.p + whole, text.n - whole);
		words_store(&a->text[version & 1][whole / 8], last, sizeof(last));
	}
	atomic_store_explicit(&a->bytes[version & 1], (uint32_t)text.n, memory_order_relaxed);
	atomic_store_explicit(&a->version, version, memory_order_release);
	return ERR_OK;
}

uint32_t board_acme_version(const struct board *b)
{
	return atomic_load_explicit(&b->acme.version, memory_order_acquire);
}

/* The copy of that version; false: it is being written anew. */
static bool copy_text(const struct board_acme *a, uint32_t version, char *to, size_t bytes)
{
	words_load(to, a->text[version & 1], bytes);
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&a->version, memory_order_relaxed) == version;
}

static enum err read_once(const struct board_acme *a, char **text, size_t *n, uint32_t *version,
			  struct error *e)
{
	*version = atomic_load_explicit(&a->version, memory_order_acquire);
	*n = atomic_load_explicit(&a->bytes[*version & 1], memory_order_relaxed);
	if (*n > BOARD_ACME_BYTES)
		return err_set(e, ERR_INVALID, "the text is damaged");
	size_t room = (*n + 7) / 8 * 8;
	*text = malloc(room + 8);
	if (*text == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	if (copy_text(a, *version, *text, room))
		return ERR_OK;
	free(*text);
	*text = NULL;
	return err_set(e, ERR_GONE, "it is being written");
}

enum err board_acme_read(const struct board *b, char **text, size_t *n, uint32_t *version,
			 struct error *e)
{
	enum err err = ERR_GONE;

	for (unsigned i = 0; i < TRIES && err == ERR_GONE; i++)
		err = read_once(&b->acme, text, n, version, e);
	return err;
}

static bool take_number(struct str word, uint32_t max, uint32_t *to)
{
	uint64_t number;

	if (!num_parse_u64(word, max, &number))
		return false;
	*to = (uint32_t)number;
	return true;
}

bool acme_entry_next(struct str *rest, struct acme_entry *entry)
{
	struct str line, service, length;
	uint32_t n;

	if (rest->n == 0 || !str_split(rest, '\n', &line) || rest->p == NULL ||
	    !str_split(&line, ' ', &entry->kind) || !str_split(&line, ' ', &service) ||
	    !str_split(&line, ' ', &entry->name) || !str_split(&line, ' ', &length) ||
	    line.p != NULL || !take_number(service, UINT32_MAX, &entry->service) ||
	    !take_number(length, BOARD_ACME_BYTES, &n) || n >= rest->n || rest->p[n] != '\n')
		return false;
	entry->bytes = (struct str){ rest->p, n };
	rest->p += n + 1;
	rest->n -= n + 1;
	return true;
}

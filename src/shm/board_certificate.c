#include "shm/board_certificate.h"

#include "shm/board.h"

static struct board_certificate *latest(struct board_certificates *all)
{
	struct board_certificate *found = &all->of[0];

	for (uint32_t i = 1; i < BOARD_CERTIFICATES_MAX; i++) {
		if (all->of[i].not_after > found->not_after)
			found = &all->of[i];
	}
	return found;
}

void board_certificate_add(struct board *b, const struct board_certificate *c)
{
	struct board_certificates *all = &b->certificates;
	uint32_t n = atomic_load(&all->n);

	if (n < BOARD_CERTIFICATES_MAX) {
		all->of[n] = *c;
		atomic_store(&all->n, n + 1);
		return;
	}
	struct board_certificate *other = latest(all);
	if (c->not_after < other->not_after)
		*other = *c;
}

bool board_certificate_at(const struct board *b, uint32_t i, struct board_certificate *to)
{
	if (i >= atomic_load(&b->certificates.n) || i >= BOARD_CERTIFICATES_MAX)
		return false;
	*to = b->certificates.of[i];
	return true;
}

void board_certificate_set_file(struct board_certificate *c, struct str path)
{
	static const char mark[] = "…";
	size_t room = sizeof(c->file) - sizeof(mark);

	if (str_copy(c->file, sizeof(c->file), path))
		return;
	memcpy(c->file, mark, sizeof(mark) - 1);
	path.p += path.n - room;
	while (((unsigned char)*path.p & 0xc0) == 0x80) { /* not in the middle of a character */
		path.p++;
		room--;
	}
	memcpy(c->file + sizeof(mark) - 1, path.p, room);
	c->file[sizeof(mark) - 1 + room] = '\0';
}

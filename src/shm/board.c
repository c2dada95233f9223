#include "shm/board.h"

#include <errno.h>
#include <sys/mman.h>

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2,
	       "atomics shared between processes must not hide a lock");
_Static_assert(sizeof(struct board_text) % 8 == 0, "text is copied in words");

enum { BOARD_MAGIC = 0x6e656170, BOARD_VERSION = 1 };

enum err board_create(struct board **b, struct error *e)
{
	int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
	struct board *made = mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (made == MAP_FAILED)
		return err_sys(e, errno, "cannot map %zu bytes of shared memory", sizeof *made);
	/* The keys of tickets and of ACME are on it: nothing of it goes into core files. */
	(void)madvise(made, sizeof *made, MADV_DONTDUMP); /* a kernel without it dumps */
	made->magic = BOARD_MAGIC;
	made->version = BOARD_VERSION;
	made->bytes = sizeof *made;
	*b = made;
	return ERR_OK;
}

void board_destroy(struct board *b)
{
	if (b != NULL)
		(void)munmap(b, sizeof *b); /* fails only on a bad address */
}
